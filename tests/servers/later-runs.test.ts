import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describe as describeRollout } from '../../client/index.ts';
import { readRequestLog } from '../../testbed/demo-service/request-log.ts';
import type { Status } from '../../plan/status.ts';
import type { Hold } from '../../testbed/recording/faults.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { canaryRequestsAfterZero, splitNow, writing } from './at-proxy.ts';
import { later } from './later.ts';
import { historiesThatDoNotReplay } from './replays.ts';
import { idOf, patienceMs, Rollouts } from './rollouts.ts';

const held = ['shifting', 'promoting', 'retiring'] as const;
const back = ['restoring', 'superseding'] as const;
const services = [...held, ...back, 'asking', 'finishing', 'smoking', 'watching', 'returning', 'deploying'];
let world: World;
let rollouts: Rollouts;

/** A history is full after 60 events here instead of 4,096. */
beforeAll(async () => {
  const dynamicConfig = { 'limit.historyCount.suggestContinueAsNew': 60 };
  world = await startWorld({ folder: temporaryFolder('later-runs'), services, temporal: { dynamicConfig } });
  rollouts = await Rollouts.of(world);
  await world.startWorker();
  for (const name of services) world.load(name, { ratePerSecond: 5, maxSeconds: 600 });
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

const steps = (bake: string, smoke: readonly string[] = []) => [
  { weight: '25%', bake, smoke },
  { weight: '100%', bake: '1s..10m' },
];
const stepsBp = [2_500, 10_000];
const go = { id: 'go', at: 'start', require: [{ atLeast: 2, of: 'sre' }], expires: '1h' };

/** What a later run must still say. */
const kept = ({ phase, startedAt, weights, steps: all, requests, run, reason }: Status) => ({
  ...{ phase, startedAt, requests, run, reason },
  weights: { requestedBp: weights.requestedBp, acceptedBp: weights.acceptedBp },
  steps: all.map(({ weightBp, state }) => [weightBp, state]),
});

const runOf = async (service: string) => (await describeRollout(rollouts.session, idOf(service))).run;

async function expectCompleted(service: string, first: string): Promise<void> {
  const end = await rollouts.ended(service);
  expect([service, end.outcome, end.reason]).toEqual([service, 'completed', null]);
  expect(world.weightsSeenByProxy(service)).toEqual(stepsBp);
  expect(violations(world.proxyWrites(service), { stepsBp, ended: true })).toEqual([]);
  expect(await runOf(service)).not.toBe(first);
  const codes = (await rollouts.timeline(service)).map(({ code }) => code);
  for (const code of ['started', 'deployed', 'promoted', 'watched', 'retired', 'outcome:completed']) {
    expect([service, code, codes.filter((one) => one === code).length]).toEqual([service, code, 1]);
  }
}

describe.concurrent('a history that is full', { timeout: 420_000 }, () => {
  it('at the first gate: half of its signatures are still there, and the other half suffices', async () => {
    const service = 'asking';
    await rollouts.start({ service, steps: steps('1s..10m'), gates: [go] });
    await rollouts.answer(service, 'go', 'ana');
    const first = await runOf(service);
    const before = await rollouts.status(service);
    expect(kept(await later(rollouts, service))).toEqual(kept(before));
    expect(await rollouts.answer(service, 'go', 'ana')).toMatchObject({ outcome: 'duplicate', state: 'open' });
    expect(await rollouts.answer(service, 'go', 'sam')).toMatchObject({ outcome: 'recorded', state: 'approved' });
    await expectCompleted(service, first);
  });

  it('while the release starts: it is started once and goes on', async () => {
    const service = 'deploying';
    const { recorder } = world.service(service);
    const hanging = recorder.hold({ method: 'PUT', path: /^\/slots\/b$/, times: 1, where: 'answer' });
    await rollouts.start({ service, steps: steps('1s..10m') });
    await waitFor(() => hanging.count() > 0, { for: 'the start', withinMs: patienceMs });
    const first = await runOf(service);
    await later(rollouts, service);
    hanging.release();
    await expectCompleted(service, first);
    const fences = recorder
      .entries()
      .filter(({ method, status }) => method === 'PUT' && status === 200)
      .map(({ requestBody }) => (JSON.parse(requestBody) as { fence: number }).fence);
    expect(fences).toEqual(fences.toSorted((one, other) => one - other));
  });

  it('while smoke runs: what it found counts, once', async () => {
    const service = 'smoking';
    const whoami = { name: 'whoami', get: '/api/whoami', times: 20, every: '3s', expect: { json: { release: 'v2' } } };
    const smoke = { suites: { basic: { baseUrl: { canary: 'preview' }, requests: [whoami] } } };
    await rollouts.start({ service, steps: steps('1s..10m', ['basic']), parts: { smoke } });
    const asked = () => {
      const log = readRequestLog(world.service(service).slots.b.requestLog);
      return log.filter((one) => one.smoke !== null).length;
    };
    await waitFor(() => asked() > 0, { for: 'smoke', withinMs: patienceMs });
    const first = await runOf(service);
    await later(rollouts, service);
    await expectCompleted(service, first);
    const told = (await rollouts.timeline(service)).filter(({ code }) => code === 'smoke');
    expect(told.map(({ text }) => text)).toEqual([expect.stringContaining('smoke basic on canary passed')]);
    expect((await rollouts.status(service)).smoke).toMatchObject([{ suite: 'basic', passed: true }]);
    expect(asked()).toBeGreaterThan(20);
  });

  /** What is on its way to the target or its host when the history is full, and is not answered before. */
  const onTheWay: Readonly<Record<(typeof held)[number] | (typeof back)[number], (service: string) => Hold>> = {
    shifting: (service) => world.admin.hold({ ...writing(service, /"index":1[,}]/), where: 'request' }),
    promoting: (service) => world.admin.hold({ ...writing(service, /"kind":"promoted"/), where: 'request' }),
    retiring: (service) => world.service(service).recorder.hold({ method: 'DELETE', where: 'request' }),
    restoring: (service) => world.service(service).recorder.hold({ method: 'DELETE', where: 'request' }),
    superseding: (service) => world.admin.hold({ ...writing(service, /"kind":"back"/), where: 'request' }),
  };

  it.each(held)('while it is %s: that is done once, and it goes on', async (service) => {
    const hanging = onTheWay[service](service);
    await rollouts.start({ service, steps: steps('1s..10m') });
    await waitFor(() => hanging.count() > 0, { for: `${service} to be under way`, withinMs: patienceMs });
    const first = await runOf(service);
    await later(rollouts, service);
    hanging.release();
    await expectCompleted(service, first);
  });

  it.each(back)('while it is %s: it ends as it was going to, without a way up', async (service) => {
    await rollouts.start({ service, steps: steps('10m..1h') });
    await rollouts.baking(service, 2_500);
    const hanging = onTheWay[service](service);
    if (service === 'superseding') await rollouts.raise(service, 'supersede');
    else await rollouts.abort(service, 'enough seen');
    await waitFor(() => hanging.count() > 0, { for: `${service} to be under way`, withinMs: patienceMs });
    const first = await runOf(service);
    expect(await later(rollouts, service)).toMatchObject({ phase: 'rolling-back', outcome: null });
    hanging.release();
    const outcome = service === 'superseding' ? 'superseded' : 'rolled-back';
    expect([service, (await rollouts.ended(service)).outcome]).toEqual([service, outcome]);
    expect(world.weightsSeenByProxy(service)).toEqual([2_500, 0]);
    expect(violations(world.proxyWrites(service), { stepsBp, ended: true })).toEqual([]);
    expect(await runOf(service)).not.toBe(first);
    expect(await world.service(service).slotStates()).toMatchObject({ a: { ready: true }, b: { release: null } });
    expect(await canaryRequestsAfterZero(world, service)).toBe(0);
  });

  it('at the gate before the promotion: half of its signatures are still there, and nothing is promoted before', async () => {
    const service = 'finishing';
    const final = { id: 'final', at: 'promote', require: [{ atLeast: 2, of: 'sre' }], expires: '1h' };
    await rollouts.start({ service, steps: steps('1s..10m'), gates: [final] });
    await rollouts.answer(service, 'final', 'ana');
    const first = await runOf(service);
    const before = await rollouts.status(service);
    expect(kept(await later(rollouts, service))).toEqual(kept(before));
    expect(world.proxyWrites(service).filter(({ claim }) => claim?.stage.kind === 'promoted')).toEqual([]);
    expect(await rollouts.answer(service, 'final', 'ana')).toMatchObject({ outcome: 'duplicate', state: 'open' });
    expect(await rollouts.answer(service, 'final', 'sam')).toMatchObject({ outcome: 'recorded', state: 'approved' });
    await expectCompleted(service, first);
  });

  it('while it watches after 100 %: the watch goes on where it was', async () => {
    const service = 'watching';
    await rollouts.start({ service, steps: steps('1s..10m'), watch: '30s' });
    await rollouts.until(service, 'the watch', ({ phase }) => phase === 'watching');
    const first = await runOf(service);
    const before = await rollouts.status(service);
    expect(kept(await later(rollouts, service))).toEqual(kept(before));
    await expectCompleted(service, first);
    // Not early at the target's side: the old release stays for the whole watch.
    const promoted = world.proxyWrites(service).find(({ claim }) => claim?.stage.kind === 'promoted')?.at ?? NaN;
    const removed =
      world
        .service(service)
        .recorder.entries()
        .find(({ method }) => method === 'DELETE')?.at ?? NaN;
    expect(removed - promoted).toBeGreaterThanOrEqual(29_000);
  });

  it('while zero is tried again and again: it stays on the way back, and zero is confirmed once it can be', async () => {
    const service = 'returning';
    await rollouts.start({ service, steps: steps('10m..1h') });
    await rollouts.baking(service, 2_500);
    const first = await runOf(service);
    const zero = writing(service, /"kind":"back"/);
    const refused = world.admin.fault({ ...zero, fault: { kind: 'refuse', status: 503 } });
    const tries = () =>
      world.admin.entries().filter(({ fault, requestBody }) => {
        return fault === 'refuse' && zero.body?.test(requestBody) === true;
      }).length;
    await rollouts.abort(service, 'enough seen');
    await waitFor(() => tries() >= 2, { for: 'two vain tries', withinMs: patienceMs });
    await later(rollouts, service);
    const before = tries();
    await waitFor(() => tries() > before, { for: 'another try', withinMs: patienceMs });
    expect(await rollouts.status(service)).toMatchObject({ phase: 'rolling-back', outcome: null });
    expect((await splitNow(world, service)).canaryBp).toBe(2_500);
    refused();
    const end = await rollouts.ended(service);
    expect(end).toMatchObject({ outcome: 'rolled-back', reason: 'aborted by olga: enough seen' });
    expect(end.receipts).toContainEqual(expect.objectContaining({ message: 'abort', state: 'confirmed' }));
    expect(await runOf(service)).not.toBe(first);
    expect(world.weightsSeenByProxy(service)).toEqual([2_500, 0]);
    expect(violations(world.proxyWrites(service), { stepsBp, ended: true })).toEqual([]);
    expect(await canaryRequestsAfterZero(world, service)).toBe(0);
  });
});

it('leaves histories that replay', async () => {
  expect(await historiesThatDoNotReplay(rollouts)).toEqual([]);
});
