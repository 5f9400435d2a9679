import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import type { Worker } from '../../testbed/world/commands.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { zeroConfirmedAt } from './at-proxy.ts';
import { historiesThatDoNotReplay } from './replays.ts';
import { Rollouts } from './rollouts.ts';

const sound = ['one', 'two', 'three', 'four', 'five'];
const bad = ['bad-early', 'bad-late'];
const stopped = 'stopped';
const names = [stopped, 'bad-early', 'one', 'two', 'bad-late', 'three', 'four', 'five'];

const weights = ['1%', '5%', '25%', '100%'];
const stepsBp = [100, 500, 2500, 10_000];
const steps = weights.map((weight) => ({ weight, bake: '3s..10m' }));

const folder = temporaryFolder('kill');
let world: World;
let rollouts: Rollouts;
let worker: Worker;
const kills: number[] = [];

beforeAll(async () => {
  const bads = bad.map((name) => ({ name, releases: { v2: name === 'bad-early' ? { errorRate: 1 } : {} } }));
  const services = names.map((name) => bads.find((one) => one.name === name) ?? name);
  world = await startWorld({ folder, services });
  rollouts = await Rollouts.of(world);
  worker = await world.startWorker();
  for (const name of names) world.load(name, { ratePerSecond: bad.includes(name) ? 50 : 10, maxSeconds: 600 });
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

const patches = () => world.admin.entries().filter(({ method, status }) => method === 'PATCH' && status === 200);

/** Dies after Caddy has done what it was asked and before it is told so; the next worker cannot know. */
async function killInTheMiddleOfAWrite(): Promise<void> {
  // Until one is accepted: a write that lost a race is answered 412 and would use up a single delay.
  const clear = world.admin.fault({ method: 'PATCH', fault: { kind: 'delay', ms: 4_000, where: 'answer' } });
  const before = patches().length;
  const isHeld = () =>
    patches()
      .slice(before)
      .some(({ fault }) => fault === 'delay');
  await waitFor(isHeld, { for: 'a write whose answer is held back', withinMs: 60_000 });
  clear();
  await worker.kill();
  kills.push(Date.now());
  worker = await world.startWorker();
}

async function startAll(): Promise<void> {
  for (const [index, name] of names.entries()) {
    await rollouts.start({ service: name, steps, judged: bad.includes(name) });
    if ([3, 5, 7].includes(index)) await killInTheMiddleOfAWrite();
  }
}

/** Two of the rollouts are disturbed at 5 %, as soon as the proxy was told so. */
async function disturb(): Promise<void> {
  const has = (name: string, bp: number) => world.weightsSeenByProxy(name).includes(bp);
  await waitFor(() => has(stopped, 500), { for: `${stopped} at 5 %`, withinMs: 150_000 });
  await rollouts.abort(stopped, 'enough seen');
  await waitFor(() => has('bad-late', 500), { for: 'bad-late at 5 %', withinMs: 200_000 });
  await world.setFaults('bad-late', 'v2', { errorRate: 1 });
}

describe('eight staggered rollouts whose worker is killed three times', () => {
  it('end as they should, and each proxy was told only what the plan and the order of going back allow', async () => {
    await Promise.all([startAll(), disturb()]);
    const ends = await Promise.all(names.map(async (name) => [name, await rollouts.ended(name)] as const));

    expect(kills).toHaveLength(3);
    const outcomes = Object.fromEntries(ends.map(([name, { outcome }]) => [name, outcome]));
    const expected = names.map((name) => [name, sound.includes(name) ? 'completed' : 'rolled-back']);
    expect(outcomes).toEqual(Object.fromEntries(expected));
    const reasons = Object.fromEntries(ends.map(([name, { reason }]) => [name, reason]));
    expect(reasons[stopped]).toBe('aborted by olga: enough seen');
    for (const name of bad) expect(reasons[name]).toMatch(/^criterion errors failed: /);

    const found = names.map((name) => [name, violations(world.proxyWrites(name), { stepsBp, ended: true })]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(names.map((name) => [name, []])));
    for (const name of sound) expect(world.weightsSeenByProxy(name)).toEqual(stepsBp);
    for (const name of [...bad, stopped]) {
      expect(world.weightsSeenByProxy(name).at(-1)).toBe(0);
      expect(world.canaryRequestsSince(name, zeroConfirmedAt(world, name))).toBe(0);
    }
    expect(await historiesThatDoNotReplay(rollouts)).toEqual([]);
  }, 420_000);
});
