/** The guardian's Schedule: made by `setup`, looked at by `doctor`. */

import {
  defaultPayloadConverter,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type ScheduleDescription,
  type ScheduleOptions,
  type ScheduleOptionsStartWorkflowAction,
} from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import type { GuardMemory } from '../activities/contract.ts';
import { guardianId, guardianWorkflow } from '../workflows/messages.ts';
import { ClientError } from './errors.ts';
import { call, serverCallMs, type Session } from './session.ts';

export interface GuardianState {
  /** Id of the Schedule. */
  readonly schedule: string;
  readonly state: 'created' | 'updated' | 'present';
}

/** Epoch ms; `null` when it never did. */
export interface GuardianFacts {
  readonly schedule: string;
  readonly isPaused: boolean;
  readonly note: string | null;
  readonly startedAt: number | null;
  readonly lookedAt: number | null;
  /** What it found, one line. */
  readonly summary: string | null;
}

/** One guardian runs for about an hour; the next one starts within a minute after it. */
const everyMs = 60_000;
const longestMs = 90 * 60_000;

function scheduleOf({
  taskQueue,
}: Session): Omit<ScheduleOptions<ScheduleOptionsStartWorkflowAction<Workflow>>, 'scheduleId' | 'state'> {
  return {
    spec: { intervals: [{ every: everyMs }] },
    policies: { overlap: 'SKIP', catchupWindow: everyMs },
    action: {
      type: 'startWorkflow',
      workflowType: guardianWorkflow,
      workflowId: guardianId(taskQueue),
      taskQueue,
      args: [],
      workflowExecutionTimeout: longestMs,
      workflowTaskTimeout: 5_000,
      staticSummary: 'looks for rollouts that nobody carries on',
    },
  };
}

/** Safe to repeat; a pause by an operator stays. Throws `ClientError` unreachable, denied. */
export async function setUpGuardian(session: Session): Promise<GuardianState> {
  const { schedule: schedules } = session.client;
  const schedule = guardianId(session.taskQueue);
  const wanted = scheduleOf(session);
  try {
    const state = { triggerImmediately: true };
    await call(session, serverCallMs, () => schedules.create({ ...wanted, scheduleId: schedule, state }));
    return { schedule, state: 'created' };
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
  const handle = schedules.getHandle(schedule);
  const present = await call(session, serverCallMs, () => handle.describe());
  if (isAsWanted(present, session)) return { schedule, state: 'present' };
  await call(session, serverCallMs, () => handle.update(({ state }) => ({ ...wanted, state })));
  return { schedule, state: 'updated' };
}

function isAsWanted({ spec, policies, action }: ScheduleDescription, session: Session): boolean {
  const wanted = scheduleOf(session);
  const [interval, ...more] = spec.intervals ?? [];
  return (
    interval?.every === everyMs &&
    more.length === 0 &&
    policies.overlap === 'SKIP' &&
    policies.catchupWindow === everyMs &&
    action.workflowType === wanted.action.workflowType &&
    action.taskQueue === wanted.action.taskQueue &&
    action.workflowId === wanted.action.workflowId
  );
}

/** `null` when there is no Schedule. Throws `ClientError` unreachable, denied. */
export async function guardianFacts(session: Session): Promise<GuardianFacts | null> {
  const schedule = guardianId(session.taskQueue);
  let found: ScheduleDescription;
  try {
    found = await call(session, serverCallMs, () => session.client.schedule.getHandle(schedule).describe());
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null;
    throw error;
  }
  const last = found.info.recentActions.at(-1);
  const run = last === undefined ? null : await runOf(session, last.action.workflow.workflowId);
  return {
    schedule,
    isPaused: found.state.paused,
    note: found.state.note ?? null,
    startedAt: last?.takenAt.getTime() ?? null,
    lookedAt: run?.lookedAt ?? null,
    summary: run?.summary ?? null,
  };
}

/** When it looked last: its heartbeat while it runs, its end afterwards. */
async function runOf(
  session: Session,
  workflowId: string,
): Promise<Pick<GuardianFacts, 'lookedAt' | 'summary'> | null> {
  try {
    const { raw, closeTime } = await call(session, serverCallMs, () =>
      session.client.workflow.getHandle(workflowId).describe(),
    );
    const [guard] = raw.pendingActivities ?? [];
    const lookedAt = closeTime?.getTime() ?? optionalTsToMs(guard?.lastHeartbeatTime) ?? null;
    return { lookedAt, summary: summaryIn(guard?.heartbeatDetails?.payloads?.[0]) };
  } catch (error) {
    if (error instanceof ClientError && error.code === 'not-found') return null;
    throw error;
  }
}

/** Heartbeat details are written by a worker, of whatever version: anything unexpected is no summary. */
function summaryIn(payload: Parameters<typeof defaultPayloadConverter.fromPayload>[0] | undefined): string | null {
  if (payload === undefined) return null;
  try {
    const value = defaultPayloadConverter.fromPayload<Partial<GuardMemory> | null>(payload);
    return typeof value?.summary === 'string' ? value.summary : null;
  } catch {
    return null; // encrypted, or not JSON
  }
}
