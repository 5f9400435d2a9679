import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { type Connection, type ControlWorld, startControlWorld } from './control-world.ts';
import { patienceMs, Rollouts } from './rollouts.ts';
import type { Shape } from './short-spec.ts';

const ways: readonly Connection[] = ['plain', 'noted', 'conditional'];
const services = [
  ...ways.map((way) => `good-${way}`),
  ...ways.map((way) => ({ name: `bad-${way}`, releases: { v2: { errorRate: 0.5 } } })),
  ...ways.map((way) => `late-${way}`),
  ...ways.map((way) => `zero-${way}`),
  'drift-below',
  'drift-above',
  'faulty',
  'foreign',
];

let world: World;
let control: ControlWorld;
let rollouts: Rollouts;
let workerFile: string;
const folder = temporaryFolder('http-target');

beforeAll(async () => {
  world = await startWorld({ folder, services });
  rollouts = await Rollouts.of(world);
  control = await startControlWorld(world, folder);
  workerFile = (await world.startWorker({ connections: control.connections })).configFile;
  for (const { name } of world.services) world.load(name, { ratePerSecond: 10, maxSeconds: 900 });
}, 300_000);

afterAll(async () => {
  await rollouts.session.close();
  await control.stop();
  await world.stop();
});

const quarter = (bake: string) => [
  { weight: '25%', bake },
  { weight: '100%', bake: '2s..10m' },
];

function shape(service: string, connection: Connection, bake: string, more: Partial<Shape> = {}): Shape {
  const target = { kind: 'http', connection, route: service, drain: '1s' };
  const smoke = { suites: {} };
  return { service, steps: quarter(bake), ...more, parts: { target, smoke } };
}

/** Users of stable were served, and none by the other any more. */
async function nobodyMeets(service: string, since: number): Promise<void> {
  const served = () => world.canaryRequestsSince(service, since, 'v1') >= 30;
  await waitFor(served, { for: `users of ${service} after zero`, withinMs: patienceMs });
  expect(world.canaryRequestsSince(service, since)).toBe(0);
}

describe.concurrent.each(ways)('a %s API', (way) => {
  it('a good release gets its steps, serves everybody, and the old one is gone', async () => {
    const service = `good-${way}`;
    await rollouts.start(shape(service, way, '5s..10m'));
    const { outcome, reason, warnings } = await rollouts.ended(service);
    expect([outcome, reason]).toEqual(['completed', null]);
    expect(control.percents(service).filter((percent, at, all) => percent !== all[at - 1] && percent > 0)).toEqual([
      25, 100,
    ]);
    const states = Object.values(await world.service(service).slotStates()).map(
      ({ release }) => release?.label ?? null,
    );
    expect(states.toSorted()).toEqual(['v2', null].toSorted());
    expect(world.canaryRequestsSince(service, 0)).toBeGreaterThan(20);
    expect(warnings.some((warning) => warning.includes('cannot refuse a late write'))).toBe(way !== 'conditional');
    expect(warnings.some((warning) => warning.includes('stores no claim'))).toBe(way === 'plain');
  });

  it('a bad release goes back by itself, and no user meets it any more', async () => {
    const service = `bad-${way}`;
    await rollouts.start(shape(service, way, '60s..10m', { judged: true }));
    const { outcome, reason } = await rollouts.ended(service);
    expect(outcome).toBe('rolled-back');
    expect(reason).toMatch(/errors/);
    expect(control.percents(service).at(-1)).toBe(0);
    expect(Math.max(...control.percents(service))).toBe(25);
    await nobodyMeets(service, Date.now());
  });

  it('an abort while a raise hangs ends at zero, and stays there whenever the raise arrives', async () => {
    const service = `late-${way}`;
    const digest = world.digest(service, 'v2');
    const path = new RegExp(`/pools/${service}/weights`);
    const hold = control.recorder.hold({ method: 'PUT', path, body: new RegExp(`"${digest}":100`), where: 'request' });
    await rollouts.start(shape(service, way, '3s..10m'));
    await waitFor(() => hold.count() > 0, { for: 'the raise to hang', withinMs: patienceMs });
    await rollouts.abort(service, 'the raise hangs');
    await waitFor(() => control.percents(service).at(-1) === 0, { for: 'zero', withinMs: patienceMs });
    const zeroAt = Date.now();
    await waitFor(() => Date.now() - zeroAt >= 4_000, { for: 'half of what is waited out', withinMs: 5_000 });
    hold.release(); // the raise arrives after zero, when a fenced target is long done
    const raised = () => control.percents(service).includes(100);
    if (way !== 'conditional')
      await waitFor(raised, { for: 'the late raise to have its effect', withinMs: patienceMs });

    const { outcome, receipts } = await rollouts.ended(service);
    const end = Date.now();
    expect(outcome).toBe('rolled-back');
    expect(raised()).toBe(way !== 'conditional');
    expect(control.percents(service).at(-1)).toBe(0);
    expect(await control.percentNow(service)).toBe(0);
    await nobodyMeets(service, end);
    const [receipt] = receipts;
    expect(receipt).toMatchObject({ message: 'abort', state: 'confirmed' });
    expect(receipt?.detail.includes('asserted again after 8s')).toBe(way !== 'conditional');
  });

  it('sluice zero takes it to stable without Temporal, and says what the rollout does then', async () => {
    const service = `zero-${way}`;
    await rollouts.start(shape(service, way, '5m..10m'));
    await rollouts.baking(service, 2500);
    const plain = ['zero', `${way}/${service}`, '--config', workerFile];
    if (way === 'plain') {
      const refused = await rollouts.sluiceProcess(plain);
      expect(refused.stderr).toMatch(
        /carries no claim.*--stable DIGEST --release DIGEST; there is v1 .*75%.*v2 .*25%/s,
      );
    }
    const [v1, v2] = ['v1', 'v2'].map((label) => world.digest(service, label).slice(0, 19)) as [string, string];
    const done = await rollouts.sluiceProcess(way === 'plain' ? [...plain, '--stable', v1, '--release', v2] : plain);
    expect([done.code, done.stderr]).toEqual([
      0,
      way === 'conditional' ? '' : (expect.stringContaining('asserted again in 8s') as string),
    ]);
    expect(done.stdout).toContain('v1 has all traffic, read back; v2 had 25%');
    expect(await control.percentNow(service)).toBe(0);
    if (way === 'plain') {
      expect(done.stdout).toContain('holds and asks');
      await rollouts.held(service, /somebody set 0% where 25% was planned/);
      await rollouts.abort(service, 'as zero said');
    }
    expect((await rollouts.ended(service)).outcome).toBe('rolled-back');
    await nobodyMeets(service, Date.now());
  });
});

describe.concurrent('an API that stores no claim', () => {
  it('below plan by hand: holds, and resume applies the planned weight again', async () => {
    const service = 'drift-below';
    await rollouts.start(shape(service, 'plain', '30s..10m'));
    await rollouts.baking(service, 2500);
    await control.setByHand(service, 10);
    await rollouts.held(service, /somebody set 10% where 25% was planned/);
    expect(await rollouts.resume(service)).toMatchObject({ state: 'confirmed' });
    expect(await control.percentNow(service)).toBe(25);
    expect((await rollouts.ended(service)).outcome).toBe('completed');
  });

  it('above plan by hand: put back once, the second time it goes back', async () => {
    const service = 'drift-above';
    await rollouts.start(shape(service, 'plain', '5m..10m'));
    await rollouts.baking(service, 2500);
    await control.setByHand(service, 60);
    await waitFor(() => control.percents(service).at(-1) === 25, { for: 'the planned weight', withinMs: patienceMs });
    await control.setByHand(service, 60);
    expect(await rollouts.ended(service)).toMatchObject({
      outcome: 'rolled-back',
      reason: expect.stringContaining('second time') as string,
    });
    expect(control.percents(service)).toEqual([25, 60, 25, 60, ...control.percents(service).slice(4)]);
    expect(
      control
        .percents(service)
        .slice(4)
        .every((percent) => percent === 0),
    ).toBe(true);
  });

  it('an API that fails, hangs and lies for a while delays a rollout and changes nothing about it', async () => {
    const service = 'faulty';
    const weights = new RegExp(`/pools/${service}/weights`);
    const anything = new RegExp(`/pools/${service}$`);
    const put = { method: 'PUT', path: weights };
    control.recorder.fault({ ...put, times: 2, fault: { kind: 'refuse', status: 503 } });
    control.recorder.fault({ ...put, times: 1, fault: { kind: 'refuse', status: 204 } }); // 204 without effect
    control.recorder.fault({ ...put, times: 1, fault: { kind: 'drop', where: 'answer' } });
    control.recorder.fault({ ...put, times: 1, fault: { kind: 'delay', ms: 7_000, where: 'answer' } });
    await rollouts.start(shape(service, 'plain', '12s..10m'));
    await rollouts.baking(service, 2500);
    control.recorder.fault({
      method: 'GET',
      path: anything,
      times: 3,
      fault: { kind: 'refuse', status: 200, body: '<html>' },
    });
    const { outcome, reason } = await rollouts.ended(service);
    expect([outcome, reason]).toEqual(['completed', null]);
    expect(control.percents(service).every((percent, at, all) => percent >= (all[at - 1] ?? 0))).toBe(true);
  });
});

describe.concurrent('an API that stores claims', () => {
  it('a pool that another service holds is refused, naming it', async () => {
    const service = 'foreign';
    await rollouts.start(shape(service, 'noted', '5m..10m'));
    await rollouts.baking(service, 2500);
    const other = { ...shape('intruder', 'noted', '5m..10m'), parts: shape(service, 'noted', '5m').parts ?? {} };
    const line = rollouts.startLine(other, { label: 'v3' });
    const refused = await rollouts.sluice([...line, '--wait']);
    expect(`${refused.stdout}${refused.stderr}`).toContain('held by rollout/demo/foreign, which is running');
    expect((await rollouts.order(service, 'abort')).state).toBe('confirmed');
    expect((await rollouts.ended(service)).outcome).toBe('rolled-back');
  });
});
