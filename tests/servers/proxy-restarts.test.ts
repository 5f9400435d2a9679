import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Hold } from '../../testbed/recording/faults.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { splitNow, writing } from './at-proxy.ts';
import { Rollouts } from './rollouts.ts';
import type { Shape } from './short-spec.ts';

const stepsBp = [2_500, 10_000];
const wide = [{ id: 'wide', at: 'before-step', steps: ['100%'], require: [{ anyOf: ['sre'] }], expires: '1h' }];
const ladder = (bake: string) => [
  { weight: '25%', bake },
  { weight: '100%', bake: '1s..10m' },
];

/** How a rollout is brought into a phase, and kept there until it is let go. */
type Way = (service: string, isLong: boolean) => Promise<Hold | null>;

const start = (service: string, shape: Partial<Shape> = {}) =>
  rollouts.start({ service, steps: ladder('1s..10m'), ...shape });

async function until(hold: Hold, service: string): Promise<Hold> {
  await waitFor(() => hold.count() > 0, { for: `${service} to be held up`, withinMs: 90_000 });
  return hold;
}

const phases: Readonly<Record<string, Way>> = {
  deploying: async (service) => {
    const hold = world.service(service).recorder.hold({ method: 'PUT', where: 'request' });
    await start(service);
    return until(hold, service);
  },
  shifting: async (service) => {
    const hold = world.admin.hold({ ...writing(service, /"index":0[,}]/), where: 'request' });
    await start(service);
    return until(hold, service);
  },
  baking: async (service, isLong) => {
    await start(service, { steps: ladder(isLong ? '10m..1h' : '20s..10m') });
    await rollouts.baking(service, 2_500);
    return null;
  },
  gate: async (service) => {
    await start(service, { gates: wide });
    await rollouts.gate(service, 'wide@100%');
    return null;
  },
  promoting: async (service) => {
    const hold = world.admin.hold({ ...writing(service, /"kind":"promoted"/), where: 'request' });
    await start(service);
    return until(hold, service);
  },
  watching: async (service, isLong) => {
    await start(service, { watch: isLong ? '1h' : '15s' });
    await rollouts.until(service, 'the watch', ({ phase }) => phase === 'watching');
    return null;
  },
  returning: async (service) => {
    const hold = world.service(service).recorder.hold({ method: 'DELETE', where: 'request' });
    await start(service, { steps: ladder('10m..1h') });
    await rollouts.baking(service, 2_500);
    await rollouts.abort(service, 'enough seen');
    return until(hold, service);
  },
};
const names = Object.keys(phases);
const kept = (phase: string) => `${phase}-kept`;
const lost = (phase: string) => `${phase}-lost`;

let world: World;
let rollouts: Rollouts;

beforeAll(async () => {
  const services = [...names.map(kept), ...names.map(lost), 'swapped'];
  world = await startWorld({ folder: temporaryFolder('proxy-restarts'), services });
  rollouts = await Rollouts.of(world);
  await world.startWorker();
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

/** Every rollout is in its phase; the returned function lets them go on. */
async function reach(nameOf: (phase: string) => string, isLong: boolean): Promise<() => void> {
  const holds = await Promise.all(Object.entries(phases).map(([phase, way]) => way(nameOf(phase), isLong)));
  return () => {
    for (const hold of holds) hold?.release();
  };
}

async function expectSound(service: string): Promise<void> {
  expect(violations(world.proxyWrites(service), { stepsBp, ended: true })).toEqual([]);
}

describe('Caddy, killed and started again', () => {
  it('with its last state: every rollout goes on from the phase in which it was, and nobody is asked anything', async () => {
    const goOn = await reach(kept, false);
    await world.caddy.kill();
    await world.caddy.restart({ resume: true });
    goOn();
    await rollouts.answer(kept('gate'), 'wide@100%', 'ana');
    for (const phase of names) {
      const service = kept(phase);
      const end = await rollouts.ended(service);
      const isBack = phase === 'returning';
      expect([service, end.outcome]).toEqual([service, isBack ? 'rolled-back' : 'completed']);
      expect(world.weightsSeenByProxy(service)).toEqual(isBack ? [2_500, 0] : stepsBp);
      expect((await rollouts.timeline(service)).filter(({ code }) => code === 'held')).toEqual([]);
      await expectSound(service);
    }
  });

  it('without it: it is noticed in every phase, nothing rises any more, and abort ends on stable', async () => {
    for (const phase of names) world.load(lost(phase), { ratePerSecond: 5, maxSeconds: 240 });
    const swapped = async () => {
      await start('swapped');
      expect((await rollouts.ended('swapped')).outcome).toBe('completed');
      await rollouts.start({ service: 'swapped', steps: ladder('10m..1h') }, { label: 'v3' });
      await rollouts.baking('swapped', 2_500);
    };
    const [goOn] = await Promise.all([reach(lost, true), swapped()]);
    const writes = (phase: string) => world.proxyWrites(lost(phase));
    const before = new Map(names.map((phase) => [phase, writes(phase).length]));
    await world.caddy.kill();
    await world.caddy.restart({ resume: false });
    const restartedAt = Date.now();
    goOn();

    const forgetful = names.filter((phase) => phase !== 'returning');
    await Promise.all(
      forgetful.map(async (phase) => {
        const { held } = await rollouts.held(
          lost(phase),
          /nothing may rise|the target has forgotten this rollout and has 0%/i,
        );
        if (!/forgotten.* (25|100)% was planned/.test(held?.reason ?? '')) return;
        expect(await rollouts.resume(lost(phase))).toMatchObject({ state: 'ignored' });
      }),
    );
    // Its file leads to the slot in which the release under test is now.
    const { claim } = await waitFor(() => world.proxyWrites('swapped').find(({ at }) => at > restartedAt) ?? null, {
      for: 'the planned weight of a release that got everything',
      withinMs: 60_000,
    });
    expect(claim).toMatchObject({ canary: { label: 'v3' }, stage: { kind: 'step', index: 0 } });
    expect((await splitNow(world, 'swapped')).bySlot).toEqual({ a: 2_500, b: 7_500 });
    await rollouts.abort('swapped', 'Caddy forgot it');
    expect((await rollouts.ended('swapped')).outcome).toBe('rolled-back');
    expect((await splitNow(world, 'swapped')).bySlot).toEqual({ a: 0, b: 10_000 });

    for (const phase of forgetful) await rollouts.abort(lost(phase), 'Caddy forgot it');
    for (const phase of names) {
      const service = lost(phase);
      const end = await rollouts.ended(service);
      expect([service, end.outcome]).toEqual([service, 'rolled-back']);
      const after = writes(phase).slice(before.get(phase));
      expect(after.filter(({ canaryBp }) => canaryBp !== 0)).toEqual([]);
      expect((await splitNow(world, service)).bySlot).toEqual({ a: 10_000, b: 0 });
      expect(world.canaryRequestsSince(service, restartedAt)).toBe(0);
      expect(world.canaryRequestsSince(service, restartedAt, 'v1')).toBeGreaterThan(0);
      await expectSound(service);
    }
  });
});
