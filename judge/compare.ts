/** Weighs one sample of a `compare` criterion: the canary's value against the same query for stable. */

import type { CompareCriterion } from '../plan/criteria.ts';
import type { Sample } from './verdict.ts';
import { holds } from './comparison.ts';
import { finiteValue } from './limit.ts';
import { baselineCompared } from './sentences.ts';
import type { Weighed } from './weighed.ts';

/**
 * The bad condition is canary `op` factor × max(baseline, floor). A missing baseline, or one of zero without a floor, is
 * `inconclusive`: there is nothing to hold the value against. Never throws. `latched`: it was breached and has not become
 * clear since.
 */
export function weighCompare(
  criterion: CompareCriterion,
  sample: Sample,
  baseline: number | null,
  latched = false,
): Weighed {
  const value = finiteValue(sample);
  if (typeof value !== 'number') return { kind: 'unusable', verdict: 'no-data', value: null, baseline, ...value };
  const unusable = (reason: string): Weighed => ({
    kind: 'unusable',
    verdict: 'inconclusive',
    value,
    baseline,
    reason,
  });
  if (baseline === null) return unusable(`no baseline from ${criterion.against}`);
  const { breach, clear } = criterion;
  const used = Math.max(baseline, criterion.floor);
  const threshold = breach.factor * used;
  if (!Number.isFinite(threshold)) return unusable(`the baseline from ${criterion.against} is out of range`);
  if (threshold <= 0)
    return unusable(`the baseline from ${criterion.against} is ${String(baseline)} and there is no floor`);
  const isBad = holds(breach.op, value, threshold);
  const isUnclear = !isBad && latched && clear !== undefined && !holds(clear.op, value, clear.factor * used);
  const compared = baselineCompared(criterion, value, baseline, isUnclear ? clear : breach, isBad);
  return {
    kind: 'usable',
    value,
    baseline,
    breached: isBad || isUnclear,
    compared: isUnclear ? `${compared}, so not clear again` : compared,
    detail: '',
  };
}

/** The baseline to use: stable's own while it serves, afterwards the last good one. */
export function baselineOf(sample: Sample, stableServes: boolean, remembered: number | null): number | null {
  return stableServes ? freshBaseline(sample) : remembered;
}

/** A baseline worth remembering. */
export function freshBaseline(sample: Sample): number | null {
  return sample.kind === 'value' && sample.baseline !== null && Number.isFinite(sample.baseline)
    ? sample.baseline
    : null;
}
