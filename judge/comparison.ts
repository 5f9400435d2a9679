/** Comparing numbers that come out of floating-point arithmetic: strict where the spec is strict, blind to dust. */

import type { Comparison } from '../plan/criteria.ts';

/** Two numbers closer than this, relative to the larger, are the same: `0.1 * 1.1` is `0.11`. */
const dust = 1e-9;

export function isSame(a: number, b: number): boolean {
  return a === b || Math.abs(a - b) <= dust * Math.max(Math.abs(a), Math.abs(b));
}

/** Whether `value op threshold`, with equal-but-for-dust counting as equal. Both must be finite. */
export function holds(op: Comparison, value: number, threshold: number): boolean {
  const same = isSame(value, threshold);
  switch (op) {
    case '>':
      return value > threshold && !same;
    case '>=':
      return value > threshold || same;
    case '<':
      return value < threshold && !same;
    case '<=':
      return value < threshold || same;
    case '==':
      return same;
    case '!=':
      return !same;
  }
}

/** The sign that is true of two numbers when `op` is not. */
export function opposite(op: Comparison): Comparison {
  const opposites = { '>': '<=', '>=': '<', '<': '>=', '<=': '>', '==': '!=', '!=': '==' } as const;
  return opposites[op];
}
