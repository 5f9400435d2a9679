import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { canaryRequestsAfterZero, pidIn, splitNow, writing } from './at-proxy.ts';
import { Rollouts } from './rollouts.ts';

const services = ['raise', 'zero', 'storm', 'cut', 'dying', 'slow', 'liar', 'refused'];

let world: World;
let rollouts: Rollouts;

beforeAll(async () => {
  world = await startWorld({ folder: temporaryFolder('proxy-faults'), services });
  rollouts = await Rollouts.of(world);
  await world.startWorker();
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

/** Entries of the admin API that met a fault and whose body is this. */
const disturbed = (body: RegExp | undefined) =>
  world.admin.entries().filter(({ fault, requestBody }) => fault !== null && body?.test(requestBody) === true);

async function expectCompleted(service: string): Promise<void> {
  expect(await rollouts.ended(service)).toMatchObject({ outcome: 'completed', reason: null });
  expect(world.weightsSeenByProxy(service)).toEqual(stepsBp);
  expect(violations(world.proxyWrites(service), { stepsBp, ended: true })).toEqual([]);
  expect((await splitNow(world, service)).canaryBp).toBe(10_000);
}

async function expectBack(service: string): Promise<void> {
  expect((await rollouts.ended(service)).outcome).toBe('rolled-back');
  expect(violations(world.proxyWrites(service), { stepsBp, ended: true })).toEqual([]);
  expect((await splitNow(world, service)).bySlot).toEqual({ a: 10_000, b: 0 });
  expect(await canaryRequestsAfterZero(world, service)).toBe(0);
}

describe.concurrent('a proxy that does not do as it says', () => {
  it('200 without effect to a raise: the weight does not count before it is read back, and the rollout goes on', async () => {
    const service = 'raise';
    const lie = { ...writing(service, /"index":0[,}]/), times: 2 };
    world.admin.fault({ ...lie, fault: { kind: 'refuse', status: 200 } });
    await rollouts.start({ service, steps: quarter('2s..10m') });
    await expectCompleted(service);
    expect(disturbed(lie.body)).toHaveLength(2);
  });

  it('200 without effect to zero: it goes on until zero is really there', async () => {
    const service = 'zero';
    const lie = { ...writing(service, /"kind":"back"/), times: 2 };
    await rollouts.start({ service, steps: quarter('10m..1h') });
    await rollouts.baking(service, 2500);
    world.admin.fault({ ...lie, fault: { kind: 'refuse', status: 200 } });
    await rollouts.abort(service, 'enough seen');
    await expectBack(service);
    expect(disturbed(lie.body)).toHaveLength(2);
  });

  it('a storm of 412 while a weight is set: it is set once the storm is over', async () => {
    const service = 'storm';
    const storm = { ...writing(service, /"index":0[,}]/), times: 6 };
    world.admin.fault({ ...storm, fault: { kind: 'refuse', status: 412 } });
    await rollouts.start({ service, steps: quarter('2s..10m') });
    await expectCompleted(service);
    expect(disturbed(storm.body)).toHaveLength(6);
  });

  it('admin connections reset at each write, before and after it was applied: every weight is set all the same', async () => {
    const service = 'cut';
    for (const index of stepsBp.keys()) {
      const cut = { ...writing(service, new RegExp(`"index":${String(index)}[,}]`)), times: 1 };
      world.admin.fault({ ...cut, fault: { kind: 'drop', where: 'request' } });
      world.admin.fault({ ...cut, fault: { kind: 'drop', where: 'answer' } });
    }
    await rollouts.start({ service, steps: quarter('2s..10m') });
    await expectCompleted(service);
    expect(disturbed(writing(service, /"kind":"step"/).body).length).toBeGreaterThanOrEqual(4);
  });

  it('an admin API that is slow all the time: every weight is set once, and nobody is asked', async () => {
    const service = 'slow';
    const slow = { kind: 'delay', ms: 700, where: 'answer' } as const;
    world.admin.fault({ ...writing(service, /./), fault: slow });
    world.admin.fault({ method: 'GET', path: /^\/id\/sluice-slow$/, fault: slow });
    await rollouts.start({ service, steps: quarter('2s..10m') });
    await expectCompleted(service);
    for (const bp of stepsBp) {
      const writes = world.proxyWrites(service).filter(({ canaryBp, claim }) => {
        return canaryBp === bp && claim?.stage.kind === 'step';
      });
      expect(writes).toHaveLength(1);
    }
    expect((await rollouts.timeline(service)).filter(({ code }) => code === 'held')).toEqual([]);
  });

  it.each([
    ['liar', 200],
    ['refused', 412],
  ])(
    '%s: zero is not said to be there as long as every write of it is answered %i without effect',
    async (service, status) => {
      await rollouts.start({ service, steps: quarter('10m..1h') });
      await rollouts.baking(service, 2500);
      const zero = writing(service, /"kind":"back"/);
      const mend = world.admin.fault({ ...zero, fault: { kind: 'refuse', status } });
      await rollouts.abort(service, 'enough seen');
      const tries = () => disturbed(zero.body).length;
      await waitFor(() => tries() >= 12, { for: 'more tries than one attempt has', withinMs: 90_000 });
      expect(await rollouts.status(service)).toMatchObject({
        outcome: null,
        phase: 'rolling-back',
        receipts: [{ message: 'abort', state: 'seen' }],
      });
      expect((await splitNow(world, service)).canaryBp).toBe(2500);
      mend();
      await expectBack(service);
      expect((await rollouts.status(service)).receipts).toMatchObject([{ message: 'abort', state: 'confirmed' }]);
    },
  );

  it('stable dies while zero hangs: it is started again, and the rollout ends with everybody on it', async () => {
    const service = 'dying';
    await rollouts.start({ service, steps: quarter('10m..1h') });
    await rollouts.baking(service, 2500);
    const hanging = world.admin.hold({ ...writing(service, /"kind":"back"/), where: 'request' });
    await rollouts.abort(service, 'enough seen');
    await waitFor(() => hanging.count() > 0, { for: 'a zero that hangs', withinMs: 60_000 });
    const old = await pidIn(world, service, 'a');
    process.kill(old, 'SIGKILL');
    hanging.release();
    await expectBack(service);
    expect(await pidIn(world, service, 'a')).not.toBe(old);
  });
});
