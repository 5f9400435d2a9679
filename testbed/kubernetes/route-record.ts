/** The target-side truth of a route: what the API server was told about its weights, from the record of a recorder in front of it. */

import { z } from 'zod';
import type { Entry } from '../recorder.ts';
import type { ProxyWrite, WrittenClaim } from '../world/observe.ts';
import { collectionPath } from './objects.ts';
import { routeApi } from './workload.ts';

export interface RouteName {
  readonly namespace: string;
  /** Of the HTTPRoute and of stable's Service; the canary's Service has `-canary` after it. */
  readonly name: string;
}

export const routePathOf = ({ namespace, name }: RouteName): string =>
  `${collectionPath(routeApi, 'HTTPRoute', namespace)}/${name}`;

const release = z.object({ digest: z.string(), label: z.string() });

const claimSchema = z.object({
  rollout: z.string(),
  run: z.string(),
  fence: z.number(),
  stage: z.looseObject({ kind: z.string() }),
  canary: release,
  places: z.object({ stable: release.nullable(), canary: release.nullable() }),
  released: z.boolean(),
});

const routeSchema = z.object({
  metadata: z.object({ generation: z.number(), annotations: z.record(z.string(), z.string()).default({}) }),
  spec: z.object({
    rules: z.array(
      z.object({
        name: z.string().optional(),
        backendRefs: z.array(z.object({ name: z.string(), weight: z.number().default(1) })).default([]),
      }),
    ),
  }),
  status: z
    .object({
      parents: z.array(
        z.object({
          conditions: z.array(z.object({ type: z.string(), status: z.string(), observedGeneration: z.number() })),
        }),
      ),
    })
    .prefault({ parents: [] }),
});

/** Slot `a` is stable's Service, `b` the canary's. */
export interface RouteState extends ProxyWrite {
  /** The Gateway has taken up exactly this. */
  readonly accepted: boolean;
  /** What the Gateways say of it, about whatever generation. */
  readonly conditions: readonly { readonly type: string; readonly status: string }[];
}

/** The writes that were accepted, in order. */
export function routeWrites(entries: readonly Entry[], route: RouteName): readonly RouteState[] {
  return statesIn(entries, route, ['PATCH', 'PUT']);
}

/** What somebody could read back, and when. */
export function routeReads(entries: readonly Entry[], route: RouteName): readonly RouteState[] {
  return statesIn(entries, route, ['GET']);
}

function statesIn(entries: readonly Entry[], route: RouteName, methods: readonly string[]): readonly RouteState[] {
  const path = routePathOf(route);
  return entries
    .filter((entry) => entry.path.split('?')[0] === path && methods.includes(entry.method) && entry.status === 200)
    .map((entry) => stateOf(JSON.parse(entry.answerBody), route, entry.at + entry.ms));
}

/** A route as the API server shows it. */
export function stateOf(object: unknown, { name }: RouteName, at: number): RouteState {
  const { metadata, spec, status } = routeSchema.parse(object);
  const split = spec.rules.find((rule) => rule.name?.startsWith('sluice-preview') !== true);
  const weight = (service: string) =>
    (split?.backendRefs ?? []).filter((ref) => ref.name === service).reduce((sum, ref) => sum + ref.weight, 0);
  const [stable, canary] = [weight(name), weight(`${name}-canary`)];
  const b = stable + canary === 0 ? 0 : Math.round((canary * 10_000) / (stable + canary));
  const bySlot = { a: stable + canary === 0 ? 0 : 10_000 - b, b };
  const stored = claimSchema.safeParse(parsed(metadata.annotations['sluice/claim'])).data;
  const conditions = status.parents.flatMap((parent) => parent.conditions);
  const acceptances = conditions.filter(({ type }) => type === 'Accepted');
  const accepted =
    acceptances.length > 0 &&
    acceptances.every((one) => one.status === 'True' && one.observedGeneration >= metadata.generation);
  if (stored === undefined) return { at, bySlot, claim: null, canaryBp: null, accepted, conditions };
  const { places, ...rest } = stored;
  const claim: WrittenClaim = { ...rest, slots: { a: places.stable, b: places.canary } };
  const ofCanary = (slot: 'a' | 'b') => (claim.slots[slot]?.digest === claim.canary.digest ? bySlot[slot] : 0);
  return { at, bySlot, claim, canaryBp: ofCanary('a') + ofCanary('b'), accepted, conditions };
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? null : JSON.parse(text);
  } catch {
    return null; // no version of Sluice wrote it
  }
}
