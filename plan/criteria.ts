/** What a criterion is: one rule over metrics with a consequence, or several put together. */

export type Comparison = '>' | '>=' | '<' | '<=' | '==' | '!=';
export type Severity = 'P0' | 'P1' | 'P2';

/** What a failing criterion does. */
export type Consequence = 'rollback' | 'hold' | 'warn' | 'page' | `flip:${string}`;

interface CriterionCommon {
  readonly id: string;
  readonly do: Consequence;
  readonly severity: Severity;
  /** `canary`: while steps run; `watch`: after promotion; `always`: both. */
  readonly when: 'canary' | 'watch' | 'always';
  /** Breached at every poll for this long before it fails; 0 fails at the first breach. */
  readonly forMs: number;
  /** Ignored for this long after each change of weight. */
  readonly warmUpMs: number;
  /** Requests the canary must have answered since the step began; fewer is `inconclusive`. 0 asks for none. */
  readonly minSamples: number;
  /** When it counts at all; absent: always. */
  readonly onlyIf?: OnlyIf;
}

/** All that is written must hold, else the criterion does not count: neither good nor bad, and in nobody's way. */
export interface OnlyIf {
  readonly calendar?: Calendar;
  /** The value was above this before, since the calendar's window began; only for queries. */
  readonly previousAbove?: number;
}

export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/** Hours of the week on the wall clocks of a time zone. */
export interface Calendar {
  /** IANA name, e.g. `America/Argentina/Buenos_Aires`. */
  readonly timezone: string;
  readonly windows: readonly CalendarWindow[];
}

export interface CalendarWindow {
  /** The days on which it begins. */
  readonly days: readonly Weekday[];
  /** Since midnight on the wall clock, ms; included. */
  readonly fromMs: number;
  /** Excluded; not after `fromMs`: on the next day. */
  readonly toMs: number;
}

interface QueryCommon extends CriterionCommon {
  /** PromQL template; `{{track}}`, `{{window}}`, `{{release}}` are filled in per release when asked. */
  readonly query: string;
}

/** The query's value against a fixed threshold. */
export interface LimitCriterion extends QueryCommon {
  readonly kind: 'limit';
  /** The *bad* condition. */
  readonly breach: LimitCondition;
  /** What is breached stays so until this holds; absent: until it is not breached any more. */
  readonly clear?: LimitCondition;
}

/** `unit` is how the spec wrote the threshold, for sentences; the value is a ratio or seconds then. */
export interface LimitCondition {
  readonly op: Comparison;
  readonly value: number;
  readonly unit?: '%' | 'ms' | 's' | null;
}

/** The query's value for the canary against the same query for stable. */
export interface CompareCriterion extends QueryCommon {
  readonly kind: 'compare';
  readonly against: 'stable';
  /** The *bad* condition: canary `op` factor × max(baseline, floor). */
  readonly breach: CompareCondition;
  /** What is breached stays so until this holds; absent: until it is not breached any more. */
  readonly clear?: CompareCondition;
  /** Smallest baseline used; a baseline of zero with no floor is `inconclusive`. */
  readonly floor: number;
}

/** `2x` is 2, `+10%` is 1.1. */
export interface CompareCondition {
  readonly op: Comparison;
  readonly factor: number;
}

/** Firing alerts of the metrics connection; one that fires is bad. */
export interface AlertCriterion extends CriterionCommon {
  readonly kind: 'alert';
  /** All must match an alert's labels, `alertname` among them. */
  readonly matchers: readonly AlertMatcher[];
}

export interface AlertMatcher {
  readonly label: string;
  readonly op: '=' | '!=' | '=~' | '!~';
  /** May contain `{{release}}` until it is filled in. */
  readonly value: string;
}

/** Bad when all of its parts are, or any of them is. */
export interface CompositeCriterion extends CriterionCommon {
  readonly kind: 'all-of' | 'any-of';
  readonly parts: readonly CriterionPart[];
}

export type CriterionPart =
  /** A criterion of its own; consequence, severity and stage are those of the whole. */
  | { readonly kind: 'criterion'; readonly criterion: Criterion }
  /** Another criterion of the plan, further up: bad once it has failed, or as soon as it is breached. */
  | { readonly kind: 'ref'; readonly criterion: string; readonly phase: 'failed' | 'breached' };

/** What asks the metrics system something; the others are put together from these. */
export type LeafCriterion = LimitCriterion | CompareCriterion | AlertCriterion;
export type Criterion = LeafCriterion | CompositeCriterion;

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
