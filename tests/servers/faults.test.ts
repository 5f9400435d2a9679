import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Session } from '../../client/index.ts';
import type { FaultRule } from '../../testbed/recorder.ts';
import { ask, isUp } from '../../testbed/servers/http.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { violations } from '../../testbed/world/invariants.ts';
import {
  abort,
  begin,
  goOn,
  pidIn,
  sessionOf,
  setByHand,
  splitNow,
  timelineOf,
  until,
  untilBaking,
  untilEnd,
  zeroConfirmedAt,
} from './faults-world.ts';

const services = [
  'metrics',
  'below',
  'above',
  'slow',
  'reset',
  'late',
  { name: 'unready', releases: { v2: { ready: false } } },
  { name: 'smoke', releases: { v2: { errorRate: 1 } } },
  'stable',
  'bad',
];

let world: World;
let session: Session;

beforeAll(async () => {
  world = await startWorld({ folder: mkdtempSync(join(tmpdir(), 'faults-')), services });
  session = await sessionOf(world);
  await world.startWorker();
  for (const { name } of world.services) world.load(name, { ratePerSecond: 20, maxSeconds: 900 });
}, 240_000);

afterAll(async () => {
  await session.close();
  await world.stop();
});

/** Steps of 25 % and 100 %; the first bakes as long as it is told. */
const quarter = (bake: string) => ({
  steps: [
    { weight: '25%', bake },
    { weight: '100%', bake: '2s..10m' },
  ],
});
const quarterBp = [2500, 10_000];

/** Writes of a service's route that say they are this stage. */
const writing = (service: string, stage: RegExp): Pick<FaultRule, 'method' | 'body'> => ({
  method: 'PATCH',
  body: new RegExp(`(?=.*rollout/demo/${service}")(?=.*${stage.source})`, 's'),
});

/** Whatever went wrong, the proxy was told only what may be told, and nobody is left on what went back. */
function expectSound(service: string, stepsBp: readonly number[], end: 'completed' | 'back'): void {
  expect(violations(world.proxyWrites(service), { stepsBp, ended: true })).toEqual([]);
  expect(world.proxyWrites(service).at(-1)?.canaryBp).toBe(end === 'back' ? 0 : 10_000);
  if (end === 'back') expect(world.canaryRequestsSince(service, zeroConfirmedAt(world, service))).toBe(0);
}

describe('Prometheus stops for about fifteen seconds in a bake', () => {
  it('stops the clock, blames nobody, moves nothing, and goes on', async () => {
    const service = 'metrics';
    await begin(world, service, { ...quarter('12s..10m'), judged: true });
    await untilBaking(session, service, 2500);
    const hasClean = () => until(session, service, 'valid time', ({ bake }) => (bake?.validMs ?? 0) >= 2_000);
    await hasClean();
    const writes = world.proxyWrites(service).length;
    const prometheus = world.prometheus.process();
    prometheus.pause();
    try {
      const pausedAt = Date.now();
      // The clock of all time goes on without the clock of valid time.
      const stood = await until(session, service, 'a gap of 12 s', ({ bake }) => {
        return (bake?.elapsedMs ?? 0) - (bake?.validMs ?? 0) >= 12_000;
      });
      expect(stood).toMatchObject({ phase: 'baking', outcome: null, held: null, reason: null });
      expect(stood.bake?.validMs).toBeLessThan(12_000);
      expect(world.proxyWrites(service)).toHaveLength(writes);
      await waitFor(() => Date.now() - pausedAt >= 15_000, { for: 'fifteen seconds', withinMs: 20_000 });
      expect(world.proxyWrites(service)).toHaveLength(writes);
    } finally {
      prometheus.resume();
    }

    const end = await untilEnd(session, service);
    expect(end).toMatchObject({ outcome: 'completed', reason: null });
    expect(world.weightsSeenByProxy(service)).toEqual(quarterBp);
    expectSound(service, quarterBp, 'completed');
  });
});

describe.concurrent('a fault in the middle of a rollout', () => {
  it('below plan by hand: holds and tells, and resume applies the planned weight again', async () => {
    const service = 'below';
    await begin(world, service, quarter('15s..10m'));
    await untilBaking(session, service, 2500);
    await setByHand(world, service, 1000);
    const held = await until(session, service, 'a hold', (status) => status.phase === 'held');
    expect(held.held?.reason).toContain('somebody set 10% where 25% was planned');
    expect((await splitNow(world, service)).canaryBp).toBe(1000);
    const before = world.proxyWrites(service).at(-1);

    expect(await goOn(session, service)).toBe('confirmed: going on');
    const again = await splitNow(world, service);
    expect(again.canaryBp).toBe(2500);
    expect(again.claim?.fence).toBeGreaterThan(before?.claim?.fence ?? Infinity);
    expect((await untilEnd(session, service)).outcome).toBe('completed');
    expect(world.weightsSeenByProxy(service)).toEqual(quarterBp);
    expectSound(service, quarterBp, 'completed');
  });

  it('above plan by hand: put back once and told, and the second time it goes back', async () => {
    const service = 'above';
    await begin(world, service, quarter('10m..1h'));
    await untilBaking(session, service, 2500);
    const writes = world.proxyWrites(service).length;
    await setByHand(world, service, 6000);
    await waitFor(() => world.proxyWrites(service).length > writes, { for: 'the planned weight', withinMs: 30_000 });
    expect((await splitNow(world, service)).canaryBp).toBe(2500);
    const told = await until(session, service, 'our weight', ({ weights }) => weights.acceptedBp === 2500);
    expect(told.outcome).toBeNull();
    const texts = (await timelineOf(session, service)).map(({ code, text }) => `${code}: ${text}`);
    expect(texts).toContain('drift: somebody set 60% where 25% was planned');
    expect(texts).toContain('shifted: put the planned weight back: 25% accepted');

    await untilBaking(session, service, 2500);
    await setByHand(world, service, 6000);
    const end = await untilEnd(session, service);
    expect(end.outcome).toBe('rolled-back');
    expect(end.reason).toBe('somebody set 60% where 25% was planned, for the second time');
    expectSound(service, quarterBp, 'back');
  });

  it('an answer of the proxy later than the time-out, the write applied: found by reading back, not written twice', async () => {
    const service = 'slow';
    const steps = [{ weight: '5%', bake: '2s..10m' }, ...quarter('2s..10m').steps];
    const late = { ...writing(service, /"index":1[,}]/), times: 1 };
    world.admin.fault({ ...late, fault: { kind: 'delay', ms: 7_000, where: 'answer' } });
    await begin(world, service, { steps });
    expect(await untilEnd(session, service)).toMatchObject({ outcome: 'completed', reason: null });
    const disturbed = world.admin
      .entries()
      .filter(({ fault, requestBody }) => fault !== null && late.body?.test(requestBody));
    expect(disturbed).toMatchObject([{ status: 200, fault: 'delay' }]);
    expect(world.proxyWrites(service).filter(({ canaryBp }) => canaryBp === 2500)).toHaveLength(1);
    expect(world.weightsSeenByProxy(service)).toEqual([500, ...quarterBp]);
    expectSound(service, [500, ...quarterBp], 'completed');
  });

  it('a connection reset after the proxy has written zero: zero is confirmed all the same', async () => {
    const service = 'reset';
    const zero = { ...writing(service, /"kind":"back"/), times: 1 };
    world.admin.fault({ ...zero, fault: { kind: 'drop', where: 'answer' } });
    await begin(world, service, quarter('10m..1h'));
    await untilBaking(session, service, 2500);
    await abort(session, service, 'enough seen');
    const end = await untilEnd(session, service);
    expect(end).toMatchObject({ outcome: 'rolled-back', reason: 'aborted by olga: enough seen' });
    expect(end.receipts.at(-1)).toMatchObject({ message: 'abort', state: 'confirmed' });
    const dropped = world.admin.entries().filter(({ fault }) => fault === 'drop');
    expect(dropped).toMatchObject([{ status: 200 }]);
    expectSound(service, quarterBp, 'back');
  });

  it('abort while a shift hangs in the admin API: zero is written past it, and the late write is refused', async () => {
    const service = 'late';
    const steps = [{ weight: '5%', bake: '1s..10m' }, ...quarter('10m..1h').steps];
    const shift = writing(service, /"index":1[,}]/);
    const clear = world.admin.fault({ ...shift, fault: { kind: 'delay', ms: 12_000, where: 'request' } });
    await begin(world, service, { steps });
    const isStuck = ({ weights, phase }: { weights: { requestedBp: number }; phase: string }) =>
      weights.requestedBp === 2500 && phase === 'shifting';
    await until(session, service, 'a shift under way', isStuck);
    await abort(session, service, 'enough seen');
    const end = await untilEnd(session, service);
    expect(end).toMatchObject({ outcome: 'rolled-back', weights: { acceptedBp: 0 } });

    const isLate = () => world.admin.entries().filter(({ requestBody }) => shift.body?.test(requestBody));
    await waitFor(() => isLate().length > 0, { for: 'the late write to arrive', withinMs: 60_000 });
    clear();
    expect(isLate().map(({ status }) => status)).toEqual(isLate().map(() => 412));
    const fences = isLate().map(({ requestBody }) => Number(/"fence":(\d+)/.exec(requestBody)?.[1]));
    const zero = world.proxyWrites(service).find(({ claim }) => claim?.stage.kind === 'back');
    expect(zero?.claim?.fence).toBeGreaterThan(Math.max(...fences));
    expect(world.weightsSeenByProxy(service)).toEqual([500, 0]);
    expect((await splitNow(world, service)).bySlot).toEqual({ a: 10_000, b: 0 });
    expectSound(service, [500, ...quarterBp], 'back');
  });

  it('a release that never becomes ready: abort ends it, and no user ever met it', async () => {
    const service = 'unready';
    await begin(world, service, quarter('2s..10m'));
    const isStarting = async () => (await world.service(service).slotStates()).b?.state === 'starting';
    await waitFor(isStarting, { for: 'v2 to start', withinMs: 60_000 });
    await until(session, service, 'the start', ({ phase }) => phase === 'deploying');
    await abort(session, service, 'it does not start');
    const end = await untilEnd(session, service);
    expect(end).toMatchObject({ outcome: 'aborted', reason: 'aborted by olga: it does not start' });
    expect(world.weightsSeenByProxy(service)).toEqual([]);
    expect(world.canaryRequestsSince(service, 0)).toBe(0);
    expect((await world.service(service).slotStates()).b).toMatchObject({ state: 'stopped', release: null });
    expectSound(service, quarterBp, 'back');
  });

  it('a smoke suite that fails on the release under test at 1 %: goes back', async () => {
    const service = 'smoke';
    await begin(world, service, {
      steps: [
        { weight: '1%', bake: '10m..1h', smoke: ['basic'] },
        { weight: '100%', bake: '2s..10m' },
      ],
    });
    const end = await untilEnd(session, service);
    expect(end.outcome).toBe('rolled-back');
    expect(end.reason).toMatch(/^smoke suite basic failed: .*500/);
    expect(world.weightsSeenByProxy(service)).toEqual([100, 0]);
    expectSound(service, [100, 10_000], 'back');
  });

  it("stable's process dies at 25 %: it holds without moving anything, and abort starts stable before it goes back", async () => {
    const service = 'stable';
    const { slots, recorder } = world.service(service);
    await begin(world, service, quarter('10m..1h'));
    await untilBaking(session, service, 2500);
    const writes = world.proxyWrites(service).length;
    process.kill(await pidIn(world, service, 'a'), 'SIGKILL');
    const held = await until(session, service, 'a hold', (status) => status.phase === 'held');
    expect(held.held?.reason).toMatch(/^the way back is not open: stable v1 is not ready/);
    expect(world.proxyWrites(service)).toHaveLength(writes);

    await abort(session, service, 'stable is gone');
    const end = await untilEnd(session, service);
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
    expectSound(service, quarterBp, 'back');
  });

  it("a bad release goes back by itself, with the criterion's sentence, and serves nobody after zero", async () => {
    const service = 'bad';
    await begin(world, service, { ...quarter('10m..1h'), judged: true });
    await untilBaking(session, service, 2500);
    await world.setFaults(service, 'v2', { errorRate: 0.5 });
    const end = await untilEnd(session, service);
    expect(end.outcome).toBe('rolled-back');
    expect(end.reason).toMatch(/^criterion errors failed: .*> 10%/);
    const sentences = (await timelineOf(session, service)).filter(({ code }) => code === 'verdict');
    expect(sentences.map(({ text }) => `criterion errors failed: ${text}`)).toEqual([end.reason]);
    expectSound(service, quarterBp, 'back');
  });
});
