/** What a rollout tells the worker's metrics: born in the workflow, counted outside. Types only; best effort, never a record. */

import type { Sinks } from '@temporalio/workflow';
import type { GatePoint } from '../plan/plan.ts';
import type { Outcome, TurnBack } from '../plan/phases.ts';

/**
 * Use with `proxySinks<ObserverSinks>()`. The worker registers them with `callDuringReplay: false` and learns the
 * rollout from the workflow's own info. Arguments are plain JSON.
 */
export interface ObserverSinks extends Sinks {
  readonly observer: {
    /** A gate stopped waiting, whatever the answer was. */
    gateClosed(gate: GateClosed): void;
    /** The rollout began to go back. */
    turnedBack(turn: TurnedBack): void;
    /** The rollout has reached its outcome: gauges of it go away. */
    ended(end: Ended): void;
  };
}

export interface GateClosed {
  readonly point: GatePoint['kind'];
  readonly state: 'approved' | 'rejected' | 'expired' | 'closed';
  /** From the request's opening to its end, ms. */
  readonly waitMs: number;
}

export interface TurnedBack {
  readonly reason: TurnBack['kind'];
  /** Share that the release had, basis points. */
  readonly fromBp: number;
}

export interface Ended {
  readonly outcome: Outcome;
  /** From the start of the first run, ms. */
  readonly tookMs: number;
}
