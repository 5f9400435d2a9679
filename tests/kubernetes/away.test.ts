import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routePathOf } from '../../testbed/kubernetes/route-record.ts';
import { type ClusterWorld, startClusterWorld } from '../../testbed/kubernetes/world.ts';
import { waitFor } from '../../testbed/wait.ts';
import type { Rollouts } from '../servers/rollouts.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { routeNow } from './by-hand.ts';
import { sharedPlane } from './cluster.ts';
import { canaryAnswersAfterZero, expectInOrder, rolloutsOn } from './rollouts.ts';

const plane = sharedPlane();
let world: ClusterWorld;
let rollouts: Rollouts;

beforeAll(async () => {
  const services = ['step', 'back', 'baking', 'gateway'];
  world = await startClusterWorld({ folder: temporaryFolder('away'), plane, services, within: '2s' });
  rollouts = await rolloutsOn(world);
  await world.startWorker();
  for (const name of services) world.load(name, { ratePerSecond: 20, maxSeconds: 900 });
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

const ladder = (bake: string) => [
  { weight: '25%', bake },
  { weight: '50%', bake: '1s..10m' },
  { weight: '100%', bake: '1s..10m' },
];
const ladderBp = [2_500, 5_000, 10_000];
const writing = (service: string, body: RegExp) => ({
  method: 'PATCH',
  path: new RegExp(`^${routePathOf(world.service(service)).replaceAll('.', '\\.')}`),
  body,
});

/** Calls of Sluice about a service that the API server did not answer. */
const unanswered = (service: string) => {
  const { namespace } = world.service(service);
  return world.api.entries().filter((entry) => entry.path.includes(`/${namespace}/`) && entry.error !== null).length;
};

describe('the API server is away for longer than every time-out', () => {
  it('in the middle of a step, of a bake and of going back: traffic stays where it was, and each goes on from there', async () => {
    const shift = world.api.hold({ ...writing('step', /\\"index\\":1[,}]/), where: 'request' });
    await rollouts.start({ service: 'step', steps: ladder('1s..10m') });
    await rollouts.start({ service: 'back', steps: ladder('10m..1h') });
    await rollouts.start({ service: 'baking', steps: ladder('15s..10m') });
    await Promise.all([rollouts.baking('back', 2_500), rollouts.baking('baking', 2_500)]);
    await waitFor(() => shift.count() > 0, { for: 'a step on its way', withinMs: 90_000 });
    const zero = world.api.hold({ ...writing('back', /\\"kind\\":\\"back\\"/), where: 'request' });
    await rollouts.abort('back', 'enough seen');
    await waitFor(() => zero.count() > 0, { for: 'zero on its way', withinMs: 60_000 });

    const apiserver = plane.part('apiserver');
    await apiserver.kill();
    const since = Date.now();
    shift.release();
    zero.release();
    const isLong = () => ['step', 'back', 'baking'].every((service) => unanswered(service) >= 20);
    await waitFor(isLong, { for: 'many calls without an answer', withinMs: 120_000 });
    const served = (service: string, label: string) => world.requestsSince(service, since, label).length;
    for (const service of ['step', 'back']) {
      expect([service, served(service, 'v1') > 0, served(service, 'v2') > 0]).toEqual([service, true, true]);
    }
    expect((await rollouts.timeline('back')).filter(({ code }) => code === 'zero')).toEqual([]);
    await apiserver.start();

    const { outcome } = await rollouts.ended('back');
    expect(outcome).toBe('rolled-back');
    expect(await canaryAnswersAfterZero(world, rollouts, 'back')).toBe(0);
    await expectInOrder(world, 'back', ladderBp, 'v1');
    for (const service of ['step', 'baking']) {
      expect([service, (await rollouts.ended(service)).outcome]).toEqual([service, 'completed']);
      expect(world.weightsSeen(service)).toEqual(ladderBp);
      await expectInOrder(world, service, ladderBp, 'v2');
    }
  });
});

describe('the controller of the Gateway is away', () => {
  it('a weight that the Gateway has not taken up is not confirmed, and zero neither', async () => {
    const service = 'gateway';
    await rollouts.start({ service, steps: ladder('5s..1h') });
    await rollouts.baking(service, 2_500);
    const contour = plane.part('contour');
    await contour.pause();
    const has = (bp: number) => async () => (await routeNow(world, service)).canaryBp === bp;
    await waitFor(has(5_000), { for: '50 % on the route', withinMs: 60_000 });
    const refused = (bp: number) => world.routeReads(service).filter((read) => read.canaryBp === bp && !read.accepted);
    await waitFor(() => refused(5_000).length >= 5, { for: 'reads of an old generation', withinMs: 60_000 });
    expect((await rollouts.status(service)).phase).not.toBe('baking');
    await rollouts.abort(service, 'enough seen');
    await waitFor(has(0), { for: 'zero on the route', withinMs: 60_000 });
    await waitFor(() => refused(0).length >= 5, { for: 'reads of an old generation', withinMs: 60_000 });
    expect((await rollouts.timeline(service)).filter(({ code }) => code === 'zero')).toEqual([]);
    await contour.resume();
    const { outcome } = await rollouts.ended(service);
    expect(outcome).toBe('rolled-back');
    expect(world.weightsSeen(service)).toEqual([2_500, 5_000, 0]);
    expect(await canaryAnswersAfterZero(world, rollouts, service)).toBe(0);
    await expectInOrder(world, service, ladderBp, 'v1');
  });
});
