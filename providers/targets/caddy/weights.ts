/** Shares in basis points to Caddy's integer weights, and back. */

import type { BySlot } from './connection.ts';

/**
 * Weights with their greatest common divisor taken out: Caddy deals them in runs, so `[9900, 100]` would send a hundred
 * requests in a row to the canary where `[99, 1]` sends one.
 */
export function reduce(shares: BySlot<number>): BySlot<number> {
  const divisor = gcd(shares.a, shares.b);
  return { a: shares.a / divisor, b: shares.b / divisor };
}

/** Length of one cycle of the balancer for a share, in requests. */
export function cycleOf(bp: number): number {
  return 10_000 / gcd(bp, 10_000 - bp);
}

/** Basis points of each weight, 10,000 in all: largest remainders are rounded up. All 0 when the weights are. */
export function toBasisPoints(weights: readonly number[]): readonly number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total <= 0) return weights.map(() => 0);
  const exact = weights.map((weight) => (weight * 10_000) / total);
  const floors = exact.map(Math.floor);
  const missing = 10_000 - floors.reduce((sum, bp) => sum + bp, 0);
  const byRemainder = exact
    .map((value, index) => ({ index, remainder: value - Math.floor(value) }))
    .sort((left, right) => right.remainder - left.remainder)
    .slice(0, missing);
  return floors.map((bp, index) => bp + (byRemainder.some((item) => item.index === index) ? 1 : 0));
}

function gcd(left: number, right: number): number {
  return right === 0 ? left : gcd(right, left % right);
}
