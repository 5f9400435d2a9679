/** Criteria, polls and whole series of polls for the judge's tests. */

import type {
  AlertCriterion,
  CompareCriterion,
  CompositeCriterion,
  Criterion,
  CriterionPart,
  LimitCriterion,
} from '../../plan/criteria.ts';
import { judge, type Judged } from '../../judge/judge.ts';
import type { AlertSample, Finding, JudgeMemory, NumberSample, Poll, Sample } from '../../judge/verdict.ts';

export const minute = 60_000;

const shared = {
  id: 'errors',
  do: 'rollback',
  severity: 'P0',
  when: 'canary',
  forMs: 0,
  warmUpMs: 0,
  minSamples: 0,
} as const;
const common = { ...shared, query: 'q' } as const;

export function limit(over: Partial<LimitCriterion> = {}): LimitCriterion {
  return { ...common, kind: 'limit', breach: { op: '>', value: 0.005, unit: '%' }, ...over };
}

export function compare(over: Partial<CompareCriterion> = {}): CompareCriterion {
  return {
    ...common,
    id: 'latency',
    kind: 'compare',
    against: 'stable',
    breach: { op: '>', factor: 2 },
    floor: 0,
    ...over,
  };
}

export function pollAt(at: number, samples: Poll['samples'], over: Partial<Poll> = {}): Poll {
  const base = {
    at,
    everyMs: 30_000,
    stage: 'canary',
    sinceShiftMs: at,
    canaryRequests: 1_000,
    stableServes: true,
  } as const;
  return { ...base, samples, ...over };
}

export const value = (number: number, baseline: number | null = null): NumberSample => ({
  kind: 'value',
  value: number,
  baseline,
});
export const nothing: NumberSample & AlertSample = { kind: 'no-data', reason: 'the result is empty' };

/** Judges one criterion over a series, one poll every 30 s from 0 on; gives the finding of every poll. */
export function series(criterion: Criterion, samples: readonly Sample[], over: Partial<Poll> = {}): Finding[] {
  let memory: JudgeMemory = {};
  return samples.map((sample, index) => {
    const judged: Judged = judge([criterion], pollAt(index * 30_000, { [criterion.id]: sample }, over), memory);
    memory = structuredClone(judged.memory);
    return only(judged.findings);
  });
}

export function only<Thing>(things: readonly Thing[]): Thing {
  const [first, ...rest] = things;
  if (first === undefined || rest.length > 0) throw new Error(`expected one, got ${String(things.length)}`);
  return first;
}

/** The same sample for a while, polled every 30 s, both ends included. */
export function lasting(ms: number, sample: Sample): Sample[] {
  return Array.from({ length: ms / 30_000 + 1 }, () => sample);
}

export function alert(over: Partial<AlertCriterion> = {}): AlertCriterion {
  return {
    ...shared,
    id: 'red',
    kind: 'alert',
    matchers: [{ label: 'severity', op: '=', value: 'critical' }],
    ...over,
  };
}

export const firing = (...names: string[]): AlertSample => ({ kind: 'alerts', firing: names.length, names, rules: 2 });

export function composite(
  kind: CompositeCriterion['kind'],
  parts: readonly (Criterion | Extract<CriterionPart, { kind: 'ref' }>)[],
  over: Partial<CompositeCriterion> = {},
): CompositeCriterion {
  const given = parts.map((part): CriterionPart =>
    part.kind === 'ref' ? part : { kind: 'criterion', criterion: part },
  );
  return { ...shared, id: 'whole', kind, parts: given, ...over };
}
