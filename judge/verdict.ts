/** The words of the judge: samples in, findings out, and the small state between two polls. */

import type { Consequence, Severity } from '../plan/criteria.ts';

/** Good, bad, missing and not-enough are four different things. */
export type Verdict = 'pass' | 'fail' | 'no-data' | 'inconclusive';

/** Empty vector, NaN, ±Inf, several series, stale sample, unreachable source: never good, never bad. */
interface NoData {
  readonly kind: 'no-data';
  readonly reason: string;
}

/** What a query said. */
export type NumberSample =
  { readonly kind: 'value'; readonly value: number; readonly baseline: number | null } | NoData;

/** How many alerts fire, some of their names, and how many rules could raise one: never none without saying no data. */
export type AlertSample =
  | { readonly kind: 'alerts'; readonly firing: number; readonly names: readonly string[]; readonly rules: number }
  | NoData;

/** What was read for one criterion at one poll. */
export type Sample = NumberSample | AlertSample;

/** Everything the judge sees at one moment. */
export interface Poll {
  /** Time the samples stand for, epoch ms. */
  readonly at: number;
  readonly everyMs: number;
  readonly stage: 'canary' | 'watch';
  /** Since the last change of weight, ms. */
  readonly sinceShiftMs: number;
  /** Requests the canary answered since the step began; `null` when unknown. */
  readonly canaryRequests: number | null;
  /** False once stable gets no traffic: comparisons go on with the last baseline. */
  readonly stableServes: boolean;
  readonly samples: Readonly<Record<string, Sample>>;
}

/** What is said about one criterion at one poll. */
export interface Finding {
  readonly criterion: string;
  readonly verdict: Verdict;
  /** Bad right now, whether or not long enough to fail. */
  readonly breached: boolean;
  readonly breachedMs: number;
  /** It does not count at this moment, by its own conditions: nothing waits for it, and nothing follows from it. */
  readonly idle?: true;
  readonly value: number | null;
  readonly baseline: number | null;
  /** The bad condition in words: `> 0.5 %`, `> 2x stable`. */
  readonly limit: string;
  readonly at: number;
  readonly do: Consequence;
  readonly severity: Severity;
  /** One sentence with the numbers, for people. */
  readonly sentence: string;
}

/** Per criterion, what must survive between polls and across worker crashes; small plain JSON. */
export interface CriterionMemory {
  readonly breachedMs: number;
  readonly lastAt: number | null;
  readonly lastBreached: boolean;
  /** Last good baseline, for comparisons after stable has gone. */
  readonly baseline: number | null;
  /** With a clear condition of its own: breached, and not clear since. */
  readonly latched?: boolean;
  /** Its value has been above `previousAbove` since the calendar's window began. */
  readonly seenAbove?: boolean;
}

export type JudgeMemory = Readonly<Record<string, CriterionMemory>>;

/** A criterion that lets the bake end: judged, and not bad. */
export function isClean(finding: Finding): boolean {
  return finding.verdict === 'pass' && !finding.breached;
}

/** What may stop a bake from ending, while it counts; `warn` and `page` tell people and nothing else. */
export function isBlocking(finding: Finding): boolean {
  return finding.idle !== true && finding.do !== 'warn' && finding.do !== 'page';
}
