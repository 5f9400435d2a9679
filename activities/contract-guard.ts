/** The guardian's input and what it remembers from one activity to the next. Types only. */

import type { Standstill } from '../plan/orphan.ts';

export interface GuardInput {
  /** What the activity before found out; `null` at the first. */
  readonly memory: GuardMemory | null;
  readonly forMs: number;
}

/** Plain JSON, small; travels in heartbeats and from one hour to the next. Times are epoch ms of the worker. */
export interface GuardMemory {
  readonly summary: string;
  /** When it last looked. */
  readonly lookedAt: number;
  /** Since then it has looked without a gap: nobody stands still because all workers were away. */
  readonly lookingSince: number;
  readonly suspects: readonly Suspect[];
  /** Rollouts whose revert was started here, so that one that fails again and again is not started in a tight loop. */
  readonly reverts: readonly Reverted[];
}

/** An open run that stands still. */
export interface Suspect {
  readonly rollout: string;
  readonly run: string;
  readonly standstill: Standstill;
  /** Since when the guardian itself has seen it stand. */
  readonly since: number;
  /** What people have been told: that it stands, and that nobody can see whether its release has traffic. */
  readonly told: 'nothing' | 'stands' | 'blind';
}

export interface Reverted {
  readonly rollout: string;
  readonly times: number;
  readonly at: number;
}
