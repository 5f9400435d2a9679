import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { violations } from '../../testbed/world/invariants.ts';
import type { Worker } from '../../testbed/world/commands.ts';
import { releaseOf } from '../../testbed/world/service.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { canaryRequestsAfterZero, pidIn, splitNow } from './at-proxy.ts';
import { historiesThatDoNotReplay } from './replays.ts';
import { idOf, Rollouts } from './rollouts.ts';

const services = ['failing', 'hanging', 'deaf', 'early', 'other', 'silent', 'unready', 'crashed', 'half', 'baking'];

let world: World;
let rollouts: Rollouts;
let worker: Worker;

beforeAll(async () => {
  world = await startWorld({ folder: temporaryFolder('host-faults'), services });
  rollouts = await Rollouts.of(world);
  worker = await world.startWorker();
  for (const name of services) world.load(name, { ratePerSecond: 10, maxSeconds: 600 });
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

const quarter = (bake: string) => [
  { weight: '25%', bake },
  { weight: '100%', bake: '2s..10m' },
];
const stepsBp = [2500, 10_000];
const stopped = { state: 'stopped', release: null };

const hookOf = (service: string) => world.service(service).recorder;
const slotsOf = (service: string) => world.service(service).slotStates();
const puts = (service: string, slot: 'a' | 'b') =>
  hookOf(service)
    .entries()
    .filter(({ method, path }) => method === 'PUT' && path === `/slots/${slot}`);

async function expectCompleted(service: string): Promise<void> {
  expect(await rollouts.ended(service)).toMatchObject({ outcome: 'completed', reason: null });
  expect(world.weightsSeenByProxy(service)).toEqual(stepsBp);
  expect(violations(world.proxyWrites(service), { stepsBp, ended: true })).toEqual([]);
  expect(await slotsOf(service)).toMatchObject({ a: stopped, b: { ready: true, release: { label: 'v2' } } });
}

async function expectBack(service: string, reason: string | RegExp, weights: readonly number[]): Promise<void> {
  const end = await rollouts.ended(service);
  expect(end.outcome).toBe(weights.length === 0 ? 'aborted' : 'rolled-back');
  expect(end.reason).toMatch(reason);
  expect(world.weightsSeenByProxy(service)).toEqual(weights);
  expect(violations(world.proxyWrites(service), { stepsBp, ended: true })).toEqual([]);
  expect((await splitNow(world, service)).bySlot).toEqual({ a: 10_000, b: 0 });
  expect(await slotsOf(service)).toMatchObject({ a: { ready: true, release: { label: 'v1' } }, b: stopped });
  expect(await canaryRequestsAfterZero(world, service)).toBe(0);
}

describe.concurrent('a deploy hook', () => {
  it('that fails for a while is asked again, and the rollout completes', async () => {
    const service = 'failing';
    hookOf(service).fault({ method: 'PUT', times: 3, fault: { kind: 'refuse', status: 500 } });
    await rollouts.start({ service, steps: quarter('2s..10m') });
    await expectCompleted(service);
    expect(puts(service, 'b').filter(({ fault }) => fault === 'refuse')).toHaveLength(3);
  });

  it('that hangs keeps nobody from aborting, and refuses its late call itself', async () => {
    const service = 'hanging';
    const hanging = hookOf(service).hold({ method: 'PUT', path: /^\/slots\/b$/, where: 'request' });
    await rollouts.start({ service, steps: quarter('2s..10m') });
    await waitFor(() => hanging.count() > 0, { for: 'a start that hangs', withinMs: 60_000 });
    await rollouts.abort(service, 'it takes too long');
    await expectBack(service, 'aborted by olga: it takes too long', []);
    hanging.release();
    await waitFor(() => puts(service, 'b').length > 0, { for: 'the late call' });
    expect(puts(service, 'b')).toMatchObject([{ status: 409 }]);
    expect((await slotsOf(service))['b']).toMatchObject(stopped);
  });

  it('that answers 200 and does nothing is told again, and no user meets what does not run', async () => {
    const service = 'deaf';
    hookOf(service).fault({ method: 'PUT', path: /^\/slots\/b$/, times: 1, fault: { kind: 'refuse', status: 200 } });
    await rollouts.start({ service, steps: quarter('2s..10m') });
    await expectCompleted(service);
    expect(puts(service, 'b').map(({ status, fault }) => status ?? fault)).toEqual(['refuse', 200]);
  });

  it.each([
    ['early', 'calls ready what does not run', 'v2'],
    ['other', 'names another release than it was told', 'v9'],
  ])('%s: one that %s gets the release no traffic as long as it lies', async (service, _, label) => {
    const hook = hookOf(service);
    const deaf = hook.fault({ method: 'PUT', path: /^\/slots\/b$/, fault: { kind: 'refuse', status: 200 } });
    await rollouts.start({ service, steps: quarter('2s..10m') });
    await waitFor(() => puts(service, 'b').length > 0, { for: 'the call', withinMs: 60_000 });
    const said = { state: 'running', ready: true, detail: '', fence: 1, rollout: idOf(service) };
    const b = { ...said, release: releaseOf(service, label) };
    const body = JSON.stringify({ slots: { ...(await slotsOf(service)), b } });
    const lie = hook.fault({ method: 'GET', path: /^\/slots$/, fault: { kind: 'falsify', body } });
    const lies = () => hook.entries().filter(({ fault }) => fault === 'falsify').length;
    await waitFor(() => lies() >= 12, { for: 'twelve lies', withinMs: 60_000 });
    expect(await rollouts.status(service)).toMatchObject({ phase: 'deploying', outcome: null });
    expect(world.weightsSeenByProxy(service)).toEqual([]);
    deaf();
    lie();
    await expectCompleted(service);
  });

  it('that is silent keeps no traffic from going back', async () => {
    const service = 'silent';
    await rollouts.start({ service, steps: quarter('10m..1h') });
    await rollouts.baking(service, 2500);
    const hanging = hookOf(service).hold({ where: 'request' });
    const receipt = await rollouts.order(service, 'abort');
    expect(receipt).toMatchObject({ state: 'confirmed', fromBp: 2500 });
    expect((await splitNow(world, service)).bySlot).toEqual({ a: 10_000, b: 0 });
    expect((await rollouts.status(service)).outcome).toBeNull();
    hanging.release();
    await expectBack(service, 'aborted by olga', [2500, 0]);
  });
});

describe.concurrent('a release that users meet at 25 %', () => {
  it('and becomes unready goes back by itself, without any criterion', async () => {
    const service = 'unready';
    await rollouts.start({ service, steps: quarter('10m..1h') });
    await rollouts.baking(service, 2500);
    await world.setFaults(service, 'v2', { ready: false });
    await expectBack(
      service,
      /^serving 25% failed: v2 is not ready \(b: starting: its health check answers 503\)$/,
      [2500, 0],
    );
  });

  it('and dies goes back by itself', async () => {
    const service = 'crashed';
    await rollouts.start({ service, steps: quarter('10m..1h') });
    await rollouts.baking(service, 2500);
    process.kill(await pidIn(world, service, 'b'), 'SIGKILL');
    await expectBack(service, /^serving 25% failed: v2 is not ready \(b: failed: ended by SIGKILL\)$/, [2500, 0]);
  });
});

describe.concurrent('a worker that dies (T-29)', () => {
  it('while one release bakes and between zero and restoring another: the bake keeps its end, going back is finished, cancelled or not', async () => {
    await rollouts.start({ service: 'baking', steps: quarter('15s..10m') });
    await rollouts.start({ service: 'half', steps: quarter('10m..1h') });
    await Promise.all([rollouts.baking('baking', 2500), rollouts.baking('half', 2500)]);
    const restoring = hookOf('half').hold({ method: 'PUT', path: /^\/slots\/a$/, where: 'request' });
    await rollouts.abort('half', 'enough seen');
    await waitFor(() => restoring.count() > 0, { for: 'stable being restored', withinMs: 60_000 });
    expect(world.weightsSeenByProxy('half')).toEqual([2500, 0]);
    await worker.kill();
    await rollouts.session.client.workflow.getHandle(idOf('half')).cancel();
    worker = await world.startWorker();
    restoring.release();

    await expectBack('half', 'aborted by olga: enough seen', [2500, 0]);
    const ends = (await rollouts.timeline('half')).filter(({ code }) => code.startsWith('outcome'));
    expect(ends.map(({ code }) => code)).toEqual(['outcome:rolled-back']);
    await expectCompleted('baking');
    const [quarterAt, wholeAt] = stepsBp.map((bp) => {
      const writes = world
        .proxyWrites('baking')
        .filter(({ canaryBp, claim }) => canaryBp === bp && claim?.stage.kind === 'step');
      expect(writes).toHaveLength(1);
      return writes[0]?.at ?? NaN;
    });
    expect((wholeAt ?? NaN) - (quarterAt ?? NaN)).toBeGreaterThanOrEqual(14_000);
  });
});

describe('afterwards', () => {
  it('every history replays', async () => {
    expect(await historiesThatDoNotReplay(rollouts)).toEqual([]);
  });
});
