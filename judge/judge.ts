/** One poll in, one finding per armed criterion out; all state between polls is the small memory it returns. */

import type { Criterion } from '../plan/plan.ts';
import type { CriterionMemory, Finding, JudgeMemory, Poll, Sample, Verdict } from './verdict.ts';
import { baselineOf, freshBaseline, weighCompare } from './compare.ts';
import { weighLimit, type Weighed } from './limit.ts';
import * as say from './sentences.ts';
import { blankMemory, interrupt, sustain } from './sustain.ts';

export interface Judged {
  readonly findings: readonly Finding[];
  readonly memory: JudgeMemory;
}

/** Pure; never throws, whatever the numbers. Criteria that are not armed in this stage give no finding and keep their memory. */
export function judge(criteria: readonly Criterion[], poll: Poll, memory: JudgeMemory): Judged {
  const remembered = new Map(Object.entries(memory));
  const samples = new Map(Object.entries(poll.samples));
  const findings = criteria
    .filter((criterion) => isArmed(criterion, poll.stage))
    .map((criterion) => {
      const sample = samples.get(criterion.id) ?? { kind: 'no-data', reason: 'not asked' };
      const one = judgeOne(criterion, poll, sample, remembered.get(criterion.id) ?? blankMemory);
      remembered.set(criterion.id, one.memory);
      return one.finding;
    });
  return { findings, memory: Object.fromEntries(remembered) };
}

/** Whether a criterion is looked at in this stage. */
export function isArmed(criterion: Criterion, stage: Poll['stage']): boolean {
  return criterion.when === 'always' || criterion.when === stage;
}

interface Said {
  readonly verdict: Verdict;
  readonly sentence: string;
  readonly memory: CriterionMemory;
}

function judgeOne(criterion: Criterion, poll: Poll, sample: Sample, before: CriterionMemory) {
  const weighed = weigh(criterion, poll, sample, before);
  const fresh = criterion.kind === 'compare' && poll.stableServes ? freshBaseline(sample) : null;
  const memory = fresh === null ? before : { ...before, baseline: fresh };
  const said = pronounce(criterion, poll, weighed, memory);
  const finding: Finding = {
    criterion: criterion.id,
    verdict: said.verdict,
    breached: weighed.kind === 'usable' && weighed.breached,
    breachedMs: said.memory.breachedMs,
    value: shortened(weighed.value),
    baseline: shortened(weighed.baseline),
    limit: say.limitInWords(criterion),
    at: poll.at,
    do: criterion.do,
    severity: criterion.severity,
    sentence: said.sentence,
  };
  return { finding, memory: said.memory };
}

function weigh(criterion: Criterion, poll: Poll, sample: Sample, memory: CriterionMemory): Weighed {
  switch (criterion.kind) {
    case 'limit':
      return weighLimit(criterion, sample);
    case 'compare':
      return weighCompare(criterion, sample, baselineOf(sample, poll.stableServes, memory.baseline));
  }
}

/** Missing data first, then what is too early or too little to count, then the number and how long it has been bad. */
function pronounce(criterion: Criterion, poll: Poll, weighed: Weighed, before: CriterionMemory): Said {
  if (weighed.kind === 'unusable') {
    const sentence = weighed.verdict === 'no-data' ? say.sayNoData(weighed.reason) : weighed.reason;
    return { verdict: weighed.verdict, sentence, memory: interrupt(before) };
  }
  const { breached, compared } = weighed;
  const undecided = (sentence: string): Said => ({ verdict: 'inconclusive', sentence, memory: interrupt(before) });
  const warmUpLeft = criterion.warmUpMs - poll.sinceShiftMs;
  if (warmUpLeft > 0) return undecided(say.sayWarmingUp(compared, warmUpLeft));
  if (!hasEnough(poll.canaryRequests, criterion.minSamples)) {
    return undecided(say.sayTooFew(compared, poll.canaryRequests, criterion.minSamples));
  }
  const memory = sustain(before, poll.at, poll.everyMs, breached);
  if (!breached) return { verdict: 'pass', sentence: say.sayPass(compared), memory };
  const { breachedMs } = memory;
  if (breachedMs >= criterion.forMs) {
    return { verdict: 'fail', sentence: say.sayFail(compared, breachedMs, criterion.forMs), memory };
  }
  return { verdict: 'inconclusive', sentence: say.sayBreached(compared, breachedMs, criterion.forMs), memory };
}

function hasEnough(requests: number | null, needed: number): boolean {
  return needed === 0 || (requests !== null && requests >= needed);
}

/** Six significant digits: the findings travel in heartbeats, and nobody reads the rest. */
function shortened(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(6));
}
