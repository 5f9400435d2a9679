import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClusterWorld, startClusterWorld } from '../../testbed/kubernetes/world.ts';
import { waitFor } from '../../testbed/wait.ts';
import type { Rollouts } from '../servers/rollouts.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { sharedPlane } from './cluster.ts';
import { deploymentPath, imageAt } from './on-cluster.ts';
import { canaryAnswersAfterZero, expectInOrder, rolloutsOn } from './rollouts.ts';

const plane = sharedPlane();
let world: ClusterWorld;
let rollouts: Rollouts;

/** Its controller gives up early, so that nobody has to wait ten minutes. */
const hasty = { spec: { progressDeadlineSeconds: 5 } };

beforeAll(async () => {
  const services = [
    { name: 'crashing', ...hasty, releases: { v2: { exit: 1 } } },
    { name: 'never-ready', ...hasty, releases: { v2: { health: 503 } } },
    { name: 'not-there', ...hasty, releases: {} },
    'gone',
    'dying',
    'stuck',
  ];
  world = await startClusterWorld({ folder: temporaryFolder('pods'), plane, services });
  rollouts = await rolloutsOn(world);
  await world.startWorker();
  for (const name of ['gone', 'dying']) world.load(name, { ratePerSecond: 20, maxSeconds: 900 });
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

const steps = [
  { weight: '25%', bake: '10m..1h' },
  { weight: '100%', bake: '1s..10m' },
];
const stepsBp = [2_500, 10_000];

describe.concurrent('canary pods', () => {
  it.each([
    ['crashing', 'that crash again and again', /CrashLoopBackOff/],
    ['never-ready', 'that are never ready', /0 of 1 pods are available/],
    ['not-there', 'whose image cannot be pulled', /ErrImagePull|ImagePullBackOff/],
  ])('(%s) %s get no request, and people are told what is wrong', async (service, _, why) => {
    await rollouts.start({ service, steps });
    const { outcome, reason } = await rollouts.ended(service);
    expect([service, outcome]).toEqual([service, 'aborted']);
    expect(reason).toMatch(why);
    expect(world.weightsSeen(service)).toEqual([]);
    expect(world.requestsSince(service, 0)).toEqual([]);
    await expectInOrder(world, service, stepsBp, 'v1');
  });

  it.each([
    ['gone', 'that are ready no more at 25 %', { health: 503 }],
    ['dying', 'that crash at 25 %', { exit: 1 }],
  ])('(%s) %s lose their weight', async (service, _, behaviour) => {
    await rollouts.start({ service, steps });
    await rollouts.baking(service, 2_500);
    world.setFaults(service, 'v2', behaviour);
    const { outcome, reason } = await rollouts.ended(service);
    expect([service, outcome]).toEqual([service, 'rolled-back']);
    expect(reason).toMatch(/^serving 25% failed: v2 is not ready \(canary Deployment: 0 of 1 pods are ready/);
    expect(world.weightsSeen(service)).toEqual([2_500, 0]);
    expect(await canaryAnswersAfterZero(world, rollouts, service)).toBe(0);
    await expectInOrder(world, service, stepsBp, 'v1');
  });

  it("(stuck) that are ready, but those of stable's own Deployment are not: it goes back at its progress deadline, and no request is lost", async () => {
    const service = 'stuck';
    const { namespace } = world.service(service);
    const gates = [{ id: 'go', at: 'promote', require: [{ atLeast: 1, of: 'sre' }], expires: '1h' }];
    const users = world.load(service, { ratePerSecond: 20, maxSeconds: 900 });
    await rollouts.start({ service, steps: [{ weight: '100%', bake: '1s..10m' }], gates });
    await rollouts.gate(service, 'go');
    await plane.api.merge(deploymentPath(namespace, service), hasty);
    world.setFaults(service, 'v2', { newHealth: 503 });
    await rollouts.answer(service, 'go', 'ana');
    const isGiven = async () =>
      (await imageAt(plane, namespace, service))?.includes(world.digest(service, 'v2')) === true;
    await waitFor(isGiven, { for: 'stable to be given the release', withinMs: 60_000 });
    const given = Date.now();
    const { outcome, reason } = await rollouts.ended(service);
    expect([service, outcome]).toEqual([service, 'rolled-back']);
    expect(reason).toMatch(/no progress before its deadline/);
    expect(world.weightsSeen(service)).toEqual([10_000, 0]);
    // Until then the canary had all of it.
    const zeroed = world.routeWrites(service).find(({ canaryBp, at }) => canaryBp === 0 && at > given)?.at ?? NaN;
    const before = world.requestsSince(service, given, 'v1').filter(({ at }) => at < zeroed);
    expect(before).toEqual([]);
    expect(await canaryAnswersAfterZero(world, rollouts, service)).toBe(0);
    await users.stop();
    expect(users.counts()).toMatchObject({ failed: 0, byRelease: { v1: {}, v2: {} } });
    expect(Object.values(users.counts().byRelease).flatMap((statuses) => Object.keys(statuses))).toEqual([
      '200',
      '200',
    ]);
    await expectInOrder(world, service, [10_000], 'v1');
  });
});
