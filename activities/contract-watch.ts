/** What workflows see of the watch: what a segment is given, what survives a crash of it, and what it comes back with. Types only. */

import type { Criterion } from '../plan/criteria.ts';
import type { MetricsPlan, ScheduledSmoke, SmokeSuite, StepPlan } from '../plan/plan.ts';
import type { SmokeSummary } from '../plan/status.ts';
import type { SwitchPlan } from '../plan/switch.ts';
import type { Stage } from '../plan/target.ts';
import type { Finding, JudgeMemory } from '../judge/verdict.ts';
import type { Effect } from './contract-effect.ts';

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
  /** Where the rollout stands, for a target that stores no claim: it cannot be found there. */
  readonly told?: ToldStage;
  /** Kill switches that were asked to be off. */
  readonly off?: readonly OffSwitch[];
}

/** A criterion that turns it off again says nothing new; once `rejudgeAt` has come, it has its last word. */
export interface OffSwitch {
  readonly id: string;
  /** Epoch ms; `null`: not yet off. */
  readonly rejudgeAt: number | null;
  readonly stillBad: SwitchPlan['stillBad'];
}

/** What a claim would say. */
export interface ToldStage {
  readonly stage: Stage;
  /** Epoch ms, workflow time. */
  readonly since: number;
  readonly plannedBp: number;
}

/**
 * `bake`: return when the current stage's bake is clean, or has run to its maximum.
 * `keep`: the current stage is done and people may be asked; return when a criterion of `passing` leaves pass or the
 * scheduled smoke fails. When the next stage appears on the target, a `keep` turns into a `bake` of that stage by itself.
 * `zero`: the release was taken back to zero; return when somebody gives it traffic again. Nothing is judged.
 */
export type WatchGoal =
  | { readonly kind: 'bake' }
  | { readonly kind: 'keep'; readonly stage: Stage; readonly passing: readonly string[] }
  | { readonly kind: 'zero' };

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
  readonly scheduledSmoke: ScheduledSmokeState;
  /** Largest fence of our own claim that was seen; a smaller one later means that an old configuration came back. */
  readonly fence: number;
  /** What was wrong with target or way back at the last poll; each is reported once while it lasts. */
  readonly troubles: readonly Trouble[];
  /** The bake's clocks when it last held at its maximum; a resumed bake gets a whole maximum again. */
  readonly heldAt: { readonly validMs: number; readonly elapsedMs: number } | null;
}

/** Scheduled smoke of the present stage. */
export interface ScheduledSmokeState {
  /** Number of the newest run whose time has come and that is done. */
  readonly runs: number;
  readonly failuresInARow: number;
  /** What the newest run said; `null` before the first. */
  readonly last: SmokeSummary | null;
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
  /** A criterion failed that turns a kill switch off. */
  | { readonly kind: 'flip'; readonly finding: Finding }
  /** A `hold` criterion failed, or the bake ran to its maximum, or data stayed away that long. */
  | { readonly kind: 'hold'; readonly reason: string }
  /** What passed when the evidence was frozen does not any more: criteria, or the scheduled smoke. */
  | { readonly kind: 'worse'; readonly because: string }
  /** Somebody else changed the weight. `forgotten`: our claim is gone, so the target itself lost its state. `outage`: nobody is served any more. */
  | {
      readonly kind: 'drift';
      readonly direction: 'below' | 'above';
      readonly plannedBp: number;
      readonly acceptedBp: number;
      readonly forgotten?: true;
      readonly outage?: true;
    }
  /** A larger fence or another claim stands on the target. */
  | { readonly kind: 'fenced'; readonly sentence: string }
  /** Scheduled smoke failed too often in a row. */
  | { readonly kind: 'smoke'; readonly sentence: string }
  /** The way back is not open: target unreachable, stable not ready. */
  /** `changed`: it is open, but not to what was there when the rollout began. */
  | { readonly kind: 'way-back'; readonly sentence: string; readonly changed?: true }
  /** Users meet a release that is down, and has been for a while. */
  | { readonly kind: 'unready'; readonly sentence: string }
  /** Criteria have had no data for minutes while users meet the release. */
  | { readonly kind: 'blind'; readonly sentence: string }
  /** The watch after promotion is over and was clean at its end. */
  | { readonly kind: 'watched' }
  | { readonly kind: 'segment-end' }
  /** Cancelled by the workflow: only the checkpoint counts. */
  | { readonly kind: 'stopped' };
