import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../plan/status.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import type { Worker } from '../../testbed/world/commands.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { canaryRequestsAfterZero, setByHand, splitNow, writing } from './at-proxy.ts';
import { later } from './later.ts';
import { historiesThatDoNotReplay } from './replays.ts';
import { idOf, patienceMs, Rollouts } from './rollouts.ts';

const services = ['paused', 'asking', 'flood', 'cancelled', 'frozen', 'drifted', 'half', 'stairs'];
const folder = temporaryFolder('floods');
let world: World;
let rollouts: Rollouts;
let worker: Worker;

/** A history is full after 60 events here instead of 4,096. */
beforeAll(async () => {
  const dynamicConfig = { 'limit.historyCount.suggestContinueAsNew': 60 };
  world = await startWorld({ folder, services, temporal: { dynamicConfig } });
  rollouts = await Rollouts.of(world);
  worker = await world.startWorker();
  for (const service of ['flood', 'cancelled']) world.load(service, { ratePerSecond: 20, maxSeconds: 600 });
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

const ladder = (bake: string) => [
  { weight: '5%', bake: '1s..10m' },
  { weight: '25%', bake },
  { weight: '100%', bake: '2s..10m' },
];
const ladderBp = [500, 2_500, 10_000];
const wide = { id: 'wide', at: 'before-step', steps: ['25%'], require: [{ allOf: ['sre'] }], expires: '1h' };

const handleOf = (service: string) => rollouts.session.client.workflow.getHandle(idOf(service));
const sound = (service: string) => violations(world.proxyWrites(service), { stepsBp: ladderBp, ended: true });

/** Whoever sends it gives up after two seconds; Temporal keeps it. */
async function sentInVain(service: string, name: string, input: Readonly<Record<string, unknown>>): Promise<void> {
  const { connection } = rollouts.session;
  const sent = connection.withDeadline(Date.now() + 2_000, () =>
    handleOf(service).startUpdate(name, { args: [input], updateId: randomUUID(), waitForStage: 'ACCEPTED' }),
  );
  await expect(sent).rejects.toThrow();
}

describe('an Update that nobody waits for any more', () => {
  it('is delivered all the same, and raises nothing when its time is over', async () => {
    await rollouts.start({ service: 'paused', steps: ladder('2s..10m') });
    await rollouts.baking('paused', 500);
    await rollouts.order('paused', 'pause');
    await rollouts.start({ service: 'asking', steps: ladder('2s..10m'), gates: [wide] });
    const { evidenceDigest } = await rollouts.gate('asking', 'wide@25%');
    const { planDigest } = await rollouts.status('asking');
    await worker.kill();
    const validUntil = Date.now() + 4_000;
    await sentInVain('paused', 'resume', { by: 'ana', reason: 'go on', validUntil });
    const yes = { gate: 'wide@25%', decision: 'approve', by: 'ana' };
    await sentInVain('asking', 'decide', { ...yes, plan: planDigest, evidence: evidenceDigest, validUntil });
    await waitFor(() => Date.now() > validUntil, { for: 'its time to be over', withinMs: 10_000 });
    worker = await world.startWorker();

    const late = ({ ignored }: Status) =>
      ignored.some(({ reason }) => /time limit|valid|too late|expired/.test(reason));
    const [paused, asking] = await Promise.all([
      rollouts.until('paused', 'the late resume', late),
      rollouts.until('asking', 'the late approval', late),
    ]);
    expect(paused).toMatchObject({ phase: 'paused', ignored: [{ message: 'resume', by: 'ana' }] });
    expect(asking.requests).toMatchObject([{ gate: 'wide@25%', state: 'open', decisions: [] }]);
    for (const service of ['paused', 'asking']) expect(world.weightsSeenByProxy(service)).toEqual([500]);
    await rollouts.resume('paused');
    await rollouts.answer('asking', 'wide@25%', 'sam');
    for (const service of ['paused', 'asking']) {
      expect((await rollouts.ended(service)).outcome).toBe('completed');
      expect(sound(service)).toEqual([]);
    }
  });
});

/** Two thousand messages of all sorts that should not count, fifty at a time. */
async function flood(service: string, count: number): Promise<void> {
  const { client, namespace } = rollouts.session;
  const undecodable = { metadata: { encoding: Buffer.from('binary/encrypted') }, data: Buffer.from('\u0001\u0002') };
  const raw = () =>
    client.workflowService.signalWorkflowExecution({
      namespace,
      workflowExecution: { workflowId: idOf(service) },
      signalName: 'decide',
      input: { payloads: [undecodable] },
    });
  const sorts: readonly (() => Promise<unknown>)[] = [
    () => handleOf(service).signal('decide', { nonsense: true }),
    () => handleOf(service).signal('resume', { by: 'nemo' }),
    () => handleOf(service).signal('edit-plan', { plan: 'none' }),
    () => handleOf(service).signal('no-such-message', ['x']),
    () => handleOf(service).signal('decide'),
    raw,
  ];
  let sent = 0;
  const send = async (): Promise<void> => {
    while (sent < count) {
      const number = sent++;
      if (number % 100 === 50) await handleOf(service).signal('lift', { by: 'x'.repeat(100_000) });
      else await sorts[number % sorts.length]?.();
    }
  };
  await Promise.all(Array.from({ length: 50 }, send));
}

describe.concurrent('a rollout', () => {
  it('obeys an abort in the middle of two thousand messages that do not count', async () => {
    const service = 'flood';
    await rollouts.start({ service, steps: ladder('10m..1h') });
    await rollouts.baking(service, 2_500);
    const { runId } = await handleOf(service).describe();
    await flood(service, 1_000);
    const isLater = async () => (await handleOf(service).describe()).runId !== runId;
    await waitFor(isLater, { for: 'a later run', withinMs: patienceMs });
    await rollouts.abort(service, 'enough');
    const rest = flood(service, 1_000).catch((error: unknown) => {
      if (!String(error).includes('NOT_FOUND') && !/completed|not found/i.test(String(error))) throw error; // it has ended
    });
    const end = await rollouts.ended(service);
    await rest;
    expect(end).toMatchObject({ outcome: 'rolled-back', reason: 'aborted by olga: enough' });
    expect(end.receipts).toContainEqual(expect.objectContaining({ message: 'abort', state: 'confirmed' }));
    expect(end.ignored.length).toBeLessThanOrEqual(50);
    expect(Math.max(...end.ignored.map((entry) => Buffer.byteLength(JSON.stringify(entry))))).toBeLessThan(1_500);
    const last = await handleOf(service).describe();
    expect(last.status.name).toBe('COMPLETED');
    expect(world.weightsSeenByProxy(service)).toEqual([500, 2_500, 0]);
    expect(await canaryRequestsAfterZero(world, service)).toBe(0);
    expect(sound(service)).toEqual([]);
  });

  it('goes to zero although it is cancelled twice while zero is being written', async () => {
    const service = 'cancelled';
    const zero = world.admin.hold({ ...writing(service, /"kind":"back"/), times: 1, where: 'request' });
    await rollouts.start({ service, steps: ladder('10m..1h') });
    await rollouts.baking(service, 2_500);
    await handleOf(service).cancel();
    await waitFor(() => zero.count() > 0, { for: 'zero to be written', withinMs: patienceMs });
    await handleOf(service).cancel();
    zero.release();
    expect(await rollouts.ended(service)).toMatchObject({
      outcome: 'rolled-back',
      reason: 'cancelled through Temporal',
    });
    expect(await splitNow(world, service)).toMatchObject({ bySlot: { a: 10_000, b: 0 } });
    expect(await canaryRequestsAfterZero(world, service)).toBe(0);
    expect(sound(service)).toEqual([]);
  });
});

/** What a later run must still say. */
const kept = ({ phase, reason, startedAt, paused, frozen, held, receipts, weights, steps, requests, run }: Status) => ({
  ...{ phase, reason, startedAt, paused, frozen, held, receipts, requests, run },
  weights: { requestedBp: weights.requestedBp, acceptedBp: weights.acceptedBp },
  steps: steps.map(({ weightBp, state }) => [weightBp, state]),
});

describe.concurrent('a later run', () => {
  it('is still frozen, and goes on when the freeze is lifted', async () => {
    const service = 'frozen';
    await rollouts.start({ service, steps: ladder('2s..10m') });
    await rollouts.baking(service, 500);
    await rollouts.order(service, 'freeze');
    const before = await rollouts.status(service);
    expect(kept(await later(rollouts, service))).toEqual(kept(before));
    expect(world.weightsSeenByProxy(service)).toEqual([500]);
    expect((await rollouts.raise(service, 'lift')).state).toBe('confirmed');
    expect((await rollouts.ended(service)).outcome).toBe('completed');
    expect(sound(service)).toEqual([]);
  });

  it('still holds because somebody changed the weight, and puts it right on resume', async () => {
    const service = 'drifted';
    await rollouts.start({ service, steps: ladder('10s..10m') });
    await rollouts.baking(service, 2_500);
    await setByHand(world, service, 1_000);
    const before = await rollouts.held(service, /somebody set 10% where 25% was planned/);
    expect(kept(await later(rollouts, service))).toEqual(kept(before));
    expect((await splitNow(world, service)).canaryBp).toBe(1_000);
    expect((await rollouts.resume(service)).state).toBe('confirmed');
    expect((await splitNow(world, service)).canaryBp).toBe(2_500);
    expect((await rollouts.ended(service)).outcome).toBe('completed');
  });

  it('goes on with the bake where it was, neither early nor anew', async () => {
    const service = 'half';
    await rollouts.start({ service, steps: ladder('25s..10m') });
    const half = await rollouts.until(service, 'half a bake', ({ weights, bake }) => {
      return weights.acceptedBp === 2_500 && (bake?.validMs ?? 0) >= 8_000;
    });
    const now = await later(rollouts, service);
    expect(kept(now)).toEqual(kept(half));
    expect(now.bake?.validMs).toBeGreaterThanOrEqual(half.bake?.validMs ?? Infinity);
    expect((await rollouts.ended(service)).outcome).toBe('completed');
    const at = (bp: number) => world.proxyWrites(service).find(({ canaryBp }) => canaryBp === bp)?.at ?? NaN;
    expect(at(10_000) - at(2_500)).toBeGreaterThanOrEqual(24_000);
    expect(sound(service)).toEqual([]);
  });

  it('finishes a step back that was under way', async () => {
    const service = 'stairs';
    await rollouts.start({ service, steps: ladder('10m..1h') });
    await rollouts.baking(service, 2_500);
    const down = world.admin.hold({ ...writing(service, /"index":0[,}]/), where: 'request' });
    await handleOf(service).signal('step-back', { by: 'olga', reason: 'the test says so', toBp: 500 });
    await waitFor(() => down.count() > 0, { for: 'the step back to be written', withinMs: patienceMs });
    const now = later(rollouts, service);
    await now;
    down.release();
    await rollouts.until(service, 'the step back', ({ weights, phase }) => {
      return weights.acceptedBp === 500 && phase === 'paused';
    });
    expect(world.weightsSeenByProxy(service)).toEqual([500, 2_500, 500]);
    await rollouts.abort(service, 'enough seen');
    expect((await rollouts.ended(service)).outcome).toBe('rolled-back');
    expect(world.weightsSeenByProxy(service)).toEqual([500, 2_500, 500, 0]);
  });
});

it('leaves histories that replay', async () => {
  expect(await historiesThatDoNotReplay(rollouts)).toEqual([]);
});
