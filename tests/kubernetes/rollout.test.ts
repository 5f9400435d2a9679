import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClusterWorld, startClusterWorld } from '../../testbed/kubernetes/world.ts';
import { waitFor } from '../../testbed/wait.ts';
import type { Rollouts } from '../servers/rollouts.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { sharedPlane } from './cluster.ts';
import { canaryAnswersAfterZero, expectInOrder, rolloutsOn } from './rollouts.ts';

const plane = sharedPlane();
const folder = temporaryFolder('rollout');
let world: ClusterWorld;
let rollouts: Rollouts;

beforeAll(async () => {
  const bad = { name: 'bad', releases: { v2: { errorRate: 1 } } };
  world = await startClusterWorld({ folder, plane, services: ['good', bad] });
  rollouts = await rolloutsOn(world);
  await world.startWorker();
});

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

const load = { ratePerSecond: 30, maxSeconds: 600 };

describe.concurrent('a release on Kubernetes', () => {
  it('goes from 5 to 50 to 100 %, becomes stable, and its canary is retired', async () => {
    const users = world.load('good', load);
    const steps = ['5%', '50%', '100%'].map((weight) => ({ weight, bake: '2s..5m', smoke: ['basic'] }));
    await rollouts.start({ service: 'good', judged: true, steps });
    const { outcome, reason } = await rollouts.ended('good');
    expect({ outcome, reason }).toMatchObject({ outcome: 'completed' });
    expect(world.weightsSeen('good')).toEqual([500, 5_000, 10_000]);
    await expectInOrder(world, 'good', [500, 5_000, 10_000], 'v2');

    const ended = Date.now();
    const served = () => world.requestsSince('good', ended, 'v2').length >= 20;
    await waitFor(served, { for: 'users of the new release' });
    await users.stop();
    expect(world.requestsSince('good', ended, 'v1')).toEqual([]);
    expect(users.counts()).toMatchObject({ failed: 0, byRelease: { v1: {}, v2: {} } });
    expect(Object.keys(users.counts().byRelease)).toEqual(['v1', 'v2']); // nobody got an answer of the Gateway's own
  });

  it('that answers with errors goes back by itself, and answers nobody once zero is confirmed', async () => {
    world.load('bad', load);
    const steps = ['5%', '50%', '100%'].map((weight) => ({ weight, bake: '3s..10m' }));
    await rollouts.start({ service: 'bad', judged: true, steps });
    const { outcome, reason } = await rollouts.ended('bad');
    expect({ outcome, reason }).toMatchObject({
      outcome: 'rolled-back',
      reason: expect.stringMatching(/^criterion errors failed: /) as string,
    });
    expect(world.weightsSeen('bad')).toEqual([500, 0]);
    expect(await canaryAnswersAfterZero(world, rollouts, 'bad')).toBe(0);
    await expectInOrder(world, 'bad', [500, 5_000, 10_000], 'v1');
  });
});
