/** All that workflows see of the outside: the activities' inputs and answers. Types only. */

import type { Criterion, MetricsPlan, Plan, ScheduledSmoke, SmokeAim, SmokeSuite, StepPlan } from '../plan/plan.ts';
import type { Release } from '../plan/release.ts';
import type { Liveness, Order, Stage, TargetCapabilities, TargetPlan } from '../plan/target.ts';
import type { Finding, JudgeMemory } from '../judge/verdict.ts';
import type { SmokeResult } from '../plan/smoke.ts';
import type { Proof } from '../approvals/request.ts';

/** An order together with the target it is for: what every effect gets. */
export interface Effect {
  readonly target: TargetPlan;
  readonly order: Order;
}

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

// ── Watch ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** One segment of the watch, at most an hour. It finds the stage on the target itself, so a shift does not restart it. */
export interface WatchInput extends Effect {
  readonly metrics: MetricsPlan | null;
  readonly criteria: readonly Criterion[];
  readonly steps: readonly StepPlan[];
  /** Watch time after promotion. */
  readonly watchMs: number;
  readonly scheduled: { readonly smoke: ScheduledSmoke; readonly suite: SmokeSuite } | null;
  readonly goal: WatchGoal;
  /** `stopped` while paused, held or frozen: judged as before, but no bake time passes. */
  readonly clock: 'running' | 'stopped';
  readonly checkpoint: WatchCheckpoint | null;
  readonly segmentMs: number;
}

/**
 * `bake`: return when the current stage's bake is clean, or has run to its maximum.
 * `keep`: the current stage is done; return when a criterion of `passing` leaves pass. When the next stage appears on
 * the target, a `keep` turns into a `bake` of that stage by itself.
 */
export type WatchGoal =
  { readonly kind: 'bake' } | { readonly kind: 'keep'; readonly stage: Stage; readonly passing: readonly string[] };

/** What survives a crash of the worker: travels in heartbeats, first key `summary`. At most 8 KB. */
export interface WatchCheckpoint {
  /** A verdict-like sentence for whoever looks at the pending activity. */
  readonly summary: string;
  readonly stage: Stage;
  /** When this stage was first seen live, epoch ms. */
  readonly stageSince: number;
  /** Clock time with valid data since then, without pauses. */
  readonly validMs: number;
  /** Clock time since then, without pauses, gaps included. */
  readonly elapsedMs: number;
  /** Time of the last evaluated poll, epoch ms. */
  readonly lastPollAt: number | null;
  readonly judge: JudgeMemory;
  readonly findings: readonly Finding[];
  readonly observed: Observed;
  readonly scheduledSmoke: { readonly runs: number; readonly failuresInARow: number };
  /** Foreign changes above plan that were put back. */
  readonly putBack: number;
  /** Largest fence of our own claim that was seen; a smaller one later means that an old configuration came back. */
  readonly fence: number;
  /** What was wrong with target or way back at the last poll; each is reported once while it lasts. */
  readonly troubles: readonly Trouble[];
  /** The bake's clocks when it last held at its maximum; a resumed bake gets a whole maximum again. */
  readonly heldAt: { readonly validMs: number; readonly elapsedMs: number } | null;
}

/** Something that lasts over several polls. */
export interface Trouble {
  /** Same key, same matter. */
  readonly key: string;
  /** Polls in a row that saw it. */
  readonly polls: number;
  /** First of these polls, epoch ms. */
  readonly since: number;
  readonly told: boolean;
}

/** What requests really did in the present stage, from their counters. */
export interface Observed {
  readonly requestedBp: number;
  readonly acceptedBp: number | null;
  /** Canary's share of requests since the stage began, 0..1; `null` when unknown. */
  readonly share: number | null;
  readonly canaryRequests: number | null;
  readonly totalRequests: number | null;
  /** Time of the counter samples up to which requests are counted, epoch ms; `null` before the first. Internal to the watch. */
  readonly countedTo: number | null;
}

export type WatchReport = { readonly checkpoint: WatchCheckpoint } & WatchMilestone;

export type WatchMilestone =
  | { readonly kind: 'clean' }
  | { readonly kind: 'fail'; readonly finding: Finding }
  /** A `hold` criterion failed, or the bake ran to its maximum, or data stayed away that long. */
  | { readonly kind: 'hold'; readonly reason: string }
  /** Criteria that passed when the evidence was frozen and do not any more. */
  | { readonly kind: 'worse'; readonly left: readonly string[] }
  /** Somebody else changed the weight. */
  | {
      readonly kind: 'drift';
      readonly direction: 'below' | 'above';
      readonly plannedBp: number;
      readonly acceptedBp: number;
    }
  /** A larger fence or another claim stands on the target. */
  | { readonly kind: 'fenced'; readonly sentence: string }
  /** Scheduled smoke failed too often in a row. */
  | { readonly kind: 'smoke'; readonly sentence: string }
  /** The way back is not open: target unreachable, stable not ready. */
  | { readonly kind: 'way-back'; readonly sentence: string }
  /** The watch after promotion is over and was clean at its end. */
  | { readonly kind: 'watched' }
  | { readonly kind: 'segment-end' }
  /** Cancelled by the workflow: only the checkpoint counts. */
  | { readonly kind: 'stopped' };

// ── People ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface AnnounceInput {
  readonly rollout: string;
  readonly severity: 'P0' | 'P1' | 'P2';
  readonly key: string;
  readonly title: string;
  readonly text: string;
}

// ── Inspect ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Questions that only the worker can answer; read-only. */
export type InspectQuestion =
  | { readonly kind: 'capabilities'; readonly target: TargetPlan }
  | { readonly kind: 'preflight'; readonly input: PreflightInput }
  | { readonly kind: 'doctor' };

export type InspectAnswer =
  | { readonly kind: 'capabilities'; readonly capabilities: TargetCapabilities; readonly stable: Release | null }
  | { readonly kind: 'preflight'; readonly report: PreflightReport }
  | { readonly kind: 'doctor'; readonly checks: readonly DoctorCheck[] }
  /** The question could not be answered for a reason that a person can mend. */
  | { readonly kind: 'problem'; readonly code: string; readonly message: string };

export interface DoctorCheck {
  readonly what: string;
  readonly ok: boolean;
  readonly detail: string;
}

// ── The whole contract ───────────────────────────────────────────────────────────────────────────────────────────────

export interface Activities {
  preflight(input: PreflightInput): Promise<PreflightReport>;
  deploy(input: Effect): Promise<void>;
  ensureCapacity(input: ShiftInput): Promise<void>;
  shift(input: ShiftInput): Promise<Shifted>;
  /** Waits until the asked share is live; returns anything else only when waiting is of no use. */
  confirm(input: ShiftInput): Promise<Liveness>;
  smoke(input: SmokeInput): Promise<SmokeReport>;
  watch(input: WatchInput): Promise<WatchReport>;
  promote(input: Effect): Promise<void>;
  retire(input: RetireInput): Promise<void>;
  zero(input: ZeroInput): Promise<Zeroed>;
  restore(input: Effect): Promise<void>;
  /** Asks the directory who this is, now. */
  prove(person: string): Promise<Proof>;
  announce(input: AnnounceInput): Promise<void>;
  inspect(question: InspectQuestion): Promise<InspectAnswer>;
}
