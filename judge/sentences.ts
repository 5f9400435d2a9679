/** How the judge says what it found: one short sentence with the numbers, the same words everywhere. */

import type { Comparison, CompareCriterion, Criterion, LimitCriterion } from '../plan/plan.ts';
import { formatDuration, formatElapsed } from '../plan/units.ts';
import { isSame, opposite } from './comparison.ts';

/** What a number counts; `null` for plain numbers. */
export type Unit = '%' | 'ms' | 's' | null;

const scale = { '%': 100, ms: 1_000, s: 1 } as const;

/** A number for people, with as many significant digits as asked for: `0.6%`, `801ms`, `0.0123`. */
export function formatNumber(value: number, unit: Unit, digits = 3): string {
  const scaled = unit === null ? value : value * scale[unit];
  return `${String(Number(scaled.toPrecision(digits)))}${unit ?? ''}`;
}

/** Value and threshold with the digits it takes to tell them apart, so that nobody reads `0.5% > 0.5%`. */
export function formatPair(value: number, threshold: number, unit: Unit): readonly [string, string] {
  for (let digits = 3; digits < 12; digits += 1) {
    const pair = [formatNumber(value, unit, digits), formatNumber(threshold, unit, digits)] as const;
    if (pair[0] !== pair[1] || isSame(value, threshold)) return pair;
  }
  return [String(value), String(threshold)];
}

const signs = { '>': '>', '>=': '≥', '<': '<', '<=': '≤', '==': '=', '!=': '≠' } as const;

/** The bad condition in words: `> 0.5%`, `> 2x stable`, `> 1.5x stable, at least 0.001`. */
export function limitInWords(criterion: Criterion): string {
  const { op } = criterion.breach;
  if (criterion.kind === 'limit') {
    return `${op} ${formatNumber(criterion.breach.value, criterion.breach.unit ?? null, 12)}`;
  }
  const floor = criterion.floor > 0 ? `, at least ${formatNumber(criterion.floor, null, 12)}` : '';
  return `${op} ${formatNumber(criterion.breach.factor, null, 12)}x ${criterion.against}${floor}`;
}

/** `0.6% > 0.5%` when breached, `0.1% ≤ 0.5%` when not. */
export function limitCompared(criterion: LimitCriterion, value: number, breached: boolean): string {
  const [left, right] = formatPair(value, criterion.breach.value, criterion.breach.unit ?? null);
  return `${left} ${signOf(criterion.breach.op, breached)} ${right}`;
}

/** `0.801 > 2 × stable 0.4`, or `2 × floor 0.05` where the floor is the larger. */
export function baselineCompared(
  criterion: CompareCriterion,
  value: number,
  baseline: number,
  breached: boolean,
): string {
  const floored = baseline < criterion.floor;
  const used = Math.max(baseline, criterion.floor);
  const [left] = formatPair(value, criterion.breach.factor * used, null);
  const factor = formatNumber(criterion.breach.factor, null, 6);
  const right = floored ? `floor ${formatNumber(used, null)}` : `${criterion.against} ${formatNumber(used, null)}`;
  return `${left} ${signOf(criterion.breach.op, breached)} ${factor} × ${right}`;
}

function signOf(op: Comparison, breached: boolean): string {
  return signs[breached ? op : opposite(op)];
}

export function sayPass(compared: string): string {
  return `canary ${compared}`;
}

export function sayFail(compared: string, breachedMs: number, forMs: number): string {
  return forMs === 0 ? `canary ${compared}` : `canary ${compared} ${lasting(breachedMs, forMs)}`;
}

export function sayBreached(compared: string, breachedMs: number, forMs: number): string {
  return `canary ${compared} ${lasting(breachedMs, forMs)}, not long enough to fail`;
}

export function sayNoData(reason: string): string {
  return `no data: ${reason}`;
}

export function sayWarmingUp(compared: string, leftMs: number): string {
  return `canary ${compared}, ignored for another ${formatElapsed(leftMs)} after the change of weight`;
}

export function sayTooFew(compared: string, requests: number | null, needed: number): string {
  const seen =
    requests === null ? 'the number of its requests is unknown' : `only ${formatNumber(requests, null, 12)} requests`;
  return `canary ${compared}, but ${seen}, ${String(needed)} needed`;
}

function lasting(breachedMs: number, forMs: number): string {
  return `for ${formatElapsed(breachedMs)} of ${formatDuration(forMs)}`;
}
