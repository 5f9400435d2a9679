/** A counter that grows evenly between moments: exact at every moment of its past, in integers. */

interface Stretch {
  readonly from: number;
  /** What had been counted then. */
  readonly base: bigint;
  /** Per millisecond. */
  readonly pace: bigint;
}

export interface Counter {
  /** From this moment on it grows by so much per millisecond, in parts of one; moments only go forward. */
  set(pace: bigint, at: number): void;
  /** Whole ones counted up to a moment, extras included; 0 before it began. */
  value(at: number): number;
  /** Parts counted up to a moment, without extras. */
  parts(at: number): bigint;
  /** One more at this very moment. */
  extra(at: number): void;
}

/** `partsOfOne`: how many parts make one. */
export function createCounter(partsOfOne: bigint): Counter {
  const stretches: Stretch[] = [];
  const extras: number[] = [];
  const partsAt = (at: number): bigint => {
    const stretch = lastUpTo(stretches, at);
    return stretch === undefined ? 0n : stretch.base + stretch.pace * BigInt(at - stretch.from);
  };
  return {
    set(pace, at) {
      const last = stretches.at(-1);
      if (last?.pace === pace) return;
      const base = partsAt(at);
      stretches.push({ from: at, base, pace });
    },
    parts: partsAt,
    value: (at) => Number(partsAt(at) / partsOfOne) + countUpTo(extras, at),
    extra: (at) => void extras.push(at),
  };
}

/** Most questions are about the newest. */
function lastUpTo(stretches: readonly Stretch[], at: number): Stretch | undefined {
  for (let index = stretches.length - 1; index >= 0; index -= 1) {
    const stretch = stretches[index];
    if (stretch !== undefined && stretch.from <= at) return stretch;
  }
  return undefined;
}

function countUpTo(moments: readonly number[], at: number): number {
  let count = moments.length;
  while (count > 0 && (moments[count - 1] ?? 0) > at) count -= 1;
  return count;
}
