import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openGround } from '../../../testbed/simulator/explore/ground.ts';
import { drawLife, live, type Ground, type Life } from '../../../testbed/simulator/explore/life.ts';
import type { Act, Mischief } from '../../../testbed/simulator/explore/mischief.ts';
import { promiseOf, shrink } from '../../../testbed/simulator/explore/shrink.ts';
import { storyOf } from '../../../testbed/simulator/explore/story.ts';
import { calmServer } from '../../../testbed/simulator/floor.ts';
import { calmWay } from '../../../testbed/simulator/network.ts';
import type { Plan } from '../../../plan/plan.ts';
import { watchForStillness, withoutGuard } from '../../../testbed/simulator/still.ts';
import { plainWorld } from '../../../testbed/simulator/worlds/script.ts';
import { steady } from '../../../testbed/simulator/worlds/timeline.ts';
import { buildWorkflowBundle } from '../../../worker/bundle.ts';

/** Too rare to be drawn again by chance. */
const once = join(import.meta.dirname, 'lives');

let ground: Ground;
beforeAll(async () => {
  ground = await openGround(await buildWorkflowBundle(), watchForStillness());
});
afterAll(() => ground.stillness.end());

const good = { stable: steady('good' as const), canary: steady('good' as const) };
const peace: Mischief = {
  acts: [],
  way: calmWay,
  manners: calmServer,
  fromMs: 0,
  untilMs: 60_000,
  world: { ...plainWorld, criteria: { errors: good, latency: good } },
  approvers: {
    delayMs: 1_000,
    rejects: 0,
    soaks: 0,
    asleep: false,
    forges: 0,
    apartMs: 0,
    withdraws: 0,
    late: 0,
    hurried: 0,
  },
  channel: 'none',
  blackout: false,
  lie: null,
  archive: null,
};

function peaceful(seed: number, mischief: Partial<Mischief> = {}): Life {
  return { ...drawLife(seed), mischief: { ...peace, ...mischief } };
}

describe('a simulated rollout', { timeout: 180_000 }, () => {
  it('completes when nothing goes wrong, whatever its plan looks like', async () => {
    for (let seed = 1; seed <= 12; seed += 1) {
      expect(await live(peaceful(seed), ground)).toMatchObject({ broken: null, outcome: 'completed' });
    }
  });

  it('goes back from a release with errors, at whatever weight they begin', async () => {
    for (const weightBp of [100, 500, 2_500, 10_000]) {
      const bad = {
        first: 'good',
        points: [{ when: { kind: 'from', weightBp, afterMs: 2_000 }, value: 'bad' }],
      } as const;
      const world = { ...peace.world, criteria: { errors: { ...good, canary: bad }, latency: good } };
      expect(await live(peaceful(weightBp, { world }), ground)).toMatchObject({ broken: null, outcome: 'rolled-back' });
    }
  });

  it('is the same again, event for event, when its seed is the same', async () => {
    const digests = new Set<string>();
    for (const seed of [3, 5, 8, 13, 21]) {
      const first = await live(drawLife(seed), ground);
      expect(await live(drawLife(seed), ground)).toEqual(first);
      digests.add(first.digest);
    }
    expect(digests.size).toBe(5);
  });

  it('is the same again when events that say they have woken nobody are believed', async () => {
    const way = { ...calmWay, faults: [{ what: 'reset-before' as const, chance: 0.1 }] };
    const { mischief, ...drawn } = drawLife(3);
    const life = {
      ...drawn,
      mischief: { ...mischief, acts: [], manners: calmServer, way, fromMs: 10_000, untilMs: 60_000 },
    };
    const thorough = await live(life, ground);
    expect(thorough).toMatchObject({ broken: null, outcome: 'completed' });
    const { digest } = await live(life, { ...ground, stillness: withoutGuard() });
    expect(digest).toBe(thorough.digest);
  });

  it('keeps every promise through faults, kills and whatever people send', async () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const { broken, trace } = await live(drawLife(seed), ground);
      expect({ seed, broken, trace: broken === null ? [] : trace }).toEqual({ seed, broken: null, trace: [] });
    }
  });

  it('goes back when Temporal cancels it, also while an edited plan is being asked about', async () => {
    const acts = [
      { at: 8_000, do: 'edit', by: 'ana', times: 0.5 },
      { at: 11_000, do: 'cancel' },
    ] as const;
    const approvers = { ...peace.approvers, asleep: true };
    for (let seed = 1; seed <= 8; seed += 1) {
      const lived = await live(peaceful(seed, { acts, approvers }), ground);
      expect({ seed, ...lived }).toMatchObject({
        broken: null,
        outcome: expect.stringMatching(/^(?:rolled-back|aborted)$/) as string,
      });
    }
  });

  it('goes back at once when the abort comes while it is about to go on in a new run', async () => {
    const gate = {
      id: 'wide',
      point: { kind: 'step', index: 1 },
      require: [{ kind: 'at-least', count: 1, role: 'sre' }],
    };
    const more = { expiresMs: 600_000, onExpiry: 'rollback', remindAt: [] };
    const { plan, ...rest } = peaceful(1, {
      untilMs: 200_000,
      manners: { ...calmServer, fullAt: 200 },
      approvers: { ...peace.approvers, asleep: true },
      channel: 'silent',
    });
    const life = { ...rest, plan: { ...plan, gates: [{ ...gate, ...more }] } } as Life;
    for (let wait = 0; wait <= 3_000; wait += 250) {
      const acts = [
        { at: 40_000, do: 'flood', count: 200 },
        { at: 40_100 + wait, do: 'signal', name: 'abort', input: { by: 'olga' } },
      ] as const;
      const { broken, outcome, trace } = await live({ ...life, mischief: { ...life.mischief, acts } }, ground);
      expect({ wait, broken, outcome }).toEqual({ wait, broken: null, outcome: 'rolled-back' });
      const zero = trace.find((line) => line.includes(' zero#')) ?? '';
      expect(Number(zero.split(' ')[0]) * 1_000 - acts[1].at).toBeLessThan(500);
    }
  });

  it.each(readdirSync(once))('keeps every promise in a life that once broke one: %s', async (file) => {
    const life = JSON.parse(readFileSync(join(once, file), 'utf8')) as Life;
    expect(await live(life, ground)).toMatchObject({ broken: null });
  });

  it('never raises by stepping back what somebody has set lower by hand', async () => {
    const { plan } = drawLife(1);
    const [first] = plan.steps;
    const step = {
      ...first,
      bakeMinMs: 20_000,
      bakeMaxMs: 60_000,
      hold: { forMs: 180_000, then: 'hold' },
    } as Plan['steps'][number];
    const steps = [100, 500, 10_000].map((weightBp) => ({ ...step, weightBp, smoke: [] }));
    const acts = [{ at: 45_000, do: 'signal', name: 'step-back', input: { by: 'a stranger', to: '1%' } }] as const;
    const proxy = [{ when: { kind: 'at' as const, ms: 30_000 }, do: 'weights' as const, canaryBp: 0 }];
    const life = { ...peaceful(1, { acts, world: { ...peace.world, proxy } }), plan: { ...plan, gates: [], steps } };
    const lived = await live(life, ground);
    expect(lived).toMatchObject({ broken: null, outcome: 'completed' });
    expect(lived.trace.filter((line) => line.includes('shift#'))).toHaveLength(4); // three steps, and 5 % again after resume
  });

  it('replays all of its past after every death of its worker', async () => {
    const kill = (at: number) => ({ at, do: 'kill', downMs: 500, skewMs: 0 }) as const;
    const acts = Array.from({ length: 25 }, (_, index) => kill(2_000 + index * 4_000));
    const lived = await live(peaceful(9, { acts, untilMs: 110_000 }), ground);
    expect(lived).toMatchObject({ broken: null, outcome: 'completed' });
    expect(lived.trace.filter((line) => line.endsWith('a worker starts')).length).toBeGreaterThan(20);
  });
});

describe('a question that comes to another worker before the task', { timeout: 180_000 }, () => {
  it('changes nothing: what the workflow did replays, however much happens at once', async () => {
    const signal = (at: number, name: string) =>
      ({ at, do: 'signal', name, input: { by: 'olga', reason: 'a look' } }) as const;
    for (let seed = 1; seed <= 3; seed += 1) {
      const acts = Array.from({ length: 40 }, (_, index) =>
        signal(1_000 + seed * 37 + index * 900, index % 2 === 0 ? 'pause' : 'resume'),
      );
      const manners = { ...calmServer, askedFirst: 0.4 };
      const lived = await live(peaceful(seed, { acts, manners }), ground);
      expect({ seed, broken: lived.broken }).toEqual({ seed, broken: null });
    }
  });
});

describe('a promise that is broken', { timeout: 300_000 }, () => {
  it('is noticed when the proxy takes writes that were made on old news, and told by the least that shows it', async () => {
    // About one life in two hundred shows it.
    for (let seed = 401; seed <= 1_200; seed += 1) {
      const life: Life = { ...drawLife(seed), sabotage: 'no-compare-and-set' };
      const lived = await live(life, ground);
      if (lived.broken === null) continue;
      expect(lived.broken).toMatch(/^I[1-5]:/);
      const idle = [1, 2, 3].map((hour): Act => ({ at: hour * 3_600_000, do: 'undecodable', name: 'abort2' }));
      const longer = { ...life, mischief: { ...life.mischief, acts: [...life.mischief.acts, ...idle] } };
      const shortest = await shrink(longer, lived, ground);
      expect(promiseOf(shortest.lived)).toBe(promiseOf(lived));
      const { acts } = shortest.life.mischief;
      expect(acts).not.toEqual(expect.arrayContaining([expect.objectContaining({ name: 'abort2' })]));
      for (const act of acts) {
        const less = { ...shortest.life.mischief, acts: acts.filter((other) => other !== act) };
        expect(promiseOf(await live({ ...shortest.life, mischief: less }, ground))).not.toBe(promiseOf(lived));
      }
      expect(storyOf(shortest)).toMatch(/^seed \d+: I[1-5]: [^]*"acts": [^]*activity shift[^]*--show \d+$/);
      return;
    }
    expect.unreachable('800 lives without compare-and-set kept every promise');
  });
});
