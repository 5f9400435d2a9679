/** Makes a broken life as short as it stays broken: acts, faults, habits and parts of the plan are taken away one at a time. */

import { isDeepStrictEqual } from 'node:util';
import { calmServer } from '../floor.ts';
import { calmWay } from '../network.ts';
import { live } from './life.ts';
import type { Ground, Life, Lived } from './life.ts';
import type { Mischief } from './mischief.ts';

/** The shortest life found and how it went; the same promise is broken in it. */
export async function shrink(life: Life, lived: Lived, ground: Ground): Promise<{ life: Life; lived: Lived }> {
  let best = { life, lived };
  for (let isShorter = true; isShorter;) {
    isShorter = false;
    for (const candidate of shorter(best.life)) {
      const again = await live(candidate, ground);
      if (promiseOf(again) !== promiseOf(lived)) continue;
      best = { life: candidate, lived: again };
      isShorter = true;
      break;
    }
  }
  return best;
}

/** The invariant's name: the sentence behind it may change. */
export function promiseOf({ broken }: Lived): string | null {
  return broken === null ? null : (broken.split(':')[0] ?? broken);
}

/** Everything that is a little less than this life, what says most first. */
function* shorter(life: Life): Generator<Life> {
  const { acts, way, world } = life.mischief;
  const withLess = (change: Partial<Mischief>): Life => ({ ...life, mischief: { ...life.mischief, ...change } });
  for (const act of acts) yield withLess({ acts: acts.filter((other) => other !== act) });
  for (const fault of way.faults)
    yield withLess({ way: { ...way, faults: way.faults.filter((one) => one !== fault) } });
  if (way.slow.chance > 0) yield withLess({ way: { ...way, slow: calmWay.slow } });
  for (const event of world.proxy) {
    yield withLess({ world: { ...world, proxy: world.proxy.filter((other) => other !== event) } });
  }
  for (const [name, calm] of Object.entries(calmHabits)) {
    const key = name as keyof typeof calmHabits;
    if (!isDeepStrictEqual(life.mischief[key], calm)) yield withLess({ [key]: calm });
  }
  yield* withLessPlan(life);
}

const calmHabits = {
  manners: calmServer,
  approvers: {
    ...{ delayMs: 1_000, rejects: 0, soaks: 0, asleep: false },
    ...{ forges: 0, apartMs: 0, withdraws: 0, late: 0, hurried: 0 },
  },
  channel: 'none',
  blackout: false,
  lie: null,
  archive: null,
} satisfies Partial<Mischief>;

function* withLessPlan(life: Life): Generator<Life> {
  const { plan } = life;
  for (const gate of plan.gates) {
    yield { ...life, plan: { ...plan, gates: plan.gates.filter((other) => other !== gate) } };
  }
  for (const criterion of plan.criteria.slice(1)) {
    yield { ...life, plan: { ...plan, criteria: plan.criteria.filter((other) => other !== criterion) } };
  }
  if (plan.steps.some(({ smoke }) => smoke.length > 0)) {
    yield { ...life, plan: { ...plan, steps: plan.steps.map((step) => ({ ...step, smoke: [] })) } };
  }
}
