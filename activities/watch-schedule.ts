/** When the watch polls: on a grid, exactly at the end of a bake, and, after a break, at the grid points it missed. */

import type { WatchCheckpoint, WatchInput } from './contract.ts';
import { countedFrom, hasData, isSameStage } from './watch-checkpoint.ts';

/** Without metrics, or at zero, only the target is looked at. */
const everyTargetMs = 5_000;

/** A break of hours is looked at in this many points. */
const mostPoints = 240;

/** A bad release that somebody gives traffic again must not wait for a slow metrics interval. */
export function everyOf({ metrics, goal }: WatchInput): number {
  const everyMs = metrics?.everyMs ?? everyTargetMs;
  return goal.kind === 'zero' ? Math.min(everyMs, everyTargetMs) : everyMs;
}

export function lagOf(input: WatchInput): number {
  return input.metrics?.lagMs ?? 0;
}

/** Points strictly between two moments that nobody looked at, and the time between them. */
export interface Missed {
  readonly points: readonly number[];
  readonly everyMs: number;
}

/** None as long as the break is no longer than two intervals: that is still unbroken. */
export function missedBetween(from: number, to: number, everyMs: number): Missed {
  const gap = to - from;
  if (!(gap > 2 * everyMs)) return { points: [], everyMs };
  const spacing = Math.max(everyMs, Math.ceil(gap / (mostPoints + 1)));
  const count = Math.ceil(gap / spacing) - 1;
  return { points: Array.from({ length: count }, (_, index) => from + (index + 1) * spacing), everyMs: spacing };
}

/** Whether the present stage is one whose bake (or watch) is still to be ended. */
export function isBaking({ goal }: WatchInput, checkpoint: WatchCheckpoint): boolean {
  switch (goal.kind) {
    case 'bake':
      return true;
    case 'keep':
      return !isSameStage(goal.stage, checkpoint.stage);
    case 'zero':
      return false;
  }
}

/** The next grid point, or the moment at which the bake or the watch can be over, whichever is first. */
export function nextPollAt(input: WatchInput, checkpoint: WatchCheckpoint): number {
  const from = countedFrom(checkpoint);
  const left = timeLeft(input, checkpoint);
  return from + (left > 0 ? Math.min(left, everyOf(input)) : everyOf(input));
}

/** Running time until the stage can be over; 0 when time is not what it lacks. */
function timeLeft(input: WatchInput, checkpoint: WatchCheckpoint): number {
  if (input.clock === 'stopped' || !isBaking(input, checkpoint)) return 0;
  const { stage } = checkpoint;
  switch (stage.kind) {
    case 'deployed':
    case 'back':
      return 0;
    case 'promoted':
      return hasData(checkpoint) ? input.watchMs - checkpoint.validMs : 0;
    case 'step':
      return hasData(checkpoint) ? (input.steps[stage.index]?.bakeMinMs ?? 0) - checkpoint.validMs : 0;
  }
}
