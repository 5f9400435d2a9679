/** Makes a broken life as short as it stays broken: acts and faults are taken away one at a time. */

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
    for (const mischief of shorter(best.life.mischief)) {
      const candidate = { ...life, mischief };
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
function promiseOf({ broken }: Lived): string | null {
  return broken === null ? null : (broken.split(':')[0] ?? broken);
}

function* shorter(mischief: Mischief): Generator<Mischief> {
  const { acts, way, manners, world } = mischief;
  for (const act of acts) yield { ...mischief, acts: acts.filter((other) => other !== act) };
  for (const fault of way.faults) {
    yield { ...mischief, way: { ...way, faults: way.faults.filter((other) => other !== fault) } };
  }
  if (way.slow.chance > 0) yield { ...mischief, way: { ...way, slow: calmWay.slow } };
  if (JSON.stringify(manners) !== JSON.stringify(calmServer)) yield { ...mischief, manners: calmServer };
  for (const event of world.proxy) {
    yield { ...mischief, world: { ...world, proxy: world.proxy.filter((other) => other !== event) } };
  }
}
