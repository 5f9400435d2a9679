/** The plan: a spec resolved for one release on one target. Plain JSON, frozen, the workflow's only input. */

import type { Release } from './release.ts';
import type { TargetCapabilities, TargetPlan } from './target.ts';

/** All times are milliseconds, all weights basis points (1 % = 100), all absent things `null`. */
export interface Plan {
  readonly version: 1;
  readonly service: string;
  readonly environment: string;
  readonly title: string;
  readonly owner: string | null;
  readonly links: Readonly<Record<string, string>>;
  readonly release: Release;
  readonly target: TargetPlan;
  /** What the target could do when the plan was compiled; preflight compares it with what it can do now. */
  readonly capabilities: TargetCapabilities;
  readonly metrics: MetricsPlan | null;
  /** Roles the spec names; their members stand in the operator's directory. */
  readonly roles: readonly string[];
  readonly gates: readonly GatePlan[];
  readonly separation: Separation;
  readonly suites: Readonly<Record<string, SmokeSuite>>;
  readonly criteria: readonly Criterion[];
  readonly steps: readonly StepPlan[];
  readonly rollback: RollbackPlan;
  readonly watch: WatchPlan;
}

export interface MetricsPlan {
  /** Name of a metrics connection in the worker's configuration. */
  readonly connection: string;
  /** The label that tells the releases apart; its value is the release's label. */
  readonly trackLabel: string;
  /** How far behind now every query is asked, so that scrapes have arrived. */
  readonly lagMs: number;
  /** Time between two polls of all criteria. */
  readonly everyMs: number;
  /** Plain selector of the request counter of all releases; gives the observed share and the sample counts. */
  readonly requests: string | null;
}

export interface StepPlan {
  readonly weightBp: number;
  /** Valid, clean time that must pass; at most `bakeMaxMs`. */
  readonly bakeMinMs: number;
  /** After this much clock time without becoming clean the step holds and asks a person. */
  readonly bakeMaxMs: number;
  readonly smoke: readonly SmokeRun[];
  /** How long a hold waits for a person, and what happens when nobody answers. */
  readonly hold: { readonly forMs: number; readonly then: 'rollback' | 'hold' };
}

export interface RollbackPlan {
  /** From the decision to zero read back; later than this pages. */
  readonly withinMs: number;
  /** Smoke suites run on stable after going back. */
  readonly confirm: readonly SmokeRun[];
  /** How long the bad release is kept, without traffic, for a look. */
  readonly keepCanaryMs: number;
}

export interface WatchPlan {
  /** Time after promotion in which the rollout can still go back by itself. */
  readonly forMs: number;
  readonly smoke: ScheduledSmoke | null;
}

export interface ScheduledSmoke {
  readonly run: SmokeRun;
  readonly everyMs: number;
  readonly forMs: number;
  /** This many failures in a row roll back; fewer only warn. */
  readonly failuresToRollback: number;
}

// ── Gates ────────────────────────────────────────────────────────────────────────────────────────────────────────────

export type GatePoint =
  { readonly kind: 'start' } | { readonly kind: 'step'; readonly index: number } | { readonly kind: 'promote' };

/** One quorum clause; all clauses of a gate must hold. */
export type Clause =
  | { readonly kind: 'all-of'; readonly roles: readonly string[] }
  | { readonly kind: 'any-of'; readonly roles: readonly string[] }
  | { readonly kind: 'one-per'; readonly roles: readonly string[] }
  | { readonly kind: 'at-least'; readonly count: number; readonly role: string };

export interface GatePlan {
  /** Unique in the plan: the spec's gate id and, for gates before steps, the weight: `go`, `wide@25%`. */
  readonly id: string;
  readonly point: GatePoint;
  readonly require: readonly Clause[];
  readonly expiresMs: number;
  readonly onExpiry: 'abort' | 'rollback' | 'step-back' | 'hold';
  /** Shares of `expiresMs` (0..1) at which the missing roles are reminded, ascending. */
  readonly remindAt: readonly number[];
}

export interface Separation {
  readonly requesterMayApprove: boolean;
  /** One person counts once per request, whatever roles they hold. */
  readonly distinctPeople: boolean;
}

// ── Criteria ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export type Comparison = '>' | '>=' | '<' | '<=' | '==' | '!=';
export type Severity = 'P0' | 'P1' | 'P2';

/** What a failing criterion does. */
export type Consequence = 'rollback' | 'hold' | 'warn' | 'page';

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

// ── Smoke ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Which release a suite talks to: the canary by its preview route, stable directly, or whatever the public gets. */
export type SmokeAim = 'canary' | 'stable' | 'public';

export interface SmokeRun {
  readonly suite: string;
  readonly aim: SmokeAim;
}

export interface SmokeSuite {
  /** Base URL of the public address; canary and stable are reached by the target's own means. */
  readonly publicUrl: string | null;
  /** Status classes that fail any request of the suite, e.g. `5xx`. */
  readonly forbidStatus: readonly string[];
  readonly requests: readonly SmokeRequest[];
  /** Sent after the requests whatever came of them, each when its variables were captured. Absent: none. */
  readonly cleanup?: readonly SmokeRequest[];
}

/** What is absent was not asked for; so a plan without it keeps its digest. */
export interface SmokeRequest {
  readonly name: string;
  readonly method: string;
  /** Path and query; may contain `{{variable}}`, captured earlier or one of the run's own, and `{{secret:NAME}}`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: SmokeBody | null;
  readonly expect: SmokeExpectation;
  /** Variable name → JSON path into the answer. */
  readonly capture: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** A WebSocket handshake: the body is said first, `expect.status` is the handshake's, the rest of it the first message's. */
  readonly socket?: SmokeSocket;
  readonly signature?: SmokeSignature;
  /** Must be right so often in a row. */
  readonly repeat?: { readonly times: number; readonly everyMs: number };
  /** `none`: sent without the cookies of earlier answers, as a stranger would. */
  readonly cookies?: 'none';
}

export type SmokeSocket =
  /** Accepted, and the first message came in time; `null`: none is waited for. */
  | { readonly handshake: 'accepted'; readonly firstMessageMs: number | null }
  | { readonly handshake: 'refused' }
  /** Accepted, then closed by the server; `null`: with any code. */
  | { readonly handshake: 'closed'; readonly code: number | null };

/** A header that proves that the sender knows a secret. */
export interface SmokeSignature {
  /** The secret's name. */
  readonly secret: string;
  /** Lower case. */
  readonly header: string;
  readonly hash: 'sha1' | 'sha256' | 'sha512';
  readonly encoding: 'hex' | 'base64';
  /** What is signed; `{{body}}` is the body as it is sent. */
  readonly over: string;
  /** The header's value, with `{{signature}}` in it. */
  readonly format: string;
}

export type SmokeBody =
  | { readonly kind: 'json'; readonly value: JsonValue }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'multipart'; readonly parts: readonly SmokePart[] };

export type SmokePart =
  | { readonly kind: 'field'; readonly name: string; readonly value: string }
  | {
      readonly kind: 'file';
      readonly name: string;
      /** Path in the operator's folder of smoke files. */
      readonly file: string;
      readonly contentType: string;
    };

export interface SmokeExpectation {
  /** Exact status or class, e.g. `200`, `2xx`. */
  readonly status: string;
  /** Subset that the JSON answer must contain. */
  readonly json: JsonValue | null;
  /** JSON paths that must exist and not be null or empty. */
  readonly exists: readonly string[];
  /** Header name (lower case) → exact value. */
  readonly headers: Readonly<Record<string, string>>;
  /** The answer's media type, e.g. `text/plain`. */
  readonly contentType: string | null;
  /** Slowest acceptable answer. */
  readonly withinMs: number | null;
  /** A text that the answer must contain. */
  readonly contains?: string;
}

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };
