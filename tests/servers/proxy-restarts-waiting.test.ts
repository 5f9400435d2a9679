import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRequestLog } from '../../testbed/demo-service/request-log.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { setByHand, splitNow } from './at-proxy.ts';
import { patienceMs, Rollouts } from './rollouts.ts';
import type { Shape } from './short-spec.ts';

const kept = ['gate-kept', 'paused-kept', 'held-kept', 'keeping-kept', 'smoke-kept'];
const lost = ['gate-lost', 'paused-lost', 'keeping-lost'];
let world: World;
let rollouts: Rollouts;

beforeAll(async () => {
  world = await startWorld({ folder: temporaryFolder('proxy-restarts-waiting'), services: [...kept, ...lost] });
  rollouts = await Rollouts.of(world);
  await world.startWorker();
  for (const name of [...kept, ...lost]) world.load(name, { ratePerSecond: 5, maxSeconds: 600 });
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

const stepsBp = [2_500, 10_000];
const go = { id: 'go', at: 'start', require: [{ anyOf: ['sre'] }], expires: '1h' };
const start = (service: string, bake: string, shape: Partial<Shape> = {}, smoke: readonly string[] = []) =>
  rollouts.start({
    service,
    steps: [
      { weight: '25%', bake, smoke },
      { weight: '100%', bake: '1s..10m' },
    ],
    ...shape,
  });

async function asking(service: string): Promise<void> {
  await start(service, '1s..10m', { gates: [go] });
  await rollouts.gate(service, 'go');
}

async function paused(service: string): Promise<void> {
  await start(service, '10s..10m');
  await rollouts.baking(service, 2_500);
  await rollouts.order(service, 'pause');
}

/** It went back, and what went back is kept for a look. */
async function keeping(service: string): Promise<void> {
  await start(service, '10m..1h', { keepCanary: '20s' });
  await rollouts.baking(service, 2_500);
  expect(await rollouts.order(service, 'abort')).toMatchObject({ state: 'confirmed' });
}

async function drifted(service: string): Promise<void> {
  await start(service, '10s..10m');
  await rollouts.baking(service, 2_500);
  await setByHand(world, service, 1_000);
  await rollouts.held(service, /somebody set 10% where 25% was planned/);
}

async function smoking(service: string): Promise<void> {
  const whoami = { name: 'whoami', get: '/api/whoami', times: 15, every: '1s', expect: { json: { release: 'v2' } } };
  const smoke = { suites: { basic: { baseUrl: { canary: 'preview' }, requests: [whoami] } } };
  await start(service, '1s..10m', { parts: { smoke } }, ['basic']);
  const log = world.service(service).slots.b.requestLog;
  const isAsked = () => readRequestLog(log).some((one) => one.smoke !== null);
  await waitFor(isAsked, { for: 'smoke', withinMs: patienceMs });
}

async function expectSound(service: string, outcome: 'completed' | 'rolled-back'): Promise<void> {
  const end = await rollouts.ended(service);
  expect([service, end.outcome]).toEqual([service, outcome]);
  expect(violations(world.proxyWrites(service), { stepsBp, ended: true })).toEqual([]);
  const split = outcome === 'completed' ? { a: 0, b: 10_000 } : { a: 10_000, b: 0 };
  expect((await splitNow(world, service)).bySlot).toEqual(split);
}

const heldOf = async (service: string) =>
  (await rollouts.timeline(service)).filter(({ code }) => code === 'held').map(({ text }) => text);

describe('Caddy, killed and started again', () => {
  it('with its last state, while rollouts wait for people, keep what went back or smoke: each goes on from there', async () => {
    await Promise.all([
      ...[asking('gate-kept'), paused('paused-kept'), drifted('held-kept'), keeping('keeping-kept')],
      smoking('smoke-kept'),
    ]);
    await world.caddy.kill();
    await world.caddy.restart({ resume: true });
    await rollouts.answer('gate-kept', 'go', 'ana');
    expect(await rollouts.status('paused-kept')).toMatchObject({ phase: 'paused', outcome: null });
    expect((await splitNow(world, 'paused-kept')).bySlot).toEqual({ a: 7_500, b: 2_500 });
    expect(await rollouts.resume('paused-kept')).toMatchObject({ state: 'confirmed' });
    expect((await splitNow(world, 'held-kept')).bySlot).toEqual({ a: 9_000, b: 1_000 });
    expect(await rollouts.resume('held-kept')).toMatchObject({ state: 'confirmed' });

    for (const service of ['gate-kept', 'paused-kept', 'held-kept']) {
      await expectSound(service, 'completed');
      expect(world.weightsSeenByProxy(service)).toEqual(stepsBp);
    }
    expect(await heldOf('gate-kept')).toEqual([]);
    expect(await heldOf('paused-kept')).toEqual([]);
    expect(await heldOf('held-kept')).toHaveLength(1);
    await expectSound('keeping-kept', 'rolled-back');
    expect(world.weightsSeenByProxy('keeping-kept')).toEqual([2_500, 0]);

    // Whether a request fell into the gap is chance; that nothing is wider than what smoke has passed is not.
    const { outcome, reason, smoke } = await rollouts.ended('smoke-kept');
    if (outcome === 'completed') expect(smoke).toMatchObject([{ suite: 'basic', passed: true }]);
    else expect(reason).toMatch(/^smoke suite basic failed: whoami: /);
    await expectSound('smoke-kept', outcome === 'completed' ? 'completed' : 'rolled-back');
    expect(world.weightsSeenByProxy('smoke-kept')).toEqual(outcome === 'completed' ? stepsBp : [2_500, 0]);
  });

  it('without it: who waits at the first gate begins as ever, who is paused rises no more, who went back stays there', async () => {
    await Promise.all([asking('gate-lost'), paused('paused-lost'), keeping('keeping-lost')]);
    const before = world.proxyWrites('paused-lost').length;
    await world.caddy.kill();
    await world.caddy.restart({ resume: false });
    const restartedAt = Date.now();
    await rollouts.answer('gate-lost', 'go', 'ana');
    await expectSound('gate-lost', 'completed');
    await expectSound('keeping-lost', 'rolled-back');

    await waitFor(() => world.canaryRequestsSince('paused-lost', restartedAt, 'v1') >= 10, {
      for: 'users of the restarted proxy',
      withinMs: patienceMs,
    });
    expect(world.weightsSeenByProxy('paused-lost')).toEqual([2_500]);
    await rollouts.abort('paused-lost', 'Caddy forgot it');
    await expectSound('paused-lost', 'rolled-back');
    const after = world.proxyWrites('paused-lost').slice(before);
    expect(after.filter(({ canaryBp }) => canaryBp !== 0)).toEqual([]);
    for (const service of ['paused-lost', 'keeping-lost']) {
      expect(world.canaryRequestsSince(service, restartedAt)).toBe(0);
    }
  });
});
