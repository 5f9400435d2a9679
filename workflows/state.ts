/** The state of a rollout: plain JSON that a query shows, a continued run carries on, and only this folder changes. */

import type { Plan } from '../plan/plan.ts';
import type { Outcome, Phase, TurnBack } from '../plan/phases.ts';
import type { Release } from '../plan/release.ts';
import type { ControlReceipt, IgnoredMessage, SmokeSummary, Stopped, SwitchStatus, Weights } from '../plan/status.ts';
import type { Stage } from '../plan/target.ts';
import type { TimelineEvent } from '../plan/timeline.ts';
import type { ApprovalRequest } from '../approvals/request.ts';
import type { WatchCheckpoint } from '../activities/contract.ts';

export interface RunState {
  readonly version: 1;
  readonly startedAt: number;
  phase: Exclude<Phase, 'paused' | 'held' | 'ended'>;
  phaseSince: number;
  outcome: Outcome | null;
  problems: string[];
  warnings: string[];
  stable: Release | null;
  notifies: boolean;
  /** Whether there is an archive for the record. */
  archives: boolean;
  /** Last fence issued; the next effect gets a larger one. */
  fence: number;
  /** A weight above zero was asked for at some time: from then on going back is a rollback. */
  exposed: boolean;
  /** The target may carry our claim. */
  claimed: boolean;
  /** Index of the present step; -1 before the first and after a step back to zero. */
  step: number;
  stage: Stage;
  /** When the target was brought to this stage, in workflow time. */
  stageSince: number;
  requestedBp: number;
  acceptedBp: number | null;
  stepWeights: (Weights | null)[];
  /** Parts of the story that are behind us, so that a continued run does not repeat them. */
  done: string[];
  /** Whether the present stage may be left: set by the watch, unset by a shift. */
  bake: 'baking' | 'clean';
  watched: boolean;
  checkpoint: WatchCheckpoint | null;
  /** Where the bake clock is set to at the watch's next report, ms of valid time; `null` when it just goes on. */
  clockTo: number | null;
  /** The gate at which somebody wanted more time at the present weight, until it asks again. */
  soaking: string | null;
  requests: ApprovalRequest[];
  /** An edited plan that a gate is asked about. */
  asked: AskedEdit | null;
  paused: Stopped | null;
  held: Hold | null;
  frozen: Stopped | null;
  turn: TurnBack | null;
  /** The old release was being removed when it turned: it may be gone. */
  retiring: boolean;
  /** Until when the bad release is kept without traffic, epoch ms; `null` before that. */
  keptUntil: number | null;
  /** Who handed a promoted release over to a newer rollout. */
  superseded: Stopped | null;
  /** Who told it to let go and leave the weights as they are. */
  detached: Stopped | null;
  /** Asked but not yet carried out: index of the step to go down to. */
  stepBackTo: number | null;
  smoke: SmokeSummary[];
  switches: SwitchStatus[];
  putBack: number;
  receipts: ControlReceipt[];
  nextReceipt: number;
  ignored: IgnoredMessage[];
  timeline: TimelineEvent[];
}

/** Applied when its request is approved; the rollout goes on by the plan it has until then. */
export interface AskedEdit {
  /** Id of its request: `edit/` and the gate that is asked. */
  readonly gate: string;
  readonly plan: Plan;
  readonly planDigest: string;
  readonly by: string;
  readonly reason: string;
  readonly edits: readonly string[];
}

/** Why a rule stopped the rollout, and what `resume` does about it. */
export interface Hold extends Stopped {
  readonly kind: 'bake' | 'drift-below' | 'fenced' | 'returned' | 'way-back' | 'expired';
  /** For `fenced` and `returned`: the fence found at the target. */
  readonly fence: number | null;
}

export function initialState(plan: Plan, now: number): RunState {
  return {
    version: 1,
    startedAt: now,
    phase: 'preparing',
    phaseSince: now,
    outcome: null,
    problems: [],
    warnings: [],
    stable: null,
    notifies: false,
    archives: false,
    fence: 0,
    exposed: false,
    claimed: false,
    step: -1,
    stage: { kind: 'deployed' },
    stageSince: now,
    requestedBp: 0,
    acceptedBp: null,
    stepWeights: plan.steps.map(() => null),
    done: [],
    bake: 'clean',
    watched: false,
    checkpoint: null,
    clockTo: null,
    soaking: null,
    requests: [],
    asked: null,
    paused: null,
    held: null,
    frozen: null,
    turn: null,
    retiring: false,
    keptUntil: null,
    superseded: null,
    detached: null,
    stepBackTo: null,
    smoke: [],
    switches: [],
    putBack: 0,
    receipts: [],
    nextReceipt: 1,
    ignored: [],
    timeline: [],
  };
}
