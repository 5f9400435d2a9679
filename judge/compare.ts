/** Weighs one sample of a `compare` criterion: the canary's value against the same query for stable. */

import type { CompareCriterion } from '../plan/plan.ts';
import type { Sample } from './verdict.ts';
import { holds } from './comparison.ts';
import { finiteValue, type Weighed } from './limit.ts';
import { baselineCompared } from './sentences.ts';

/**
 * The bad condition is canary `op` factor × max(baseline, floor). A missing baseline, or one of zero without a floor, is
 * `inconclusive`: there is nothing to hold the value against. Never throws.
 */
export function weighCompare(criterion: CompareCriterion, sample: Sample, baseline: number | null): Weighed {
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
  const threshold = criterion.breach.factor * Math.max(baseline, criterion.floor);
  if (!Number.isFinite(threshold)) return unusable(`the baseline from ${criterion.against} is out of range`);
  if (threshold <= 0)
    return unusable(`the baseline from ${criterion.against} is ${String(baseline)} and there is no floor`);
  const breached = holds(criterion.breach.op, value, threshold);
  const compared = baselineCompared(criterion, value, baseline, breached);
  return { kind: 'usable', value, baseline, breached, compared };
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
