/** What a watch knew whose worker died while it was being stopped: the server hands its last heartbeat on with the time-out. */

import { patched } from '@temporalio/workflow';
import { ActivityFailure, TimeoutFailure } from '@temporalio/common';
import type { WatchCheckpoint, WatchReport } from '../activities/contract.ts';

/** As if it had been told with its last breath; `null` when there is nothing, or what there is has another form. */
export function lastBeat(error: unknown): WatchReport | null {
  const cause = error instanceof ActivityFailure ? error.cause : null;
  if (!(cause instanceof TimeoutFailure) || !isCheckpoint(cause.lastHeartbeatDetails)) return null;
  return patched('last-beat') ? { kind: 'stopped', checkpoint: cause.lastHeartbeatDetails } : null;
}

/** Of another version's worker it may lack something. */
function isCheckpoint(value: unknown): value is WatchCheckpoint {
  if (typeof value !== 'object' || value === null) return false;
  const needed = ['stage', 'stageSince', 'validMs', 'elapsedMs', 'judge', 'findings', 'observed', 'troubles', 'fence'];
  return needed.every((key) => key in value);
}
