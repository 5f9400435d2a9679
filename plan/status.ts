/** What a rollout says about itself: the answer to `status` and `explain`, the source of every screen. */

import type { GatePoint } from './plan.ts';
import type { Outcome, Phase } from './phases.ts';
import type { Release } from './release.ts';
import type { Finding } from '../judge/verdict.ts';

/** Plain JSON; times are epoch ms, weights basis points, absent things `null`. */
export interface Status {
  readonly rollout: string;
  readonly run: string;
  readonly service: string;
  readonly environment: string;
  readonly title: string;
  readonly release: Release;
  readonly stable: Release | null;
  readonly planDigest: string;
  readonly requester: string;
  readonly identity: 'trust';
  readonly startedAt: number;
  readonly at: number;
  readonly phase: Phase;
  readonly phaseSince: number;
  readonly outcome: Outcome | null;
  /** Why it went back, was refused or holds. */
  readonly reason: string | null;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  readonly fence: number;
  readonly steps: readonly StepStatus[];
  /** Index of the present step; -1 before the first. */
  readonly step: number;
  readonly weights: Weights;
  readonly bake: BakeStatus | null;
  readonly findings: readonly Finding[];
  readonly requests: readonly RequestStatus[];
  readonly paused: Stopped | null;
  readonly held: Stopped | null;
  /** No weight rises until it is lifted; `resume` does not. */
  readonly frozen: Stopped | null;
  readonly smoke: readonly SmokeSummary[];
  /** Kill switches that were turned off, or should have been; absent while there are none. */
  readonly switches?: readonly SwitchStatus[];
  /** Last messages that took effect, newest last. */
  readonly receipts: readonly ControlReceipt[];
  /** Last messages that did not, newest last. */
  readonly ignored: readonly IgnoredMessage[];
}

/** Asked for, accepted by the control plane, seen in request counts: three numbers, shown as three. */
export interface Weights {
  readonly requestedBp: number;
  readonly acceptedBp: number | null;
  /** 0..1 */
  readonly observedShare: number | null;
  readonly observedRequests: number | null;
}

export interface StepStatus {
  readonly weightBp: number;
  readonly state: 'done' | 'current' | 'ahead';
  readonly weights: Weights | null;
  readonly bakeMinMs: number;
  readonly bakeMaxMs: number;
}

export interface BakeStatus {
  readonly state: 'baking' | 'clean' | 'held' | 'stopped';
  readonly validMs: number;
  readonly elapsedMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  /** One sentence from the watch. */
  readonly summary: string;
  /** When these numbers were taken. */
  readonly at: number;
}

export interface Stopped {
  readonly by: string;
  readonly reason: string;
  readonly since: number;
  /** When the default happens, and which; `null` when it waits for ever. */
  readonly until: number | null;
  readonly then: string;
}

export interface RequestStatus {
  readonly gate: string;
  readonly point: GatePoint;
  readonly state: string;
  readonly openedAt: number;
  readonly expiresAt: number;
  readonly onExpiry: string;
  readonly evidenceRevision: number;
  readonly evidenceDigest: string;
  readonly decisions: readonly {
    person: string;
    kind: string;
    roles: readonly string[];
    at: number;
    reason: string | null;
    void: string | null;
  }[];
  /** Who is still awaited, in words: `1 of sre, 1 of qa`. Empty when nobody. */
  readonly missing: string;
  readonly missingRoles: readonly string[];
  /** What a yes would change; absent where a gate of the plan asks. */
  readonly edit?: EditAsked;
}

/** An edited plan that waits for a gate to say yes to it; the rollout goes on meanwhile by the plan it has. */
export interface EditAsked {
  /** Decisions on this request are about the edited plan, not the running one. */
  readonly planDigest: string;
  readonly by: string;
  readonly reason: string;
  /** One sentence for each difference. */
  readonly edits: readonly string[];
}

/** A kill switch once somebody, or a criterion, has turned it off. Turning it on again is a person's act, outside of Sluice. */
export interface SwitchStatus {
  readonly id: string;
  /** `on`: it could not be turned off. */
  readonly state: 'turning' | 'off' | 'on';
  /** `rule` for a criterion. */
  readonly by: string;
  readonly reason: string;
  /** Epoch ms of the present state. */
  readonly since: number;
  /** What was tried once it was off, or why it could not be turned. */
  readonly detail: string;
  /** From when on the criteria that turn it off have their last word, epoch ms; `null` while it is not off. */
  readonly rejudgeAt: number | null;
}

export interface SmokeSummary {
  readonly suite: string;
  readonly aim: string;
  readonly passed: boolean;
  readonly sentence: string;
  readonly at: number;
}

/** Proof that a controlling message was seen, and what came of it. */
export interface ControlReceipt {
  readonly id: number;
  readonly message:
    | 'pause'
    | 'resume'
    | 'freeze'
    | 'lift'
    | 'flip'
    | 'abort'
    | 'step-back'
    | 'supersede'
    | 'detach'
    | 'edit-plan'
    | 'cancel';
  readonly by: string;
  readonly reason: string;
  readonly at: number;
  /** Share that the release had when the message was seen. */
  readonly fromBp: number;
  /** `seen`: will take effect. `confirmed`: read back at the target. `ignored`: changes nothing, and why. */
  readonly state: 'seen' | 'confirmed' | 'ignored';
  readonly detail: string;
}

export interface IgnoredMessage {
  readonly at: number;
  readonly message: string;
  readonly by: string;
  /** At most 1 KB. */
  readonly reason: string;
}

/** What is it waiting for, since when, who can unblock it, what happens if nobody does, when is it over at the earliest. */
export interface Explanation {
  readonly waitingFor: string;
  readonly since: number;
  readonly unblock: readonly string[];
  readonly otherwise: string;
  /** Epoch ms; a moment that people and targets may still put off. */
  readonly earliestFinish: number | null;
  /** Shortest time that must pass after what runs now, ms: from whatever moment that ends, it cannot be over sooner. */
  readonly restMs: number;
  /** Workflow time of this answer: that of the rollout's last event, not of the question. */
  readonly at: number;
  /** Absent while it goes on, and from a worker of 0.1.0. `because`: each problem of a refusal, else one reason or none. */
  readonly ended?: { readonly outcome: Outcome; readonly because: readonly string[] };
}
