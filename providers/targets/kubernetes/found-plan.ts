/** The plan of a rollout as its canary's Deployment carries it, for whoever has to go back and has no spec. */

import { z } from 'zod';
import type { KubernetesTargetPlan } from '../../../plan/target.ts';
import { ProviderError } from '../../errors.ts';
import type { Clock } from '../../ports.ts';
import { createApi } from './api.ts';
import type { KubernetesSite } from './connection.ts';
import { textAt } from './json.ts';
import { companion, nameOfRef, refTo, resources } from './refs.ts';

export const planKey = 'sluice/target';

const name = z.string().min(1).max(253);
const text = z.string().max(1_000);

const planSchema = z.object({
  kind: z.literal('kubernetes'),
  connection: name,
  route: text,
  namespace: name,
  deployment: name,
  container: name,
  service: name,
  router: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('gateway-api'),
      resource: z.enum(['httproutes', 'grpcroutes']),
      name,
      rule: name.nullable(),
    }),
    z.object({ kind: z.literal('nginx'), ingress: name, prefix: name }),
    z.object({ kind: z.literal('istio'), virtualService: name, route: name.nullable() }),
  ]),
  canary: z.object({ replicas: z.int().min(1), label: name.nullable() }),
  labels: z.record(text, text),
  promotion: z.enum(['direct', 'gitops']),
  preview: z.object({ header: text, value: text }).nullable(),
  drainMs: z.int().min(0),
  switches: z.array(text).exactOptional(),
}) satisfies z.ZodType<KubernetesTargetPlan>;

/** Throws `ProviderError` `missing` when no rollout is there. */
export async function planFound(
  connection: KubernetesSite,
  clock: Clock,
  at: { readonly connection: string; readonly namespace: string; readonly deployment: string },
  signal?: AbortSignal,
): Promise<KubernetesTargetPlan> {
  const api = createApi(connection.cluster, clock, connection.withinMs);
  const ref = refTo(resources.deployments, at.namespace, companion(at.deployment));
  const object = await api.get(ref, { signal, urgent: true });
  const written = textAt(object ?? undefined, 'metadata', 'annotations', planKey);
  const plan = written === null ? null : parsed(written);
  // What it says of itself is believed only where it stands.
  if (plan?.namespace === at.namespace && plan.deployment === at.deployment) {
    return { ...plan, connection: at.connection };
  }
  const detail = object === null ? 'there is none, so no rollout runs there' : 'it does not say which rollout it is of';
  throw new ProviderError({ code: 'missing', doing: `find the rollout by ${nameOfRef(ref)}`, detail });
}

function parsed(written: string): KubernetesTargetPlan | null {
  try {
    const result = planSchema.safeParse(JSON.parse(written));
    return result.success ? result.data : null;
  } catch {
    return null;
  }
}
