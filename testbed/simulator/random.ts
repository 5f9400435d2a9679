/** Seeded randomness in named streams: a draw added in one place does not shift the others. */

import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export interface Draw {
  /** Integer in `min..max`, both included. */
  between(min: number, max: number): number;
  /** True with this probability, 0..1, in steps of a millionth. */
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
}

export type Random = (stream: string) => Draw;

export function createRandom(seed: number): Random {
  const streams = new Map<string, Draw>();
  return (name) => {
    const known = streams.get(name);
    if (known !== undefined) return known;
    const stream = createDraw(mix(seed, name));
    streams.set(name, stream);
    return stream;
  };
}

function createDraw(seed: number): Draw {
  const generator = xoroshiro128plus(seed);
  const between = (min: number, max: number): number => uniformInt(generator, min, max);
  return {
    between,
    chance: (probability) => between(0, 999_999) < probability * 1_000_000,
    pick: <T>(items: readonly T[]): T => {
      if (items.length === 0) throw new Error('nothing to pick from');
      return items[between(0, items.length - 1)] as T;
    },
  };
}

/** FNV-1a over seed and name. */
function mix(seed: number, name: string): number {
  let hash = 0x811c9dc5 | 0;
  for (const letter of `${String(seed)}/${name}`) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  return hash;
}
