/** One poll in, one finding per armed criterion out; all state between polls is the small memory it returns. */

import type { Criterion, CriterionPart } from '../plan/criteria.ts';
import type { CriterionMemory, Finding, JudgeMemory, Poll, Sample, Verdict } from './verdict.ts';
import { weighAlert } from './alert.ts';
import { calendarInWords, isWithin } from './calendar.ts';
import { baselineOf, freshBaseline, weighCompare } from './compare.ts';
import { weighComposite, type PartFound, type PartState } from './composite.ts';
import { weighLimit } from './limit.ts';
import * as say from './sentences.ts';
import { blankMemory, interrupt, rest, sustain } from './sustain.ts';
import type { Weighed } from './weighed.ts';

export interface Judged {
  readonly findings: readonly Finding[];
  readonly memory: JudgeMemory;
}

/** One poll being judged. */
interface Bench {
  readonly poll: Poll;
  readonly samples: ReadonlyMap<string, Sample>;
  readonly memory: Map<string, CriterionMemory>;
  /** What was found so far, for those that refer to it. */
  readonly found: Map<string, Finding>;
}

/** Pure; never throws, whatever the numbers. Criteria that are not armed in this stage give no finding and keep their memory. */
export function judge(criteria: readonly Criterion[], poll: Poll, memory: JudgeMemory): Judged {
  const bench: Bench = {
    poll,
    samples: new Map(Object.entries(poll.samples)),
    memory: new Map(Object.entries(memory)),
    found: new Map(),
  };
  const findings = criteria
    .filter((criterion) => isArmed(criterion, poll.stage))
    .map((criterion) => judgeOne(bench, criterion));
  return { findings, memory: Object.fromEntries(bench.memory) };
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

function judgeOne(bench: Bench, criterion: Criterion): Finding {
  const { poll } = bench;
  const before = bench.memory.get(criterion.id) ?? blankMemory;
  const weighed = idleByCalendar(criterion, poll) ?? weigh(bench, criterion, before);
  const known = remembering(bench, criterion, weighed, before);
  const counted = idleByPast(criterion, weighed, known) ?? weighed;
  const said = pronounce(criterion, poll, counted, known);
  const finding: Finding = {
    criterion: criterion.id,
    verdict: said.verdict,
    breached: counted.kind === 'usable' && counted.breached,
    breachedMs: said.memory.breachedMs,
    ...(counted.kind === 'idle' && { idle: true }),
    value: shortened(counted.value),
    baseline: shortened(counted.baseline),
    limit: say.limitInWords(criterion),
    at: poll.at,
    do: criterion.do,
    severity: criterion.severity,
    sentence: said.sentence,
  };
  bench.memory.set(criterion.id, said.memory);
  bench.found.set(criterion.id, finding);
  return finding;
}

function sampleOf({ samples }: Bench, { id }: Criterion): Sample {
  return samples.get(id) ?? { kind: 'no-data', reason: 'not asked' };
}

function weigh(bench: Bench, criterion: Criterion, memory: CriterionMemory): Weighed {
  const { stableServes } = bench.poll;
  switch (criterion.kind) {
    case 'limit':
      return weighLimit(criterion, sampleOf(bench, criterion), memory.latched);
    case 'compare': {
      const sample = sampleOf(bench, criterion);
      return weighCompare(criterion, sample, baselineOf(sample, stableServes, memory.baseline), memory.latched);
    }
    case 'alert':
      return weighAlert(sampleOf(bench, criterion));
    case 'all-of':
    case 'any-of':
      return weighComposite(
        criterion,
        criterion.parts.map((part) => foundOf(bench, part)),
      );
  }
}

/** A part that nobody judged is undecided. */
function foundOf(bench: Bench, part: CriterionPart): PartFound {
  const id = part.kind === 'ref' ? part.criterion : part.criterion.id;
  const finding = part.kind === 'ref' ? bench.found.get(id) : judgeOne(bench, part.criterion);
  if (finding === undefined) return { id, state: 'undecided', sentence: 'not judged in this stage' };
  const isEnough = part.kind === 'ref' && part.phase === 'breached' && bench.memory.get(id)?.lastBreached === true;
  return { id, state: isEnough ? 'bad' : stateOf(finding), sentence: finding.sentence };
}

function stateOf({ verdict, idle }: Finding): PartState {
  if (idle === true) return 'idle';
  const states = { pass: 'good', fail: 'bad', 'no-data': 'no-data', inconclusive: 'undecided' } as const;
  return states[verdict];
}

// ── What does not count ──────────────────────────────────────────────────────────────────────────────────────────────

function idleByCalendar({ onlyIf }: Criterion, { at }: Poll): Weighed | null {
  if (onlyIf?.calendar === undefined) return null;
  const common = { value: null, baseline: null } as const;
  switch (isWithin(onlyIf.calendar, at)) {
    case true:
      return null;
    case false:
      return { kind: 'idle', ...common, reason: say.sayOutOfHours(calendarInWords(onlyIf.calendar)) };
    case null: {
      const reason = `the time zone ${onlyIf.calendar.timezone} is not known here`;
      return { kind: 'unusable', verdict: 'inconclusive', ...common, reason };
    }
  }
}

/** A value that was never good before did not become bad. */
function idleByPast({ onlyIf }: Criterion, weighed: Weighed, { seenAbove }: CriterionMemory): Weighed | null {
  const above = onlyIf?.previousAbove;
  if (above === undefined || weighed.kind !== 'usable' || !weighed.breached || seenAbove === true) return null;
  const { value, baseline, compared } = weighed;
  return { kind: 'idle', value, baseline, reason: say.sayNeverAbove(compared, above) };
}

/** The memory with what this sample adds to it, whatever is made of it. */
function remembering(bench: Bench, criterion: Criterion, weighed: Weighed, before: CriterionMemory): CriterionMemory {
  const fresh =
    criterion.kind === 'compare' && bench.poll.stableServes ? freshBaseline(sampleOf(bench, criterion)) : null;
  const above = criterion.onlyIf?.previousAbove;
  const isAbove = above !== undefined && weighed.kind === 'usable' && weighed.value > above;
  return { ...before, ...(fresh !== null && { baseline: fresh }), ...(isAbove && { seenAbove: true }) };
}

// ── Verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Missing data first, then what is too early or too little to count, then the number and how long it has been bad. */
function pronounce(criterion: Criterion, poll: Poll, weighed: Weighed, before: CriterionMemory): Said {
  if (weighed.kind === 'idle') return { verdict: 'inconclusive', sentence: weighed.reason, memory: rest(before) };
  if (weighed.kind === 'unusable') {
    const sentence = weighed.verdict === 'no-data' ? say.sayNoData(weighed.reason) : weighed.reason;
    return { verdict: weighed.verdict, sentence, memory: interrupt(before) };
  }
  const { breached, compared, detail } = weighed;
  const saying = (verdict: Verdict, sentence: string, memory: CriterionMemory): Said => ({
    verdict,
    sentence: `${sentence}${detail}`,
    memory,
  });
  const warmUpLeft = criterion.warmUpMs - poll.sinceShiftMs;
  if (warmUpLeft > 0) return saying('inconclusive', say.sayWarmingUp(compared, warmUpLeft), interrupt(before));
  if (!hasEnough(poll.canaryRequests, criterion.minSamples)) {
    const sentence = say.sayTooFew(compared, poll.canaryRequests, criterion.minSamples);
    return saying('inconclusive', sentence, interrupt(before));
  }
  const memory = latching(criterion, sustain(before, poll.at, poll.everyMs, breached), breached);
  if (!breached) return saying('pass', compared, memory);
  const { breachedMs } = memory;
  if (breachedMs < criterion.forMs) {
    return saying('inconclusive', say.sayBreached(compared, breachedMs, criterion.forMs), memory);
  }
  return saying('fail', say.sayFail(compared, breachedMs, criterion.forMs), memory);
}

function latching(criterion: Criterion, memory: CriterionMemory, breached: boolean): CriterionMemory {
  const hasClear = (criterion.kind === 'limit' || criterion.kind === 'compare') && criterion.clear !== undefined;
  return hasClear ? { ...memory, latched: breached } : memory;
}

function hasEnough(requests: number | null, needed: number): boolean {
  return needed === 0 || (requests !== null && requests >= needed);
}

/** Six significant digits: the findings travel in heartbeats, and nobody reads the rest. */
function shortened(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(6));
}
