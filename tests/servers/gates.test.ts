import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RequestStatus } from '../../plan/status.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { canaryRequestsAfterZero, setByHand, splitNow } from './at-proxy.ts';
import { Rollouts } from './rollouts.ts';

const folder = temporaryFolder('gates');
let world: World;
let rollouts: Rollouts;

const services = ['rollback', 'abort', 'hold', 'step-back', 'drift'];

beforeAll(async () => {
  world = await startWorld({ folder, services });
  rollouts = await Rollouts.of(world);
  await world.startWorker();
}, 180_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

const whole = { weight: '100%', bake: '1s' };
const steps = [{ weight: '25%', bake: '1s..10m' }, whole];
const stepsBp = [2_500, 10_000];
const gate = 'wide@100%';

/** Asks before 100 %. */
const wide = (more: Readonly<Record<string, unknown>>) => [
  { id: 'wide', at: 'before-step', steps: ['100%'], require: [{ allOf: ['sre'] }], expires: '1h', ...more },
];

const brief = (onExpiry: string) => wide({ expires: '3s', onExpiry });
const nobody = 'nobody completed gate wide@100% within 3s';

/** A foreign weight above plan, until the planned one stands there again. */
async function raiseByHand(service: string): Promise<void> {
  const before = world.proxyWrites(service).length;
  await setByHand(world, service, 6_000);
  await waitFor(() => world.proxyWrites(service).length > before, { for: 'the planned weight', withinMs: 30_000 });
  expect((await splitNow(world, service)).canaryBp).toBe(2_500);
}

/** The gate asked again: nobody's answer counts any more. */
async function askedAfter(service: string, before: RequestStatus): Promise<RequestStatus> {
  const find = (requests: readonly RequestStatus[]) =>
    requests.find(({ evidenceRevision, state }) => state === 'open' && evidenceRevision > before.evidenceRevision);
  const { requests } = await rollouts.until(service, 'new evidence', (status) => find(status.requests) !== undefined);
  const found = find(requests);
  if (found === undefined) throw new Error(`the gate of ${service} vanished`);
  expect(found.decisions.filter((decision) => decision.void === null)).toEqual([]);
  return found;
}

describe.concurrent('a gate in the middle that nobody answers in time', () => {
  it.each(['rollback', 'abort'])('goes back where its spec says %s', async (onExpiry) => {
    world.load(onExpiry, { ratePerSecond: 20, maxSeconds: 120 });
    await rollouts.start({ service: onExpiry, steps, gates: brief(onExpiry) });
    expect(await rollouts.ended(onExpiry)).toMatchObject({ outcome: 'rolled-back', reason: nobody });
    expect(world.weightsSeenByProxy(onExpiry)).toEqual([2_500, 0]);
    expect(violations(world.proxyWrites(onExpiry), { stepsBp, ended: true })).toEqual([]);
    expect((await world.service(onExpiry).slotStates()).b).toMatchObject({ state: 'stopped', release: null });
    expect(await canaryRequestsAfterZero(world, onExpiry)).toBe(0);
  });

  it('holds where its spec says so, drift included, and asks again after resume', async () => {
    const service = 'hold';
    await rollouts.start({ service, steps, gates: brief('hold') });
    const asked = await rollouts.gate(service, gate);
    await rollouts.held(service, /^nobody completed gate wide@100% within 3s; resume asks again$/);
    expect(world.weightsSeenByProxy(service)).toEqual([2_500]);

    await raiseByHand(service);
    expect(await rollouts.status(service)).toMatchObject({
      phase: 'held',
      held: { reason: expect.stringMatching(/^nobody/) as string },
    });
    await setByHand(world, service, 1_000);
    await rollouts.held(service, /^somebody set 10% where 25% was planned/);
    expect((await splitNow(world, service)).canaryBp).toBe(1_000);

    expect((await rollouts.resume(service)).state).toBe('confirmed');
    expect((await splitNow(world, service)).canaryBp).toBe(2_500);
    await askedAfter(service, asked);
    expect(world.weightsSeenByProxy(service)).toEqual([2_500]);
    await rollouts.answer(service, gate, 'ana');
    expect((await rollouts.ended(service)).outcome).toBe('completed');
    expect(world.weightsSeenByProxy(service)).toEqual(stepsBp);
    expect(violations(world.proxyWrites(service), { stepsBp, ended: true })).toEqual([]);
  });

  it('steps back where its spec says so, waits there for resume, and asks again on the way up', async () => {
    const service = 'step-back';
    const stairs = [{ weight: '5%', bake: '1s..10m' }, ...steps];
    await rollouts.start({ service, steps: stairs, gates: brief('step-back') });
    const asked = await rollouts.gate(service, gate);
    const isBack = ({ phase, weights }: { phase: string; weights: { acceptedBp: number | null } }) =>
      phase === 'paused' && weights.acceptedBp === 500;
    const { paused } = await rollouts.until(service, 'a step back', isBack);
    expect(paused).toMatchObject({ by: 'rule', reason: nobody });
    expect(await splitNow(world, service)).toMatchObject({ canaryBp: 500, claim: { stage: { index: 0 } } });

    expect((await rollouts.resume(service)).state).toBe('confirmed');
    await askedAfter(service, asked);
    expect(world.weightsSeenByProxy(service)).toEqual([500, 2_500, 500, 2_500]);
    await rollouts.answer(service, gate, 'ana');
    expect((await rollouts.ended(service)).outcome).toBe('completed');
    expect(world.weightsSeenByProxy(service)).toEqual([500, 2_500, 500, 2_500, 10_000]);
    expect(violations(world.proxyWrites(service), { stepsBp: [500, ...stepsBp], ended: true })).toEqual([]);
  });
});

describe.concurrent('a weight changed by hand at an open gate', () => {
  it('voids what people said about another weight, whether it is put back or held', async () => {
    const service = 'drift';
    await rollouts.start({ service, steps, gates: wide({ require: [{ atLeast: 2, of: 'sre' }] }) });
    const first = await rollouts.gate(service, gate);
    await rollouts.answer(service, gate, 'ana');
    await raiseByHand(service);
    const second = await askedAfter(service, first);
    await rollouts.answer(service, gate, 'ana');

    await setByHand(world, service, 1_000);
    await rollouts.held(service, /^somebody set 10% where 25% was planned/);
    const third = await askedAfter(service, second);
    const writes = world.proxyWrites(service);
    await rollouts.answer(service, gate, 'ana');
    expect(await rollouts.answer(service, gate, 'sam')).toMatchObject({ outcome: 'recorded', state: 'approved' });
    expect(await rollouts.status(service)).toMatchObject({ phase: 'held', weights: { acceptedBp: 1_000 } });
    expect(world.proxyWrites(service)).toEqual(writes);

    expect((await rollouts.resume(service)).state).toBe('confirmed');
    await askedAfter(service, third); // they had seen 10 %
    expect(world.weightsSeenByProxy(service)).toEqual([2_500]);
    await rollouts.answer(service, gate, 'sam');
    await rollouts.answer(service, gate, 'ana');
    expect((await rollouts.ended(service)).outcome).toBe('completed');
    expect(world.weightsSeenByProxy(service)).toEqual(stepsBp);
    expect(violations(world.proxyWrites(service), { stepsBp, ended: true })).toEqual([]);
  });
});
