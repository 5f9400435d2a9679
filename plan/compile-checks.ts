/** Criteria of the spec to those of the plan. */

import type { Spec } from '../spec/rollout.ts';
import type { Criterion } from './plan.ts';

type SpecCriterion = Spec['criteria'][number];

export function compileCriterion(criterion: SpecCriterion): Criterion {
  const { id, query, severity, when, minSamples } = criterion;
  const common = {
    id,
    query,
    do: criterion.do,
    severity,
    when,
    forMs: criterion.for,
    warmUpMs: criterion.warmUp,
    minSamples,
  };
  switch (criterion.kind) {
    case 'limit':
      return { ...common, kind: 'limit', breach: criterion.breach };
    case 'compare':
      return {
        ...common,
        kind: 'compare',
        against: criterion.against,
        breach: criterion.breach,
        floor: criterion.floor,
      };
  }
}
