import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../plan/status.ts';
import { httpRoute, rolledOut, routeSeen } from '../../testbed/kubernetes/workload.ts';
import { type RouteState, routePathOf } from '../../testbed/kubernetes/route-record.ts';
import { type ClusterWorld, startClusterWorld } from '../../testbed/kubernetes/world.ts';
import { waitFor } from '../../testbed/wait.ts';
import type { Rollouts } from '../servers/rollouts.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { giveByHand, routeNow, setWeightsByHand } from './by-hand.ts';
import { sharedPlane } from './cluster.ts';
import { imageAt } from './on-cluster.ts';
import { canaryAnswersAfterZero, expectInOrder, rolloutsOn } from './rollouts.ts';

const plane = sharedPlane();
const { api } = plane;
const services = [
  'below',
  'above',
  'deleted',
  'git',
  'nothing',
  'lost',
  'stable',
  'hotfix',
  'swapped',
  'rejected',
  'shadowed',
];
let world: ClusterWorld;
let rollouts: Rollouts;

beforeAll(async () => {
  world = await startClusterWorld({ folder: temporaryFolder('strangers'), plane, services });
  rollouts = await rolloutsOn(world);
  await world.startWorker();
  for (const name of services) world.load(name, { ratePerSecond: 10, maxSeconds: 900 });
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

type Shadow = ReturnType<typeof httpRoute> & {
  readonly spec: { readonly rules: readonly object[] };
};

const quarterBp = [2_500, 10_000];
const quarter = (bake: string) => [
  { weight: '25%', bake },
  { weight: '100%', bake: '1s..10m' },
];

async function bakingAt25(service: string, bake = '10m..1h'): Promise<void> {
  await rollouts.start({ service, steps: quarter(bake) });
  await rollouts.baking(service, 2_500);
}

async function expectBack(service: string, reason: RegExp | string): Promise<void> {
  const { outcome, reason: why } = await rollouts.ended(service);
  expect([service, outcome]).toEqual([service, 'rolled-back']);
  expect(why).toMatch(reason);
  expect((await routeNow(world, service)).bySlot).toEqual({ a: 10_000, b: 0 });
  expect(await canaryAnswersAfterZero(world, rollouts, service)).toBe(0);
}

const texts = async (service: string) => (await rollouts.timeline(service)).map(({ code, text }) => `${code}: ${text}`);

const route = (service: string) => routePathOf(world.service(service));
const asOwnerWroteIt = (service: string) => {
  const { namespace, name, host } = world.service(service);
  return httpRoute(namespace, name, host, { [name]: 1 });
};

describe.concurrent('somebody else at the cluster', () => {
  it('takes weight away: it holds and tells, and resume applies the planned weight again', async () => {
    await bakingAt25('below', '5s..10m');
    await setWeightsByHand(world, 'below', { stable: 90, canary: 10 });
    await rollouts.held('below', /somebody set 10% where 25% was planned/);
    expect((await routeNow(world, 'below')).canaryBp).toBe(1_000);
    await rollouts.resume('below');
    expect((await rollouts.ended('below')).outcome).toBe('completed');
    expect(world.weightsSeen('below')).toEqual(quarterBp);
    await expectInOrder(world, 'below', quarterBp, 'v2');
  });

  it('gives it more: the plan is put back once and told, and the second time it goes back', async () => {
    await bakingAt25('above');
    const before = world.routeWrites('above').length;
    await setWeightsByHand(world, 'above', { stable: 40, canary: 60 });
    await waitFor(() => world.routeWrites('above').length > before, { for: 'the planned weight', withinMs: 60_000 });
    expect((await routeNow(world, 'above')).canaryBp).toBe(2_500);
    await rollouts.until('above', 'our weight', ({ weights }) => weights.acceptedBp === 2_500);
    expect(await texts('above')).toContain('drift: somebody set 60% where 25% was planned');
    await setWeightsByHand(world, 'above', { stable: 40, canary: 60 });
    await expectBack('above', 'somebody set 60% where 25% was planned, for the second time');
    await expectInOrder(world, 'above', quarterBp, 'v1');
  });

  it('deletes the route and makes it anew: it holds, nothing rises there any more, and abort leaves the new one as it is', async () => {
    await bakingAt25('deleted');
    await api.remove(route('deleted'));
    await rollouts.held('deleted', /where 25% was planned/);
    await api.apply(asOwnerWroteIt('deleted'));
    const before = await api.read<{ spec: unknown }>(route('deleted'));
    await rollouts.abort('deleted', 'the route was deleted');
    await expectBack('deleted', 'aborted by olga: the route was deleted');
    expect((await api.read<{ spec: unknown }>(route('deleted'))).spec).toEqual(before.spec);
    expect(await imageAt(plane, world.service('deleted').namespace, 'deleted-canary')).toBeNull();
  });

  it('is a tool that puts back what Git has, again and again: it is told and not fought', async () => {
    const service = 'git';
    await bakingAt25(service);
    let syncs = 0;
    let syncing = true;
    const tool = (async () => {
      while (syncing) {
        await api.apply(asOwnerWroteIt(service));
        syncs += 1;
      }
    })();
    await rollouts.held(service, /somebody set 0% where 25% was planned/);
    const [writes, seen] = [world.routeWrites(service).length, syncs];
    await waitFor(() => syncs >= seen + 50, { for: 'the tool to go on', withinMs: 60_000 });
    expect(world.routeWrites(service)).toHaveLength(writes);
    await rollouts.abort(service, 'Git owns the route');
    const { outcome } = await rollouts.ended(service);
    syncing = false;
    await tool;
    expect(outcome).toBe('rolled-back');
    expect(await canaryAnswersAfterZero(world, rollouts, service)).toBe(0);
    expect((await routeNow(world, service)).bySlot).toEqual({ a: 10_000, b: 0 });
  });

  it('leaves neither release any weight: the plan is put back at once, and the second time it goes back', async () => {
    const service = 'nothing';
    await bakingAt25(service);
    await setWeightsByHand(world, service, { stable: 0, canary: 0 });
    const isBack = async () => (await routeNow(world, service)).canaryBp === 2_500;
    await waitFor(isBack, { for: 'the planned weight', withinMs: 60_000 });
    const drift = 'somebody left neither release any traffic where 25% was planned';
    const isTold = async () => (await texts(service)).includes(`drift: ${drift}`);
    await waitFor(isTold, { for: 'the drift to be told', withinMs: 60_000 });
    await setWeightsByHand(world, service, { stable: 0, canary: 0 });
    await expectBack(service, `${drift}, for the second time`);
    await expectInOrder(world, service, quarterBp, 'v1');
  });

  it('deletes the Service of the canary, which the Gateway hides: its share is not taken for live', async () => {
    const service = 'lost';
    await bakingAt25(service);
    const { namespace } = world.service(service);
    await api.remove(`/api/v1/namespaces/${namespace}/services/${service}-canary`);
    await expectBack(service, /v2 is not ready/);
    await expectInOrder(world, service, quarterBp, 'v1');
  });

  it('gives stable another release in a bake: it holds and does not overwrite it, and bakes on once the old one is back', async () => {
    const service = 'stable';
    await bakingAt25(service);
    const { namespace } = world.service(service);
    await giveByHand(world, service, service, 'v1.1');
    await rollouts.held(service, /stable's Deployment was changed by somebody else/);
    expect(await imageAt(plane, namespace, service)).toContain(world.digest(service, 'v1.1'));
    expect((await routeNow(world, service)).canaryBp).toBe(2_500);
    await giveByHand(world, service, service, 'v1');
    await rolledOut(api, namespace, service, 60_000);
    await rollouts.resume(service);
    await rollouts.baking(service, 2_500);
    await rollouts.abort(service, 'enough seen');
    await expectBack(service, 'aborted by olga: enough seen');
    await expectInOrder(world, service, quarterBp, 'v1');
  });

  it('gives stable another release right before the promotion: it holds and does not overwrite it, and promotes once the old one is back', async () => {
    const service = 'hotfix';
    const gates = [{ id: 'go', at: 'promote', require: [{ atLeast: 1, of: 'sre' }], expires: '1h' }];
    await rollouts.start({ service, steps: [{ weight: '100%', bake: '1s..10m' }], gates });
    await rollouts.gate(service, 'go');
    const { namespace } = world.service(service);
    await giveByHand(world, service, service, 'v1.1');
    await rollouts.answer(service, 'go', 'ana');
    await rollouts.held(service, /stable's Deployment was changed by somebody else/);
    expect(await imageAt(plane, namespace, service)).toContain(world.digest(service, 'v1.1'));
    expect((await routeNow(world, service)).canaryBp).toBe(10_000);
    await giveByHand(world, service, service, 'v1');
    await rolledOut(api, namespace, service, 60_000);
    await rollouts.resume(service);
    expect((await rollouts.ended(service)).outcome).toBe('completed');
    expect(world.weightsSeen(service)).toEqual([10_000]);
    await expectInOrder(world, service, [10_000], 'v2');
  });

  it('gives the canary another release in a bake: it holds, and abort takes that one off the users too', async () => {
    const service = 'swapped';
    await bakingAt25(service);
    await giveByHand(world, service, `${service}-canary`, 'v3');
    await rollouts.held(service, /somebody set 0% where 25% was planned/);
    await rollouts.abort(service, 'nobody knows v3');
    await expectBack(service, 'aborted by olga: nobody knows v3');
    expect(await canaryAnswersAfterZero(world, rollouts, service, 'v3')).toBe(0);
    expect(world.requestsSince(service, 0, 'v3')).not.toEqual([]);
    await expectInOrder(world, service, quarterBp, 'v1');
  });

  it('leads the route to a listener that is not there: nothing is confirmed while the Gateway refuses it', async () => {
    const service = 'rejected';
    await rollouts.start({ service, steps: [{ weight: '5%', bake: '10m..1h' }, ...quarter('10m..1h')] });
    await rollouts.baking(service, 500);
    const parents = (await api.read<{ spec: { parentRefs: readonly object[] } }>(route(service))).spec.parentRefs;
    await api.merge(route(service), { spec: { parentRefs: parents.map((one) => ({ ...one, sectionName: 'none' })) } });
    await rollouts.abort(service, 'the route is broken');
    const isRefused = ({ conditions }: RouteState) =>
      conditions.some(({ type, status }) => type === 'Accepted' && status === 'False');
    const refused = () => world.routeReads(service).filter((read) => read.canaryBp === 0 && isRefused(read));
    await waitFor(() => refused().length >= 10, { for: 'zero to be read back, refused', withinMs: 60_000 });
    expect((await texts(service)).filter((text) => text.startsWith('zero'))).toEqual([]);
    await api.merge(route(service), { spec: { parentRefs: parents } });
    await expectBack(service, 'aborted by olga: the route is broken');
  });

  it('leads the users past the canary by another route: everything says live, and without samples nothing rises', async () => {
    const service = 'shadowed';
    const { namespace, host } = world.service(service);
    const path = { type: 'Exact', value: '/' };
    const { spec, ...shadow } = httpRoute(namespace, 'shadow', host, { [service]: 1 }) as Shadow;
    const rules = spec.rules.map((rule) => ({ ...rule, matches: [{ path }] }));
    await api.apply({ ...shadow, spec: { ...spec, rules } } as typeof shadow);
    await routeSeen(api, namespace, 'shadow');
    await rollouts.start({ service, judged: true, steps: quarter('3s..10s') });
    const isLate = ({ bake }: Status) => (bake?.elapsedMs ?? 0) > 12_000; // longer than its bake may take
    const { bake, weights } = await rollouts.until(service, 'a long bake', isLate);
    expect(bake).toMatchObject({ state: 'baking', validMs: 0, summary: expect.stringMatching(/^NO DATA/) as string });
    expect(weights).toMatchObject({ acceptedBp: 2_500, observedShare: 0 });
    expect((await routeNow(world, service)).canaryBp).toBe(2_500);
    expect(world.requestsSince(service, 0)).toEqual([]);
    await rollouts.abort(service, 'nobody comes');
    await expectBack(service, 'aborted by olga: nobody comes');
    expect(world.weightsSeen(service)).toEqual([2_500, 0]);
    await expectInOrder(world, service, quarterBp, 'v1');
  });
});
