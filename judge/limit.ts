/** Weighs one sample of a `limit` criterion: the query's value against a fixed threshold. */

import type { LimitCriterion } from '../plan/criteria.ts';
import type { Sample } from './verdict.ts';
import { holds } from './comparison.ts';
import { limitCompared } from './sentences.ts';
import type { Weighed } from './weighed.ts';

/** Never throws; a number that is not finite is no data. `latched`: it was breached and has not become clear since. */
export function weighLimit(criterion: LimitCriterion, sample: Sample, latched = false): Weighed {
  const value = finiteValue(sample);
  if (typeof value !== 'number') return { kind: 'unusable', verdict: 'no-data', value: null, baseline: null, ...value };
  const { breach, clear } = criterion;
  const isBad = holds(breach.op, value, breach.value);
  const isUnclear = !isBad && latched && clear !== undefined && !holds(clear.op, value, clear.value);
  const compared = limitCompared(value, isUnclear ? clear : breach, isBad);
  return {
    kind: 'usable',
    value,
    baseline: null,
    breached: isBad || isUnclear,
    compared: isUnclear ? `${compared}, so not clear again` : compared,
    detail: '',
  };
}

/** The sample's number, or why there is none. */
export function finiteValue(sample: Sample): number | { readonly reason: string } {
  switch (sample.kind) {
    case 'no-data':
      return { reason: sample.reason };
    case 'alerts':
      return { reason: 'alerts came instead of a number' };
    case 'value':
      return Number.isFinite(sample.value) ? sample.value : { reason: `the value is ${String(sample.value)}` };
  }
}
