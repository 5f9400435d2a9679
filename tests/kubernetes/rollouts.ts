/** Rollouts on the plane, with what every rollout file needs there, and what a finished one must have left behind. */

import { expect } from 'vitest';
import type { ClusterWorld } from '../../testbed/kubernetes/world.ts';
import { waitFor } from '../../testbed/wait.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { idOf, Rollouts } from '../servers/rollouts.ts';
import { imageAt } from './on-cluster.ts';

export function rolloutsOn(world: ClusterWorld): Promise<Rollouts> {
  return Rollouts.of(world, (shape) => ({
    ...shape,
    selects: world.selects(shape.service),
    parts: { target: world.target(shape.service), ...shape.parts },
  }));
}

/** When Sluice says that zero was confirmed; throws when it does not. */
export async function zeroSaidAt(rollouts: Rollouts, service: string): Promise<number> {
  const zero = (await rollouts.timeline(service)).find(({ code }) => code === 'zero');
  if (zero === undefined) throw new Error(`${idOf(service)} never said zero`);
  return zero.at;
}

/** Answers of the canary's own pods after that; waits for users of stable, so that silence says something. */
export async function canaryAnswersAfterZero(
  world: ClusterWorld,
  rollouts: Rollouts,
  service: string,
  label = 'v2',
): Promise<number> {
  const zero = await zeroSaidAt(rollouts, service);
  const served = () => world.requestsSince(service, zero, 'v1').length >= 20;
  await waitFor(served, { for: `users of ${service} after zero`, withinMs: 60_000 });
  return world.requestsSince(service, zero, label).length;
}

/** Every accepted write was allowed, and stable's own Deployment serves alone, as before or with the new release. */
export async function expectInOrder(
  world: ClusterWorld,
  service: string,
  stepsBp: readonly number[],
  label: 'v1' | 'v2',
): Promise<void> {
  const { namespace, name } = world.service(service);
  expect(violations(world.routeWrites(service), { stepsBp, ended: true })).toEqual([]);
  expect(await imageAt(world.plane, namespace, name)).toContain(world.digest(service, label));
  expect(await imageAt(world.plane, namespace, `${name}-canary`)).toBeNull();
}
