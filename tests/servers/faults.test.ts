import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, isUp } from '../../testbed/servers/http.ts';
import { awaitSamples, type Prometheus, startPrometheus } from '../../testbed/servers/prometheus.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { canaryRequestsAfterZero, fenceByHand, pidIn, setByHand, splitNow, writing } from './at-proxy.ts';
import { idOf, Rollouts } from './rollouts.ts';

const services = [
  'metrics',
  'below',
  'above',
  'slow',
  'reset',
  'late',
  'stairs-request',
  'stairs-answer',
  'ahead',
  'replayed',
  'host',
  { name: 'unready', releases: { v2: { ready: false } } },
  { name: 'smoke', releases: { v2: { errorRate: 1 } } },
  'stable',
  'bad',
];
const judged = ['metrics', 'bad'];

let world: World;
let rollouts: Rollouts;
/** Of the service `metrics` alone, so that it can go away while the others start. */
const folder = temporaryFolder('faults');
let prometheus: Prometheus;

beforeAll(async () => {
  world = await startWorld({ folder, services });
  rollouts = await Rollouts.of(world);
  const { a, b } = world.service('metrics').slots;
  const targets = [a, b].map(({ address }) => ({ job: 'metrics', address }));
  prometheus = await startPrometheus({ folder: join(folder, 'own-prometheus'), targets });
  const connections = { 'prometheus-own': { kind: 'prometheus', url: prometheus.url } };
  await world.startWorker({ connections });
  for (const { name } of world.services) {
    world.load(name, { ratePerSecond: judged.includes(name) ? 20 : 10, maxSeconds: 900 });
  }
  await awaitSamples(prometheus.url, 'rate(http_requests_total{app="metrics"}[5s]) > 0');
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await prometheus.stop();
  await world.stop();
});

/** Steps of 25 % and 100 %; the first bakes as long as it is told. */
const quarter = (bake: string) => [
  { weight: '25%', bake },
  { weight: '100%', bake: '2s..10m' },
];
const quarterBp = [2500, 10_000];
const fromFive = (bake: string) => [{ weight: '5%', bake: '1s..10m' }, ...quarter(bake)];
const fromFiveBp = [500, ...quarterBp];

/** Whatever went wrong, the proxy was told only what may be told, and nobody is left on what went back. */
async function expectSound(service: string, stepsBp: readonly number[], end: 'completed' | 'back'): Promise<void> {
  expect(violations(world.proxyWrites(service), { stepsBp, ended: true })).toEqual([]);
  expect(world.proxyWrites(service).at(-1)?.canaryBp).toBe(end === 'back' ? 0 : 10_000);
  if (end === 'back') expect(await canaryRequestsAfterZero(world, service)).toBe(0);
}

describe.concurrent('a fault in the middle of a rollout', () => {
  it('Prometheus is away for a minute, silent and then gone: the clock stops, nobody is blamed, nothing moves, it goes on', async () => {
    const service = 'metrics';
    await rollouts.start({ service, steps: quarter('12s..10m'), judged: true, metrics: 'prometheus-own' });
    await rollouts.baking(service, 2500);
    await rollouts.until(service, 'valid time', ({ bake }) => (bake?.validMs ?? 0) >= 2_000);
    const writes = world.proxyWrites(service);
    const awayFor = (ms: number) => waitFor(() => Date.now() - stoppedAt >= ms, { for: 'a minute', withinMs: ms + 1 });
    prometheus.process().pause();
    const stoppedAt = Date.now();
    try {
      await awayFor(20_000);
      await prometheus.kill();
      await awayFor(60_000);
      // The clock of all time goes on without the clock of valid time.
      const stood = await rollouts.until(service, 'a gap of 50 s', ({ bake }) => {
        return (bake?.elapsedMs ?? 0) - (bake?.validMs ?? 0) >= 50_000;
      });
      expect(stood).toMatchObject({ phase: 'baking', outcome: null, held: null, reason: null });
      expect(stood.bake?.validMs).toBeLessThan(12_000);
      expect(world.proxyWrites(service)).toEqual(writes);
    } finally {
      await prometheus.restart();
    }

    expect(await rollouts.ended(service)).toMatchObject({ outcome: 'completed', reason: null });
    expect((await rollouts.timeline(service)).filter(({ code }) => ['verdict', 'held'].includes(code))).toEqual([]);
    expect(world.weightsSeenByProxy(service)).toEqual(quarterBp);
    const whole = world.proxyWrites(service).find(({ canaryBp }) => canaryBp === 10_000);
    expect((whole?.at ?? 0) - (writes.at(-1)?.at ?? Infinity)).toBeGreaterThan(60_000 + 11_000);
    await expectSound(service, quarterBp, 'completed');
  });

  it('below plan by hand: holds and tells, and resume applies the planned weight again', async () => {
    const service = 'below';
    await rollouts.start({ service, steps: quarter('10s..10m') });
    await rollouts.baking(service, 2500);
    await setByHand(world, service, 1000);
    await rollouts.held(service, /somebody set 10% where 25% was planned/);
    expect((await splitNow(world, service)).canaryBp).toBe(1000);
    const before = world.proxyWrites(service).at(-1);

    expect(await rollouts.resume(service)).toMatchObject({ state: 'confirmed', detail: 'going on' });
    const again = await splitNow(world, service);
    expect(again.canaryBp).toBe(2500);
    expect(again.claim?.fence).toBeGreaterThan(before?.claim?.fence ?? Infinity);
    expect((await rollouts.ended(service)).outcome).toBe('completed');
    expect(world.weightsSeenByProxy(service)).toEqual(quarterBp);
    await expectSound(service, quarterBp, 'completed');
  });

  it('above plan by hand: put back once and told, and the second time it goes back', async () => {
    const service = 'above';
    await rollouts.start({ service, steps: quarter('10m..1h') });
    await rollouts.baking(service, 2500);
    const writes = world.proxyWrites(service).length;
    await setByHand(world, service, 6000);
    await waitFor(() => world.proxyWrites(service).length > writes, { for: 'the planned weight', withinMs: 30_000 });
    expect((await splitNow(world, service)).canaryBp).toBe(2500);
    const told = await rollouts.until(service, 'our weight', ({ weights }) => weights.acceptedBp === 2500);
    expect(told.outcome).toBeNull();
    const texts = (await rollouts.timeline(service)).map(({ code, text }) => `${code}: ${text}`);
    expect(texts).toContain('drift: somebody set 60% where 25% was planned');
    expect(texts).toContain('shifted: put the planned weight back: 25% accepted');

    await setByHand(world, service, 6000);
    const end = await rollouts.ended(service);
    expect(end.outcome).toBe('rolled-back');
    expect(end.reason).toBe('somebody set 60% where 25% was planned, for the second time');
    await expectSound(service, quarterBp, 'back');
  });

  it('answers later than the time-outs: a busy host refuses nobody, and a write that was applied is found by reading back, not written twice', async () => {
    const service = 'slow';
    // Preflight asks three times, and only its last question is in a hurry.
    const busy = { method: 'GET', path: /^\/slots$/, times: 4 };
    world.service(service).recorder.fault({ ...busy, fault: { kind: 'delay', ms: 1_200, where: 'answer' } });
    const late = { ...writing(service, /"index":1[,}]/), times: 1 };
    world.admin.fault({ ...late, fault: { kind: 'delay', ms: 7_000, where: 'answer' } });
    await rollouts.start({ service, steps: fromFive('2s..10m') });
    expect(await rollouts.ended(service)).toMatchObject({ outcome: 'completed', reason: null });
    expect(disturbed(late.body)).toMatchObject([{ status: 200, fault: 'delay' }]);
    expect(world.proxyWrites(service).filter(({ canaryBp }) => canaryBp === 2500)).toHaveLength(1);
    expect(world.weightsSeenByProxy(service)).toEqual(fromFiveBp);
    await expectSound(service, fromFiveBp, 'completed');
  });

  it('a connection reset after the proxy has written zero: it is read back and confirmed, not written again', async () => {
    const service = 'reset';
    const zero = { ...writing(service, /"kind":"back"/), times: 1 };
    world.admin.fault({ ...zero, fault: { kind: 'drop', where: 'answer' } });
    await rollouts.start({ service, steps: quarter('10m..1h') });
    await rollouts.baking(service, 2500);
    await rollouts.abort(service, 'enough seen');
    const end = await rollouts.ended(service);
    expect(end).toMatchObject({ outcome: 'rolled-back', reason: 'aborted by olga: enough seen' });
    expect(end.receipts.at(-1)).toMatchObject({ message: 'abort', state: 'confirmed' });
    expect(disturbed(zero.body)).toMatchObject([{ status: 200, fault: 'drop' }]);
    const back = world.proxyWrites(service).filter(({ claim }) => claim?.stage.kind === 'back');
    expect(back.filter(({ claim }) => claim?.fence === back[0]?.claim?.fence)).toHaveLength(1);
    await expectSound(service, quarterBp, 'back');
  });

  it('abort while a shift hangs in the admin API: zero is written past it, and the late write is refused', async () => {
    const service = 'late';
    const shift = writing(service, /"index":1[,}]/);
    const hanging = world.admin.hold({ ...shift, where: 'request' });
    await rollouts.start({ service, steps: fromFive('10m..1h') });
    await waitFor(() => hanging.count() > 0, { for: 'a shift that hangs', withinMs: 60_000 });
    await rollouts.abort(service, 'enough seen');
    const end = await rollouts.ended(service);
    expect(end).toMatchObject({ outcome: 'rolled-back', weights: { acceptedBp: 0 } });

    hanging.release();
    const late = () => disturbed(shift.body);
    await waitFor(() => late().length === hanging.count(), { for: 'the late write to arrive' });
    expect(late().map(({ status }) => status)).toEqual(late().map(() => 412));
    const fences = late().map(({ requestBody }) => Number(/"fence":(\d+)/.exec(requestBody)?.[1]));
    const zero = world.proxyWrites(service).find(({ claim }) => claim?.stage.kind === 'back');
    expect(zero?.claim?.fence).toBeGreaterThan(Math.max(...fences));
    expect(world.weightsSeenByProxy(service)).toEqual([500, 0]);
    expect((await splitNow(world, service)).bySlot).toEqual({ a: 10_000, b: 0 });
    await expectSound(service, fromFiveBp, 'back');
  });

  it.each([
    ['request', [412], []],
    ['answer', [200], [2500, 500]],
  ] as const)(
    'step back while a shift hangs, its %s held back: ends at the earlier weight, and nothing rises before the gate was asked again',
    async (where, statuses, also) => {
      const service = `stairs-${where}`;
      const gates = [
        { id: 'wide', at: 'before-step', steps: ['25%'], require: [{ atLeast: 1, of: 'sre' }], expires: '1h' },
      ];
      const shift = writing(service, /"index":1[,}]/);
      const hanging = world.admin.hold({ ...shift, times: 1, where });
      await rollouts.start({ service, steps: fromFive('10m..1h'), gates });
      await rollouts.answer(service, 'wide@25%', 'ana');
      await waitFor(() => hanging.count() > 0, { for: 'a shift that hangs', withinMs: 60_000 });
      const receipt = await rollouts.order(service, 'step-back', 500);
      expect(receipt).toMatchObject({ message: 'step-back', state: 'confirmed', detail: '5% read back' });
      hanging.release();
      await waitFor(() => disturbed(shift.body).length > 0, { for: 'the late write' });
      expect(disturbed(shift.body).map(({ status }) => status)).toEqual(statuses);
      expect(await splitNow(world, service)).toMatchObject({ canaryBp: 500, claim: { stage: { index: 0 } } });

      expect(await rollouts.resume(service)).toMatchObject({ state: 'confirmed', detail: 'going on' });
      expect(await rollouts.gate(service, 'wide@25%')).toMatchObject({ evidenceRevision: 2, decisions: [] });
      expect(world.weightsSeenByProxy(service)).toEqual([500, ...also]);
      await rollouts.answer(service, 'wide@25%', 'sam');
      await rollouts.baking(service, 2500);
      await rollouts.abort(service, 'enough seen');
      expect((await rollouts.ended(service)).outcome).toBe('rolled-back');
      expect(world.weightsSeenByProxy(service)).toEqual([500, ...also, 2500, 0]);
      await expectSound(service, fromFiveBp, 'back');
    },
  );

  it('a larger fence at the target: the next shift is not forced through but asked about, and resume goes on above it', async () => {
    const service = 'ahead';
    await rollouts.start({ service, steps: quarter('4s..10m') });
    await rollouts.baking(service, 2500);
    await fenceByHand(world, service, 1_000);
    const writes = world.proxyWrites(service);
    const { held } = await rollouts.held(service, /the target is ahead of this rollout/);
    expect(held?.reason).toContain('fence 1000 of rollout/demo/ahead');
    expect(await splitNow(world, service)).toMatchObject({ canaryBp: 2500, claim: { fence: 1_000 } });
    expect(world.proxyWrites(service)).toEqual(writes);

    expect(await rollouts.resume(service)).toMatchObject({ state: 'confirmed', detail: 'going on' });
    expect((await rollouts.ended(service)).outcome).toBe('completed');
    const more = world.proxyWrites(service).slice(writes.length);
    expect(more[0]).toMatchObject({ canaryBp: 10_000, claim: { stage: { kind: 'step', index: 1 }, fence: 1_001 } });
    await expectSound(service, quarterBp, 'completed');
  });

  it('a run that was reset finds its own later fence: it repeats no old decision but asks, and abort goes to zero', async () => {
    const service = 'replayed';
    await rollouts.start({ service, steps: fromFive('10m..1h') });
    await rollouts.baking(service, 2500);
    const writes = world.proxyWrites(service);
    await resetToBeforeFirst(service, 'shift');
    await rollouts.held(service, /the target is ahead of this rollout/);
    expect((await splitNow(world, service)).claim).toEqual(writes.at(-1)?.claim);
    expect(world.proxyWrites(service)).toEqual(writes);

    await rollouts.abort(service, 'who reset this?');
    expect(await rollouts.ended(service)).toMatchObject({ outcome: 'rolled-back', weights: { acceptedBp: 0 } });
    expect(world.weightsSeenByProxy(service)).toEqual([500, 2500, 0]);
    await expectSound(service, fromFiveBp, 'back');
  });

  it('a larger fence at the host alone: going back carries a larger one, so that the host does as it is told', async () => {
    const service = 'host';
    const { recorder } = world.service(service);
    await rollouts.start({ service, steps: quarter('10m..1h') });
    await rollouts.baking(service, 2500);
    const release = { digest: world.digest(service, 'v1'), label: 'v1', image: `registry.example/${service}` };
    const byHand = { release, rollout: 'by-hand', run: 'by-hand', fence: 1_000 };
    await ask(`${recorder.url}/slots/a`, { method: 'PUT', json: byHand });
    await rollouts.abort(service, 'enough seen');
    expect((await rollouts.ended(service)).outcome).toBe('rolled-back');
    expect(recorder.entries().filter(({ status }) => status === 409)).toEqual([]);
    expect(await world.service(service).slotStates()).toMatchObject({
      a: { ready: true },
      b: { state: 'stopped', release: null },
    });
    expect(world.proxyWrites(service).at(-1)?.claim?.fence).toBeGreaterThan(1_000);
    await expectSound(service, quarterBp, 'back');
  });

  it('a release that never becomes ready: abort ends it, and no user ever met it', async () => {
    const service = 'unready';
    await rollouts.start({ service, steps: quarter('2s..10m') });
    const isStarting = async () => (await world.service(service).slotStates()).b?.state === 'starting';
    await waitFor(isStarting, { for: 'v2 to start', withinMs: 60_000 });
    await rollouts.until(service, 'the start', ({ phase }) => phase === 'deploying');
    await rollouts.abort(service, 'it does not start');
    const end = await rollouts.ended(service);
    expect(end).toMatchObject({ outcome: 'aborted', reason: 'aborted by olga: it does not start' });
    expect(world.weightsSeenByProxy(service)).toEqual([]);
    expect(world.canaryRequestsSince(service, 0)).toBe(0);
    expect((await world.service(service).slotStates()).b).toMatchObject({ state: 'stopped', release: null });
    await expectSound(service, quarterBp, 'back');
  });

  it('a smoke suite that fails on the release under test at 1 %: goes back', async () => {
    const service = 'smoke';
    await rollouts.start({
      service,
      steps: [
        { weight: '1%', bake: '10m..1h', smoke: ['basic'] },
        { weight: '100%', bake: '2s..10m' },
      ],
    });
    const end = await rollouts.ended(service);
    expect(end.outcome).toBe('rolled-back');
    expect(end.reason).toMatch(/^smoke suite basic failed: .*500/);
    expect(world.weightsSeenByProxy(service)).toEqual([100, 0]);
    await expectSound(service, [100, 10_000], 'back');
  });

  it("stable's process dies at 25 %: it holds without moving anything, and abort starts stable before it goes back", async () => {
    const service = 'stable';
    const { slots, recorder } = world.service(service);
    await rollouts.start({ service, steps: quarter('10m..1h') });
    await rollouts.baking(service, 2500);
    const writes = world.proxyWrites(service).length;
    process.kill(await pidIn(world, service, 'a'), 'SIGKILL');
    await rollouts.held(service, /^the way back is not open: stable v1 is not ready/);
    expect(world.proxyWrites(service)).toHaveLength(writes);

    await rollouts.abort(service, 'stable is gone');
    const end = await rollouts.ended(service);
    expect(end).toMatchObject({ outcome: 'rolled-back', reason: 'aborted by olga: stable is gone' });
    const started = recorder
      .entries()
      .find(({ method, requestBody }) => method === 'PUT' && requestBody.includes('"v1"'));
    const zero = world
      .proxyWrites(service)
      .find(({ claim, canaryBp }) => claim?.stage.kind === 'back' && canaryBp === 0);
    expect(started?.status).toBe(200);
    expect(zero?.at).toBeGreaterThan((started?.at ?? Infinity) + (started?.ms ?? 0));
    expect(await isUp(`${slots.a.url}/healthz`)).toBe(true);
    expect((await ask(world.publicUrl, { headers: { host: `${service}.test` } })).status).toBe(200);
    await expectSound(service, quarterBp, 'back');
  });

  it("a bad release goes back by itself, with the criterion's sentence, and serves nobody after zero", async () => {
    const service = 'bad';
    await rollouts.start({ service, steps: quarter('10m..1h'), judged: true });
    await rollouts.baking(service, 2500);
    await world.setFaults(service, 'v2', { errorRate: 0.5 });
    const end = await rollouts.ended(service);
    expect(end.outcome).toBe('rolled-back');
    expect(end.reason).toMatch(/^criterion errors failed: .*> 10%/);
    const sentences = (await rollouts.timeline(service)).filter(({ code }) => code === 'verdict');
    expect(sentences.map(({ text }) => `criterion errors failed: ${text}`)).toEqual([end.reason]);
    await expectSound(service, quarterBp, 'back');
  });
});

/** Exchanges of the admin API that met a fault and whose body is this. */
function disturbed(body: RegExp | undefined) {
  return world.admin.entries().filter(({ fault, requestBody }) => fault !== null && body?.test(requestBody) === true);
}

/** Somebody resets the rollout in Temporal to the moment before it asked for its first activity of this name. */
async function resetToBeforeFirst(service: string, activity: string): Promise<void> {
  const { client, namespace } = rollouts.session;
  const workflowId = idOf(service);
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const scheduled = (events ?? []).map((event) => event.activityTaskScheduledEventAttributes);
  const first = scheduled.find((event) => event?.activityType?.name === activity);
  if (first?.workflowTaskCompletedEventId == null) throw new Error(`${service} never asked for ${activity}`);
  await client.workflowService.resetWorkflowExecution({
    namespace,
    workflowExecution: { workflowId },
    workflowTaskFinishEventId: first.workflowTaskCompletedEventId,
    requestId: randomUUID(),
    reason: 'a test',
  });
}
