/** What people and other tools do to a service on the plane, past Sluice: the recorder does not see it. */

import { imageFor, referenceTo } from '../../testbed/kubernetes/workload.ts';
import { type RouteState, routePathOf, stateOf } from '../../testbed/kubernetes/route-record.ts';
import type { ClusterWorld } from '../../testbed/kubernetes/world.ts';
import { deploymentPath } from './on-cluster.ts';

interface Rule {
  readonly name?: string;
  readonly backendRefs: readonly { readonly name: string; readonly weight?: number }[];
}

interface Route {
  readonly spec: { readonly rules: readonly Rule[] };
}

export async function routeNow(world: ClusterWorld, name: string): Promise<RouteState> {
  const service = world.service(name);
  return stateOf(await world.plane.api.read(routePathOf(service)), service, Date.now());
}

/** Both weights of the route; everything else of it stays. */
export async function setWeightsByHand(
  world: ClusterWorld,
  name: string,
  weights: { readonly stable: number; readonly canary: number },
): Promise<void> {
  const path = routePathOf(world.service(name));
  const { spec } = await world.plane.api.read<Route>(path);
  const weightOf = (backend: string) => (backend === name ? weights.stable : weights.canary);
  const rules = spec.rules.map((rule) =>
    rule.name?.startsWith('sluice-preview') === true
      ? rule
      : { ...rule, backendRefs: rule.backendRefs.map((ref) => ({ ...ref, weight: weightOf(ref.name) })) },
  );
  await world.plane.api.merge(path, { spec: { rules } });
}

/** Another image in a Deployment, whoever owns it. */
export async function giveByHand(world: ClusterWorld, name: string, deployment: string, label: string): Promise<void> {
  const image = imageFor(world.service(name), label);
  world.plane.images.push(image);
  await editByHand(world, name, deployment, { image: referenceTo(image) });
}

/** Anything else of its container; lists are merged as `kubectl edit` does. */
export async function editByHand(world: ClusterWorld, name: string, deployment: string, of: object): Promise<void> {
  const { namespace } = world.service(name);
  const change = { spec: { template: { spec: { containers: [{ name: 'app', ...of }] } } } };
  const type = 'application/strategic-merge-patch+json';
  const { status } = await world.plane.api.ask('PATCH', deploymentPath(namespace, deployment), { json: change, type });
  if (status !== 200) throw new Error(`${deployment} was not changed: ${status}`);
}
