/** What the Temporal server itself knows about a rollout, without any worker: state, release, heartbeat, result. */

import { defaultPayloadConverter, WorkflowNotFoundError, type WorkflowExecutionDescription } from '@temporalio/client';
import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import type { WatchCheckpoint } from '../activities/contract.ts';
import type { RolloutResult } from '../workflows/messages.ts';
import { readAttributes, readMemo, type Attributes, type Memo } from './attributes.ts';
import { ClientError } from './errors.ts';
import { rolloutName } from './ids.ts';
import { call, serverCallMs, type Session } from './session.ts';
import { pinnedVersion, type Version } from './versions.ts';

/** Plain JSON; absent things are `null`, times epoch ms. */
export interface Described extends Attributes, Memo {
  readonly rollout: string;
  readonly run: string;
  /** First run of its chain: what claims and records name. */
  readonly chain: string;
  readonly taskQueue: string;
  /** Only workers of this version carry it on; `null` for any. */
  readonly pinnedTo: Version | null;
  /** Name of Temporal's status: `RUNNING`, `COMPLETED`, `TERMINATED`, … */
  readonly execution: string;
  readonly open: boolean;
  readonly startedAt: number;
  readonly closedAt: number | null;
  readonly historyEvents: number;
  /** Heartbeat details of the pending watch; newer than anything the workflow knows. */
  readonly watch: WatchCheckpoint | null;
  /** When the watch last reported. */
  readonly watchAt: number | null;
  readonly activities: readonly PendingActivity[];
  /** A workflow task that nobody has picked up since then. */
  readonly taskWaitingSince: number | null;
  /** Failed attempts of the present workflow task; a stuck rollout counts up. */
  readonly taskAttempt: number;
}

export interface PendingActivity {
  readonly type: string;
  readonly attempt: number;
  readonly lastFailure: string | null;
}

/** The latest run of this id, or exactly `run`. Throws `ClientError` not-found, unreachable, denied. */
export async function describe(session: Session, rollout: string, run?: string): Promise<Described> {
  const handle = session.client.workflow.getHandle(rollout, run);
  const description = await call(session, serverCallMs, () => handle.describe());
  return described(description);
}

/** Outcome of a closed run; `null` when it ended without one. Throws `ClientError`. */
export async function resultOf(session: Session, rollout: string, run?: string): Promise<RolloutResult | null> {
  const handle = session.client.workflow.getHandle(rollout, run);
  const { open } = await describe(session, rollout, run);
  if (open)
    throw new ClientError({
      code: 'timed-out',
      doing: `waiting for the end of ${rolloutName(rollout)}`,
      updateId: null,
    });
  try {
    return (await call(session, serverCallMs, () => handle.result())) as RolloutResult | null;
  } catch (error) {
    if (error instanceof ClientError || error instanceof WorkflowNotFoundError) throw error;
    return null; // failed, terminated, timed out or cancelled: an end without an outcome
  }
}

function described(from: WorkflowExecutionDescription): Described {
  const task = from.raw.pendingWorkflowTask;
  const watch = (from.raw.pendingActivities ?? []).find((activity) => activity.activityType?.name === 'watch');
  return {
    rollout: from.workflowId,
    run: from.runId,
    chain: from.raw.workflowExecutionInfo?.firstRunId ?? from.runId,
    taskQueue: from.taskQueue,
    pinnedTo: pinnedVersion(from.raw.workflowExecutionInfo?.versioningInfo),
    execution: from.status.name,
    open: from.status.name === 'RUNNING' || from.status.name === 'PAUSED',
    startedAt: from.startTime.getTime(),
    closedAt: from.closeTime?.getTime() ?? null,
    ...readAttributes(from.typedSearchAttributes),
    ...readMemo(from.memo),
    historyEvents: from.historyLength,
    watch: checkpointOf(watch?.heartbeatDetails?.payloads?.[0]),
    watchAt: optionalTsToMs(watch?.lastHeartbeatTime) ?? null,
    activities: (from.raw.pendingActivities ?? []).map((activity) => ({
      type: activity.activityType?.name ?? '',
      attempt: activity.attempt ?? 1,
      lastFailure: activity.lastFailure?.message ?? null,
    })),
    taskWaitingSince: task != null && task.startedTime == null ? (optionalTsToMs(task.scheduledTime) ?? null) : null,
    taskAttempt: task?.attempt ?? 0,
  };
}

type HeartbeatPayload = Parameters<typeof defaultPayloadConverter.fromPayload>[0];

/** Heartbeat details are written by a worker, of whatever version: anything unexpected is no checkpoint. */
function checkpointOf(payload: HeartbeatPayload | undefined): WatchCheckpoint | null {
  if (payload === undefined) return null;
  try {
    const value = defaultPayloadConverter.fromPayload<Partial<WatchCheckpoint> | null>(payload);
    const whole = value?.stage !== undefined && Array.isArray(value.findings) && value.observed !== undefined;
    return whole ? (value as WatchCheckpoint) : null;
  } catch {
    return null; // encrypted, or not JSON: the status query still has the workflow's own numbers
  }
}
