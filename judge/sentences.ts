/** How the judge says what it found: one short sentence with the numbers, the same words everywhere. */

import { matcherText } from '../plan/alerts.ts';
import type { CompareCondition, CompareCriterion, Comparison, Criterion, LimitCondition } from '../plan/criteria.ts';
import { formatDuration, formatElapsed, formatNumber, type Unit } from '../plan/units.ts';
import { isSame, opposite } from './comparison.ts';

/** Value and threshold with the digits it takes to tell them apart, so that nobody reads `0.5% > 0.5%`. */
export function formatPair(value: number, threshold: number, unit: Unit): readonly [string, string] {
  for (let digits = 3; digits < 12; digits += 1) {
    const pair = [formatNumber(value, unit, digits), formatNumber(threshold, unit, digits)] as const;
    if (pair[0] !== pair[1] || isSame(value, threshold)) return pair;
  }
  return [String(value), String(threshold)];
}

const signs = { '>': '>', '>=': '≥', '<': '<', '<=': '≤', '==': '=', '!=': '≠' } as const;

/** The bad condition in words: `> 0.5%`, `> 0.5% until < 0.3%`, `> 1.5x stable, at least 0.001`, `fires {severity="critical"}`. */
export function limitInWords(criterion: Criterion): string {
  switch (criterion.kind) {
    case 'limit': {
      const { breach, clear } = criterion;
      return `${limitText(breach)}${clear === undefined ? '' : ` until ${limitText(clear)}`}`;
    }
    case 'compare': {
      const { breach, clear, against, floor } = criterion;
      const factor = ({ op, factor: times }: CompareCondition) => `${op} ${formatNumber(times, null, 12)}x`;
      const until = clear === undefined ? '' : ` until ${factor(clear)}`;
      return `${factor(breach)} ${against}${until}${floor > 0 ? `, at least ${formatNumber(floor, null, 12)}` : ''}`;
    }
    case 'alert':
      return `fires {${criterion.matchers.map(matcherText).join(',')}}`;
    case 'all-of':
    case 'any-of': {
      const names = criterion.parts.map((part) => (part.kind === 'ref' ? part.criterion : part.criterion.id));
      return `${criterion.kind === 'all-of' ? 'all of' : 'any of'} ${names.join(', ')}`;
    }
  }
}

function limitText({ op, value, unit }: LimitCondition): string {
  return `${op} ${formatNumber(value, unit ?? null, 12)}`;
}

/** `canary 0.6% > 0.5%` where the condition holds, `canary 0.1% ≤ 0.5%` where it does not. */
export function limitCompared(value: number, condition: LimitCondition, isTrue: boolean): string {
  const [left, right] = formatPair(value, condition.value, condition.unit ?? null);
  return `canary ${left} ${signOf(condition.op, isTrue)} ${right}`;
}

/** `canary 0.801 > 2 × stable 0.4`, or `2 × floor 0.05` where the floor is the larger. */
export function baselineCompared(
  { against, floor }: CompareCriterion,
  value: number,
  baseline: number,
  condition: CompareCondition,
  isTrue: boolean,
): string {
  const used = Math.max(baseline, floor);
  const [left] = formatPair(value, condition.factor * used, null);
  const factor = formatNumber(condition.factor, null, 6);
  const right = `${baseline < floor ? 'floor' : against} ${formatNumber(used, null)}`;
  return `canary ${left} ${signOf(condition.op, isTrue)} ${factor} × ${right}`;
}

function signOf(op: Comparison, isTrue: boolean): string {
  return signs[isTrue ? op : opposite(op)];
}

export function sayFail(compared: string, breachedMs: number, forMs: number): string {
  return forMs === 0 ? compared : `${compared} ${lasting(breachedMs, forMs)}`;
}

export function sayBreached(compared: string, breachedMs: number, forMs: number): string {
  return `${compared} ${lasting(breachedMs, forMs)}, not long enough to fail`;
}

export function sayNoData(reason: string): string {
  return `no data: ${reason}`;
}

export function sayWarmingUp(compared: string, leftMs: number): string {
  return `${compared}, ignored for another ${formatElapsed(leftMs)} after the change of weight`;
}

export function sayTooFew(compared: string, requests: number | null, needed: number): string {
  const seen =
    requests === null ? 'the number of its requests is unknown' : `only ${formatNumber(requests, null, 12)} requests`;
  return `${compared}, but ${seen}, ${String(needed)} needed`;
}

export function sayOutOfHours(calendar: string): string {
  return `counts only ${calendar}`;
}

export function sayNeverAbove(compared: string, above: number): string {
  return `${compared}, which counts only after it was above ${formatNumber(above, null, 12)}`;
}

/** Findings travel in every heartbeat. */
export function clipped(text: string, longest = 240): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}

function lasting(breachedMs: number, forMs: number): string {
  return `for ${formatElapsed(breachedMs)} of ${formatDuration(forMs)}`;
}
