/** A target on the shared plane, and what stands there, asked of the API server and the Gateway rather than of us. */

import { expect } from 'vitest';
import type { Release } from '../../plan/release.ts';
import type { KubernetesTargetPlan, Liveness, Order, Share } from '../../plan/target.ts';
import { createClock } from '../../providers/clock.ts';
import { createCluster } from '../../providers/cluster.ts';
import { ProviderError } from '../../providers/errors.ts';
import type { Cluster, Target } from '../../providers/ports.ts';
import { createKubernetesTarget } from '../../providers/targets/kubernetes/target.ts';
import type { Image } from '../../testbed/kubernetes/images.ts';
import { collectionPath } from '../../testbed/kubernetes/objects.ts';
import type { Plane } from '../../testbed/kubernetes/plane.ts';
import { imageFor, type Workload } from '../../testbed/kubernetes/workload.ts';
import { waitFor } from '../../testbed/wait.ts';
import { kubeconfigOf } from './kubeconfig.ts';

export const header = { header: 'x-sluice-preview', value: 'canary' };

export function planFor(workload: Workload, more: Partial<KubernetesTargetPlan> = {}): KubernetesTargetPlan {
  const { namespace, name } = workload;
  return {
    kind: 'kubernetes',
    connection: 'cluster',
    route: `${namespace}/${name}`,
    namespace,
    deployment: name,
    container: 'app',
    service: name,
    router: { kind: 'gateway-api', resource: 'httproutes', name, rule: null },
    canary: { replicas: 1, label: null },
    labels: { release: '{{release.label}}' },
    promotion: 'direct',
    preview: header,
    drainMs: 200,
    ...more,
  };
}

/** As Sluice's own identity, with its rights and no others. */
export function clusterOf(plane: Plane): Cluster {
  return createCluster({ kind: 'kubeconfig', path: kubeconfigOf(plane, plane.worker), context: null }, createClock());
}

export function targetFor(plane: Plane, plan: KubernetesTargetPlan, cluster = clusterOf(plane)): Target {
  const connection = { cluster, public: plane.gatewayUrl, podsReachable: false, withinMs: 5_000 };
  return createKubernetesTarget({ plan, connection, clock: createClock() });
}

export function releaseOf({ digest, label, repository }: Image): Release {
  return { digest, label, image: repository };
}

/** Pushed, so that it can be pulled. */
export function canaryOf(plane: Plane, workload: Workload, label = 'v2'): Image {
  const image = imageFor(workload, label);
  plane.images.push(image);
  return image;
}

/** Orders with growing fences, as a rollout gives them. */
export function orders(namespace: string, stable: Release, canary: Release, from = 0) {
  let fence = from;
  const order = (): Order => ({ rollout: `rollout/test/${namespace}`, run: 'run-1', fence, stable, canary });
  return { next: () => ((fence += 1), order()), same: order };
}

export function sharesOf({ stable, canary }: Order, canaryBp: number): readonly Share[] {
  return [
    { digest: stable.digest, bp: 10_000 - canaryBp },
    { digest: canary.digest, bp: canaryBp },
  ];
}

/** Given capacity, set and confirmed. */
export async function shift(target: Target, next: () => Order, canaryBp: number, index = 0): Promise<Order> {
  await target.ensureCapacity(next(), canaryBp);
  const order = next();
  await target.setWeights(order, sharesOf(order, canaryBp), { kind: 'step', index });
  await live(target, order, canaryBp);
  return order;
}

export async function live(target: Target, order: Order, canaryBp: number): Promise<void> {
  const liveness = await waitFor<Liveness>(
    async () => {
      const found = await target.confirm(order, canaryBp);
      return found.kind !== 'pending' && found.kind !== 'unknown' && found;
    },
    { for: `${canaryBp} basis points to be live`, withinMs: 60_000 },
  );
  expect(liveness).toEqual({ kind: 'live' });
}

interface RouteObject {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly rules: readonly { readonly name?: string; readonly backendRefs: readonly object[] }[] };
}

export function routePath(namespace: string, name: string): string {
  return `${collectionPath('gateway.networking.k8s.io/v1', 'HTTPRoute', namespace)}/${name}`;
}

export function deploymentPath(namespace: string, name: string): string {
  return `${collectionPath('apps/v1', 'Deployment', namespace)}/${name}`;
}

export function routeOf(plane: Plane, { namespace, name }: Workload): Promise<RouteObject> {
  return plane.api.read<RouteObject>(routePath(namespace, name));
}

/** `null` when it does not exist. */
export async function imageAt(plane: Plane, namespace: string, name: string): Promise<string | null> {
  const found = await plane.api.find<{
    spec: { template: { spec: { containers: readonly { image: string }[] } } };
  }>(deploymentPath(namespace, name));
  return found?.spec.template.spec.containers[0]?.image ?? null;
}

/** What a refused act is refused with. */
export async function codeOf(act: Promise<unknown>): Promise<string> {
  const error = await act.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ProviderError);
  return (error as ProviderError).code;
}
