import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inProject } from '../../testbed/root.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { violations } from '../../testbed/world/invariants.ts';
import type { Worker } from '../../testbed/world/commands.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { canaryRequestsAfterZero, splitNow, writing } from './at-proxy.ts';
import { anotherBuild } from './builds.ts';
import { historiesThatDoNotReplay } from './replays.ts';
import { idOf, Rollouts } from './rollouts.ts';

const services = ['baking', 'stopped', 'asking', 'frozen', 'replaced', 'ahead', 'behind', 'zeroed'];
const folder = temporaryFolder('server-killed');
let world: World;
let rollouts: Rollouts;
let worker: Worker;

beforeAll(async () => {
  world = await startWorld({ folder, services, temporal: { persistent: true } });
  rollouts = await Rollouts.of(world);
  worker = await world.startWorker();
  for (const name of services) world.load(name, { ratePerSecond: 10, maxSeconds: 900 });
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
const ladderBp = [500, 2500, 10_000];
const wide = [{ id: 'wide', at: 'before-step', steps: ['25%'], require: [{ anyOf: ['sre'] }], expires: '1h' }];

const sound = (service: string) => violations(world.proxyWrites(service), { stepsBp: ladderBp, ended: true });

/** Time between the writes of two weights, as the proxy had them, ms. */
function between(service: string, from: number, to: number): number {
  const at = (bp: number) => world.proxyWrites(service).find(({ canaryBp }) => canaryBp === bp)?.at ?? NaN;
  return at(to) - at(from);
}

describe('the Temporal server, killed with -9 in the middle and started again', () => {
  it('costs no rollout anything: bakes, gates and orders go on where they were', async () => {
    await rollouts.start({ service: 'baking', steps: ladder('8s..10m') });
    await rollouts.start({ service: 'stopped', steps: ladder('10m..1h') });
    await rollouts.start({ service: 'asking', steps: ladder('2s..10m'), gates: wide });
    await Promise.all([rollouts.gate('asking', 'wide@25%'), rollouts.baking('stopped', 2500)]);
    await rollouts.until('baking', 'valid time at 25%', ({ weights, bake }) => {
      return weights.acceptedBp === 2500 && (bake?.validMs ?? 0) >= 1_000;
    });
    await world.temporal.kill();
    const away = Date.now();
    expect((await rollouts.run('abort', 'stopped', '--by', 'olga', '--reason', 'nobody hears it')).code).toBe(11);
    await waitFor(() => Date.now() - away >= 3_000, { for: 'an outage of three seconds', withinMs: 10_000 });
    await world.temporal.restart();

    await rollouts.abort('stopped', 'enough seen');
    await rollouts.answer('asking', 'wide@25%', 'ana');
    const ends = await Promise.all(['baking', 'stopped', 'asking'].map((service) => rollouts.ended(service)));
    expect(ends.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['completed', null],
      ['rolled-back', 'aborted by olga: enough seen'],
      ['completed', null],
    ]);
    for (const service of ['baking', 'asking']) expect(world.weightsSeenByProxy(service)).toEqual(ladderBp);
    expect(world.weightsSeenByProxy('stopped')).toEqual([500, 2500, 0]);
    expect(between('baking', 2500, 10_000)).toBeGreaterThanOrEqual(7_000);
    for (const service of ['baking', 'stopped', 'asking']) expect(sound(service)).toEqual([]);
    expect(await canaryRequestsAfterZero(world, 'stopped')).toBe(0);
  });

  it('keeps nobody from `sluice zero`: the target goes to stable at once, and the rollout finds that when the server is back', async () => {
    await rollouts.start({ service: 'zeroed', steps: ladder('10m..1h') });
    await rollouts.baking('zeroed', 2500);
    await world.temporal.kill();
    const zeroed = await rollouts.sluice(['zero', 'edge/zeroed', '--config', worker.configFile, '--json']);
    expect([zeroed.code, JSON.parse(zeroed.stdout)]).toMatchObject([0, { kind: 'zero', fromBp: 2500 }]);
    expect((await splitNow(world, 'zeroed')).bySlot).toEqual({ a: 10_000, b: 0 });
    expect(await canaryRequestsAfterZero(world, 'zeroed')).toBe(0);
    await world.temporal.restart();
    expect(await rollouts.ended('zeroed')).toMatchObject({
      outcome: 'rolled-back',
      reason: expect.stringContaining('taken back from outside') as string,
    });
    expect(world.weightsSeenByProxy('zeroed')).toEqual([500, 2500, 0]);
    expect(sound('zeroed')).toEqual([]);
  });
});

describe('a worker that stood still for longer than its time-outs', () => {
  it('is not waited for, and what it still had under way is refused when it wakes up', async () => {
    const service = 'frozen';
    const shift = writing(service, /"index":1[,}]/);
    const hanging = world.admin.hold({ ...shift, times: 1, where: 'request' });
    await rollouts.start({ service, steps: ladder('10m..1h') });
    await waitFor(() => hanging.count() > 0, { for: 'a shift that hangs', withinMs: 60_000 });
    worker.pause();
    const asleep = worker;
    try {
      worker = await world.startWorker();
      await rollouts.baking(service, 2500);
      await rollouts.abort(service, 'enough seen');
      expect((await rollouts.ended(service)).outcome).toBe('rolled-back');
      const writes = world.proxyWrites(service);
      hanging.release();
      asleep.resume();

      const late = () =>
        world.admin.entries().filter(({ fault, requestBody }) => {
          return fault === 'hold' && shift.body?.test(requestBody) === true;
        });
      await waitFor(() => late().length > 0, { for: 'the late write to arrive' });
      expect(late().map(({ status }) => status)).toEqual([412]);
      await asleep.stop(); // it ends what it has under way first
      expect(world.proxyWrites(service)).toEqual(writes);
      expect((await splitNow(world, service)).bySlot).toEqual({ a: 10_000, b: 0 });
      expect(world.weightsSeenByProxy(service)).toEqual([500, 2500, 0]);
      expect(sound(service)).toEqual([]);
    } finally {
      asleep.resume();
    }
  });
});

async function buildsOf(service: string): Promise<ReadonlySet<string>> {
  const { events } = await rollouts.session.client.workflow.getHandle(idOf(service)).fetchHistory();
  const ids = (events ?? []).map((event) => event.workflowTaskCompletedEventAttributes?.workerVersion?.buildId ?? '');
  return new Set(ids.filter((id) => id !== ''));
}

describe('a new build that replaces the old one while a release bakes', () => {
  it('takes the bake over where it was, neither early nor anew', async () => {
    const service = 'replaced';
    await rollouts.start({ service, steps: ladder('30s..10m') });
    await rollouts.until(service, 'valid time at 25%', ({ weights, bake }) => {
      return weights.acceptedBp === 2500 && (bake?.validMs ?? 0) >= 4_000;
    });
    const old = worker;
    worker = await world.startWorker({ launcher: anotherBuild(folder) });
    await old.stop();
    const { bake } = await rollouts.status(service);
    expect(bake?.validMs).toBeGreaterThanOrEqual(4_000);
    expect((await rollouts.ended(service)).outcome).toBe('completed');
    expect((await buildsOf(service)).size).toBe(2);
    expect(world.weightsSeenByProxy(service)).toEqual(ladderBp);
    expect(between(service, 2500, 10_000)).toBeGreaterThanOrEqual(29_000);
    expect(sound(service)).toEqual([]);
  });
});

describe('a worker whose clock is five minutes wrong', () => {
  const wrongClock = (ms: number) => ({
    env: {
      NODE_OPTIONS: `--import=${inProject('tests', 'servers', 'wrong-clock.js')}`,
      SLUICE_TEST_CLOCK_MS: String(ms),
    },
  });
  const replaceBy = async (ms: number) => {
    await worker.kill();
    worker = await world.startWorker(wrongClock(ms));
  };
  const started = (service: string) =>
    rollouts.until(service, 'valid time at 25%', ({ weights, bake }) => {
      return weights.acceptedBp === 2500 && (bake?.validMs ?? 0) >= 2_000;
    });

  it('neither shortens a bake that it takes over, nor makes the next worker wait for its time to come', async () => {
    await rollouts.start({ service: 'ahead', steps: ladder('12s..10m') });
    await rollouts.start({ service: 'behind', steps: ladder('40s..10m') });
    await Promise.all([started('ahead'), started('behind')]);
    await replaceBy(300_000);
    expect((await rollouts.ended('ahead')).outcome).toBe('completed');
    expect(between('ahead', 2500, 10_000)).toBeGreaterThanOrEqual(11_000);
    await replaceBy(-300_000);
    expect((await rollouts.ended('behind')).outcome).toBe('completed');
    expect(between('behind', 2500, 10_000)).toBeGreaterThanOrEqual(39_000);
    for (const service of ['ahead', 'behind']) {
      expect(world.weightsSeenByProxy(service)).toEqual(ladderBp);
      expect(sound(service)).toEqual([]);
    }
  });
});

it('leaves histories that replay', async () => {
  expect(await historiesThatDoNotReplay(rollouts)).toEqual([]);
});
