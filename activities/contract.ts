/** All that workflows see of the outside: the activities' inputs and answers. Types only. */

import type { GatePlan, Plan, SmokeSuite } from '../plan/plan.ts';
import type { SmokeAim } from '../plan/smoke.ts';
import type { Outcome } from '../plan/phases.ts';
import type { RecordBody, RolloutRecord } from '../plan/record.ts';
import type { Release } from '../plan/release.ts';
import type { Liveness, Stage, TargetCapabilities, TargetPlan } from '../plan/target.ts';
import type { SmokeResult } from '../plan/smoke.ts';
import type { SwitchPlan } from '../plan/switch.ts';
import type { Proof } from '../approvals/request.ts';
import type { Left } from '../plan/orphan.ts';
import type { GuardInput, GuardMemory } from './contract-guard.ts';
import type { Effect } from './contract-effect.ts';
import type { WatchInput, WatchReport } from './contract-watch.ts';

export type { Effect } from './contract-effect.ts';

export type { GuardInput, GuardMemory, Reverted, Suspect } from './contract-guard.ts';

export type {
  Observed,
  OffSwitch,
  ScheduledSmokeState,
  ToldStage,
  Trouble,
  WatchCheckpoint,
  WatchGoal,
  WatchInput,
  WatchMilestone,
  WatchReport,
} from './contract-watch.ts';

// ── Preflight ────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface PreflightInput {
  readonly plan: Plan;
  /** What the starter computed; recomputed by the worker. */
  readonly planDigest: string;
  readonly rollout: string;
  readonly run: string;
  readonly requester: string;
}

export interface PreflightReport {
  readonly problems: readonly Note[];
  readonly warnings: readonly Note[];
  /** What serves now; `null` when that is a problem. */
  readonly stable: Release | null;
  /** The largest fence found on the target; ours go on from there. */
  readonly fence: number;
  readonly identity: 'trust';
  /** Whether anybody would hear an announcement. */
  readonly notifies: boolean;
  /** Whether there is an archive for the record; absent when the checks broke off, and from workers of 0.1.0. */
  readonly archives?: boolean;
  /** This very run has been at the target before: it was reset. Nothing else was checked then; absent otherwise. */
  readonly returned?: Returned;
}

/** What a run that was reset to its beginning finds of itself. */
export interface Returned {
  readonly stage: Stage;
  readonly fence: number;
  /** What it had asked for, and what its release has, basis points. */
  readonly plannedBp: number;
  readonly canaryBp: number;
}

/** What an edited plan is checked with while the rollout runs: everything but the target, which is not edited. */
export interface CheckPlanInput {
  readonly plan: Plan;
  readonly requester: string;
  /** A release that has traffic: what a query says nothing about there, it would say nothing about ever. */
  readonly serving: Release;
  /** Who asks, and the gate that would have to agree; `null` when none is asked. */
  readonly asks: { readonly by: string; readonly gate: GatePlan } | null;
}

export interface Note {
  readonly code: string;
  readonly message: string;
}

// ── Effects ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ShiftInput extends Effect {
  readonly canaryBp: number;
  readonly stage: Stage;
}

export interface Shifted {
  readonly requestedBp: number;
  readonly acceptedBp: number;
  /** Epoch ms of the worker. */
  readonly at: number;
}

export interface ZeroInput extends Effect {
  /** Names what is going on in notices when it takes too long. */
  readonly reason: string;
  readonly withinMs: number;
  /** Stable was about to be retired: it is started anew before it gets traffic, whatever it looks like. */
  readonly mayBeGone: boolean;
}

/** The answer of going back: traffic to the release under test is zero and was read back as zero. */
export interface Zeroed {
  /** `zero`: confirmed. `not-ours`: another rollout holds the target and our release has no share there. */
  readonly kind: 'zero' | 'not-ours';
  /** The fence that stands at the target now; the rollout goes on from it. */
  readonly fence: number;
  /** Share that the release still had when going back began. */
  readonly fromBp: number;
  readonly at: number;
}

/** Asks for what is still at the target of a rollout that left it. */
export interface LeftInput {
  readonly rollout: string;
  readonly run: string;
  readonly target: TargetPlan;
  readonly release: Release;
  /** Told to people when nobody can see for longer than this. */
  readonly withinMs: number;
}

/** Turns a kill switch off; the fence is not raised: a switch lowers, whoever else writes meanwhile. */
export interface FlipInput extends Effect {
  readonly turned: SwitchPlan;
}

export interface RetireInput extends Effect {
  readonly loser: Release;
}

// ── Smoke ────────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface SmokeInput extends Effect {
  readonly suiteName: string;
  readonly suite: SmokeSuite;
  readonly aim: SmokeAim;
}

export interface SmokeReport {
  readonly suite: string;
  readonly aim: SmokeAim;
  readonly passed: boolean;
  /** One sentence: which request failed on what, or how many passed. */
  readonly sentence: string;
  readonly at: number;
  readonly requests: readonly SmokeResult[];
}

// ── People ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface AnnounceInput {
  readonly rollout: string;
  readonly severity: 'P0' | 'P1' | 'P2';
  readonly key: string;
  readonly title: string;
  readonly text: string;
}

// ── Archive ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ArchiveInput {
  readonly record: RecordBody;
  /** There was an archive when the rollout began: a worker without one is no reason to keep nothing. */
  readonly expected: boolean;
}

/** Where a record is kept. */
export interface Archived {
  readonly key: string;
  readonly digest: string;
  /** Which archive, in words. */
  readonly archive: string;
}

// ── Inspect ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Questions that only the worker can answer; read-only. */
export type InspectQuestion =
  | { readonly kind: 'capabilities'; readonly target: TargetPlan }
  | { readonly kind: 'preflight'; readonly input: PreflightInput }
  | { readonly kind: 'doctor' }
  | RecordQuestion
  | RecordsQuestion;

export type InspectAnswer =
  | { readonly kind: 'capabilities'; readonly capabilities: TargetCapabilities; readonly stable: Release | null }
  | { readonly kind: 'preflight'; readonly report: PreflightReport }
  | { readonly kind: 'doctor'; readonly checks: readonly DoctorCheck[] }
  /** `record` is `null` when the archive has none of that rollout; `from`: which archive, and which key. */
  | { readonly kind: 'record'; readonly record: RolloutRecord | null; readonly from: string }
  /** Newest first; `complete` is false when the archive holds more than can be looked through. */
  | { readonly kind: 'records'; readonly rows: readonly ArchivedRow[]; readonly complete: boolean }
  /** The question could not be answered for a reason that a person can mend. */
  | { readonly kind: 'problem'; readonly code: string; readonly message: string };

/** The newest record of a service in the archive, or the one of the run whose id begins so. */
export interface RecordQuestion {
  readonly kind: 'record';
  readonly environment: string;
  readonly service: string;
  readonly run: string | null;
}

/** `null` for all of them. */
export interface RecordsQuestion {
  readonly kind: 'records';
  readonly environment: string | null;
  readonly service: string | null;
  readonly outcome: string | null;
  readonly limit: number;
}

/** One record in a list; what is `null` could not be read. */
export interface ArchivedRow {
  readonly environment: string;
  readonly service: string;
  readonly run: string;
  readonly outcome: Outcome;
  readonly label: string | null;
  readonly requester: string | null;
  readonly percent: number | null;
  readonly startedAt: number;
  readonly endedAt: number | null;
}

export interface DoctorCheck {
  readonly what: string;
  readonly ok: boolean;
  readonly detail: string;
}

// ── The whole contract ───────────────────────────────────────────────────────────────────────────────────────────────

export interface Activities {
  preflight(input: PreflightInput): Promise<PreflightReport>;
  /** Problems in words; empty when the plan can be followed. */
  checkPlan(input: CheckPlanInput): Promise<readonly Note[]>;
  deploy(input: Effect): Promise<void>;
  ensureCapacity(input: ShiftInput): Promise<void>;
  shift(input: ShiftInput): Promise<Shifted>;
  /** Waits until the asked share is live; returns anything else only when waiting is of no use. */
  confirm(input: ShiftInput): Promise<Liveness>;
  smoke(input: SmokeInput): Promise<SmokeReport>;
  watch(input: WatchInput): Promise<WatchReport>;
  promote(input: Effect): Promise<void>;

  /** Returns when whoever reads the switch has its new value, as far as the target can see. */
  flip(input: FlipInput): Promise<void>;
  retire(input: RetireInput): Promise<void>;
  zero(input: ZeroInput): Promise<Zeroed>;
  restore(input: Effect): Promise<void>;
  /** What was held of stable is its owner's again; everything else stays as it is. */
  letGo(input: Effect): Promise<void>;
  /** Reads what a rollout left at its target. */
  left(input: LeftInput): Promise<Left>;
  /** Looks for rollouts that nobody carries on, again and again. */
  guard(input: GuardInput): Promise<GuardMemory>;
  /** Asks the directory who this is, now. */
  prove(person: string): Promise<Proof>;
  announce(input: AnnounceInput): Promise<void>;
  /** `null` when there is no archive and none was expected. */
  archive(input: ArchiveInput): Promise<Archived | null>;
  inspect(question: InspectQuestion): Promise<InspectAnswer>;
}
