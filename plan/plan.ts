/** The plan: a spec resolved for one release on one target. Plain JSON, frozen, the workflow's only input. */

import type { Criterion } from './criteria.ts';
import type { Release } from './release.ts';
import type { SmokeRun } from './smoke.ts';
import type { SwitchPlan } from './switch.ts';
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
  /** Absent: there are none. */
  readonly switches?: readonly SwitchPlan[];
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

// ── Smoke ────────────────────────────────────────────────────────────────────────────────────────────────────────────

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
