/** Criteria of the spec to those of the plan: parts get what the whole has, matchers the label of the tracks. */

import type { SpecPart } from '../spec/criteria.ts';
import type { Spec } from '../spec/rollout.ts';
import type { AlertMatcher, Criterion, CriterionPart, OnlyIf } from './criteria.ts';

type SpecCriterion = Spec['criteria'][number];
type InlinePart = Exclude<SpecPart, { readonly ref: string }>;
/** What a part has from the criterion that it is part of. */
type Inherited = Pick<SpecCriterion, 'do' | 'severity' | 'when'>;

export function compileCriteria({ criteria, metrics }: Spec): readonly Criterion[] {
  const trackLabel = metrics?.tracks.label ?? 'release';
  return criteria.map((criterion) => compileCriterion(criterion, criterion, trackLabel));
}

function compileCriterion(criterion: InlinePart, inherited: Inherited, trackLabel: string): Criterion {
  const common = {
    id: criterion.id,
    do: inherited.do,
    severity: inherited.severity,
    when: inherited.when,
    forMs: criterion.for,
    warmUpMs: criterion.warmUp,
    minSamples: 'minSamples' in criterion ? criterion.minSamples : 0,
    ...onlyIfOf(criterion),
  };
  switch (criterion.kind) {
    case 'limit': {
      const { kind, query, breach, clear } = criterion;
      return { ...common, kind, query, breach, ...(clear !== undefined && { clear }) };
    }
    case 'compare': {
      const { kind, query, against, breach, clear, floor } = criterion;
      return { ...common, kind, query, against, breach, ...(clear !== undefined && { clear }), floor };
    }
    case 'alert': {
      const track: AlertMatcher = { label: trackLabel, op: '=', value: '{{release}}' };
      const matchers = criterion.matchers.map((matcher) => (matcher === 'track' ? track : matcher));
      return { ...common, kind: criterion.kind, matchers };
    }
    case 'all-of':
    case 'any-of': {
      const parts = criterion.criteria.map((part) => partOf(part, inherited, trackLabel));
      return { ...common, kind: criterion.kind, parts };
    }
  }
}

function partOf(part: SpecPart, inherited: Inherited, trackLabel: string): CriterionPart {
  if ('ref' in part) return { kind: 'ref', criterion: part.ref, phase: part.phase };
  return { kind: 'criterion', criterion: compileCriterion(part, inherited, trackLabel) };
}

/** Absent where the spec says nothing, so that plans of older specs keep their digests. */
function onlyIfOf(criterion: InlinePart): { readonly onlyIf?: OnlyIf } {
  const { onlyIf } = criterion;
  if (onlyIf === undefined) return {};
  const { calendar } = onlyIf;
  const above = 'previousAbove' in onlyIf ? onlyIf.previousAbove : undefined;
  const windows = calendar?.windows.map(({ days, from, to }) => ({ days, fromMs: from, toMs: to })) ?? [];
  return {
    onlyIf: {
      ...(calendar !== undefined && { calendar: { timezone: calendar.timezone, windows } }),
      ...(above !== undefined && { previousAbove: above }),
    },
  };
}
