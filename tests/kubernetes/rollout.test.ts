import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClusterWorld, startClusterWorld } from '../../testbed/kubernetes/world.ts';
import { ask } from '../../testbed/servers/http.ts';
import { waitFor } from '../../testbed/wait.ts';
import type { Rollouts } from '../servers/rollouts.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { sharedPlane } from './cluster.ts';
import { canaryAnswersAfterZero, expectInOrder, rolloutsOn, zeroSaidAt } from './rollouts.ts';

const plane = sharedPlane();
const folder = temporaryFolder('rollout');
/** After a pause is to be seen, milliseconds. */
const moments = [0, 100, 200, 300, 500];
const paused = (ms: number) => `paused-${String(ms)}`;
let world: ClusterWorld;
let rollouts: Rollouts;

beforeAll(async () => {
  const bad = { name: 'bad', releases: { v2: { errorRate: 1 } } };
  const impatient = { name: 'impatient', pod: { terminationGracePeriodSeconds: 1 } };
  world = await startClusterWorld({ folder, plane, services: ['good', bad, impatient, ...moments.map(paused)] });
  rollouts = await rolloutsOn(world);
  await world.startWorker();
});

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

const last = { weight: '100%', bake: '1s..5m' };
const quarter = [{ weight: '25%', bake: '10m..1h' }, last];
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

  it('whose requests are slow and whose pods are stopped at once lets those in flight at zero end', async () => {
    const service = 'impatient';
    const { host } = world.service(service);
    const users = world.load(service, load);
    const target = { ...world.target(service), drain: '12s' };
    await rollouts.start({ service, steps: [{ weight: '50%', bake: '10m..1h' }, last], parts: { target } });
    await rollouts.baking(service, 5_000);
    const took = 6_000;
    world.setFaults(service, 'v2', { latencyMs: took });
    const slowly = () => ask(plane.gatewayUrl, { headers: { host }, timeoutMs: 60_000 });
    await Promise.all(Array.from({ length: 20 }, slowly)); // from then on those in flight are slow
    await rollouts.abort(service, 'too slow');
    expect((await rollouts.ended(service)).outcome).toBe('rolled-back');
    const zero = await zeroSaidAt(rollouts, service);
    const over = world.requestsSince(service, zero - took).filter(({ at }) => at < zero);
    expect(over).not.toEqual([]);
    expect(await canaryAnswersAfterZero(world, rollouts, service)).toBe(0);
    await users.stop();
    expect(users.counts().failed).toBe(0);
    expect(Object.values(users.counts().byRelease).flatMap((statuses) => Object.keys(statuses))).toEqual([
      '200',
      '200',
    ]);
    await expectInOrder(world, service, [5_000, 10_000], 'v1');
  });

  it.each(moments)('an abort %i ms after a pause is in effect, and says which weight it left', async (ms) => {
    const service = paused(ms);
    world.load(service, { ratePerSecond: 10, maxSeconds: 600 });
    await rollouts.start({ service, steps: quarter });
    await rollouts.baking(service, 2_500);
    const pausing = rollouts.order(service, 'pause');
    const isPaused = async () => (await rollouts.status(service)).phase === 'paused';
    await waitFor(isPaused, { for: 'its pause', withinMs: 60_000, everyMs: 10 });
    await sleep(ms);
    const receipt = await rollouts.order(service, 'abort');
    expect(receipt).toMatchObject({ message: 'abort', state: 'confirmed' });
    expect(receipt.detail).toMatch(/25%/);
    await pausing;
    const { outcome, reason } = await rollouts.ended(service);
    expect([service, outcome]).toEqual([service, 'rolled-back']);
    expect(reason).toMatch(/^aborted by olga/);
    expect(world.weightsSeen(service)).toEqual([2_500, 0]);
    expect(await canaryAnswersAfterZero(world, rollouts, service)).toBe(0);
    await expectInOrder(world, service, [2_500, 10_000], 'v1');
  });
});
