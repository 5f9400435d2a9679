/** Criteria taken apart: what a composite is put together from. */

import type { Criterion, LeafCriterion } from './plan.ts';

/** Every criterion that asks the metrics system something, those inside of composites too, in the order of the spec. */
export function leavesOf(criteria: readonly Criterion[]): readonly LeafCriterion[] {
  return criteria.flatMap((criterion): readonly LeafCriterion[] => {
    switch (criterion.kind) {
      case 'limit':
      case 'compare':
      case 'alert':
        return [criterion];
      case 'all-of':
      case 'any-of':
        return leavesOf(criterion.parts.flatMap((part) => (part.kind === 'criterion' ? [part.criterion] : [])));
    }
  });
}
