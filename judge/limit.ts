/** Weighs one sample of a `limit` criterion: the query's value against a fixed threshold. */

import type { LimitCriterion } from '../plan/plan.ts';
import type { Sample } from './verdict.ts';
import { holds } from './comparison.ts';
import { limitCompared } from './sentences.ts';

/** What a sample is worth before time, warm-up and minimum samples are looked at. */
export type Weighed =
  | {
      readonly kind: 'usable';
      readonly value: number;
      readonly baseline: number | null;
      readonly breached: boolean;
      /** `0.6% > 0.5%` */
      readonly compared: string;
    }
  | {
      readonly kind: 'unusable';
      /** `no-data`: the canary's number is not there. `inconclusive`: it is, but there is nothing to hold it against. */
      readonly verdict: 'no-data' | 'inconclusive';
      readonly value: number | null;
      readonly baseline: number | null;
      readonly reason: string;
    };

/** Never throws; a number that is not finite is no data. */
export function weighLimit(criterion: LimitCriterion, sample: Sample): Weighed {
  const value = finiteValue(sample);
  if (typeof value !== 'number') return { kind: 'unusable', verdict: 'no-data', value: null, baseline: null, ...value };
  const breached = holds(criterion.breach.op, value, criterion.breach.value);
  return { kind: 'usable', value, baseline: null, breached, compared: limitCompared(criterion, value, breached) };
}

/** The sample's number, or why there is none. */
export function finiteValue(sample: Sample): number | { readonly reason: string } {
  if (sample.kind === 'no-data') return { reason: sample.reason };
  return Number.isFinite(sample.value) ? sample.value : { reason: `the value is ${String(sample.value)}` };
}
