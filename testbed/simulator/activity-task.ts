/** An activity as the server sees it: attempts, time-outs, retries and cancellation, until it has one result. */

import type { Info } from '@temporalio/activity';
import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import type { coresdk, temporal } from '@temporalio/proto';
import { Attempt } from './attempt.ts';
import type { HeartbeatAnswer } from './attempt.ts';
import { awayFor, hop } from './floor.ts';
import type { Floor } from './floor.ts';
import { fromPayload } from './payloads.ts';
import { RetryState, TimeoutType } from './proto.ts';
import type { ActivityResult, Failure, Identity, Job, Payload } from './sandbox.ts';
import type { Planned } from './schedule.ts';

type Scheduled = coresdk.workflow_commands.IScheduleActivity;

/** What became of it, for whoever waits in the workflow. */
export interface Verdict {
  readonly result: NonNullable<Job['resolveActivity']>['result'];
  /** History events that its end wrote. */
  readonly events: number;
}

export class ActivityTask {
  readonly seq: number;
  readonly type: string;
  private readonly floor: Floor;
  private readonly identity: Identity;
  private readonly command: Scheduled;
  private readonly tell: (verdict: Verdict) => void;
  private readonly scheduledAt: number;
  private attempts = 0;
  private current: Attempt | null = null;
  /** It waits for its first attempt or for the next one. */
  private waiting: Planned | null = null;
  private isDispatchable = false;
  private details: Payload | null = null;
  private cancelAsked = false;
  private over = false;
  private startToClose: Planned | null = null;
  private silence: Planned | null = null;
  private lastFailure: Failure | null = null;
  private readonly deadline: Planned | null;

  constructor(floor: Floor, identity: Identity, command: Scheduled, tell: (verdict: Verdict) => void) {
    this.floor = floor;
    this.identity = identity;
    this.command = command;
    this.tell = tell;
    this.seq = command.seq ?? 0;
    this.type = command.activityType ?? '';
    this.scheduledAt = floor.schedule.now;
    const patience = optionalTsToMs(command.scheduleToCloseTimeout);
    this.deadline = patience === undefined ? null : floor.schedule.in(patience, () => this.tooLate());
    this.dispatchIn(hop(floor));
  }

  get isOver(): boolean {
    return this.over;
  }

  /** A worker has come up, or the wait before the next attempt is over. */
  dispatch(): void {
    const { worker } = this.floor;
    if (!this.isDispatchable || this.over || worker === null) return;
    const late = Math.max(worker.frozenFor(), awayFor(this.floor));
    if (late > 0) return this.dispatchIn(late);
    this.isDispatchable = false;
    this.attempts += 1;
    const info = this.info();
    this.floor.trace.add(`activity ${this.type} attempt ${String(this.attempts)}`);
    this.current = new Attempt(this.floor, worker, this, info, this.command.arguments ?? []);
    this.startToClose = this.floor.schedule.in(info.startToCloseTimeoutMs, () => this.timeOut('startToClose'));
    this.listen();
  }

  /** Asked by the workflow: heard at the next heartbeat, or settled at once when nothing runs. */
  requestCancel(): void {
    this.cancelAsked = true;
    if (this.current === null && !this.over) this.settle({ cancelled: { failure: cancelled } }, 1);
  }

  /** The run has ended: whoever still works on it will hear so. */
  drop(): void {
    this.over = true;
    this.stopTimers();
    this.deadline?.cancel();
  }

  heartbeat(attempt: Attempt, details: Payload): HeartbeatAnswer {
    if (this.over || attempt !== this.current) return 'unknown';
    this.details = details;
    this.listen();
    return this.cancelAsked ? 'cancel' : 'ok';
  }

  ended(attempt: Attempt, result: ActivityResult): void {
    if (this.over || attempt !== this.current) {
      this.floor.trace.add(`late result of ${this.type} refused`);
      return;
    }
    if (result.completed) return this.settle({ completed: result.completed }, 2);
    if (result.cancelled && this.cancelAsked) return this.settle({ cancelled: { failure: cancelled } }, 2);
    this.failed(result.failed?.failure ?? { message: 'ended in a way that nobody asked for' });
  }

  private timeOut(kind: 'startToClose' | 'heartbeat'): void {
    const names = { startToClose: 'StartToClose', heartbeat: 'Heartbeat' };
    this.floor.trace.add(`activity ${this.type}: ${names[kind]} time-out`);
    this.failed({
      message: `activity ${names[kind]} timeout`,
      timeoutFailureInfo: {
        timeoutType:
          kind === 'heartbeat' ? TimeoutType.TIMEOUT_TYPE_HEARTBEAT : TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE,
        ...(this.details !== null && { lastHeartbeatDetails: { payloads: [this.details] } }),
      },
    });
  }

  private tooLate(): void {
    if (this.over) return;
    const timeout: Failure = {
      message: 'activity ScheduleToClose timeout',
      timeoutFailureInfo: { timeoutType: TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE },
      ...(this.lastFailure === null ? {} : { cause: this.lastFailure }),
    };
    this.fail(timeout, RetryState.RETRY_STATE_TIMEOUT);
  }

  /** The attempt is over for the server; its code may go on as a zombie. */
  private failed(failure: Failure): void {
    this.current = null;
    this.stopTimers();
    this.lastFailure = failure;
    const retry = this.command.retryPolicy;
    const info = failure.applicationFailureInfo;
    const hopeless = info?.nonRetryable === true || (retry?.nonRetryableErrorTypes ?? []).includes(info?.type ?? '');
    if (hopeless) return this.fail(failure, RetryState.RETRY_STATE_NON_RETRYABLE_FAILURE);
    if (this.cancelAsked) return this.fail(failure, RetryState.RETRY_STATE_CANCEL_REQUESTED);
    const most = retry?.maximumAttempts ?? 0;
    if (most > 0 && this.attempts >= most) return this.fail(failure, RetryState.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED);
    this.floor.trace.add(`activity ${this.type} again: ${failure.message ?? ''}`);
    this.dispatchIn(this.pause(optionalTsToMs(info?.nextRetryDelay)));
  }

  private pause(asked: number | undefined): number {
    if (asked !== undefined) return asked;
    const retry = this.command.retryPolicy;
    const first = optionalTsToMs(retry?.initialInterval) ?? 1_000;
    const longest = optionalTsToMs(retry?.maximumInterval) ?? 100 * first;
    const factor = retry?.backoffCoefficient ?? 2;
    const lateness = this.floor.random('lateness').between(...this.floor.manners.lateness);
    return Math.min(longest, first * factor ** (this.attempts - 1)) + lateness;
  }

  private dispatchIn(ms: number): void {
    this.waiting?.cancel();
    this.isDispatchable = false;
    this.waiting = this.floor.schedule.in(ms, () => {
      this.isDispatchable = true;
      this.dispatch();
    });
  }

  private listen(): void {
    this.silence?.cancel();
    const patience = optionalTsToMs(this.command.heartbeatTimeout);
    if (patience === undefined) return;
    this.silence = this.floor.schedule.in(patience, () => this.timeOut('heartbeat'));
  }

  private fail(cause: Failure, retryState: temporal.api.enums.v1.RetryState): void {
    const failure: Failure = {
      message: 'Activity task failed',
      cause,
      activityFailureInfo: {
        activityId: this.command.activityId ?? '',
        activityType: { name: this.type },
        retryState,
      },
    };
    this.floor.trace.add(`activity ${this.type} failed: ${cause.message ?? ''}`);
    this.settle({ failed: { failure } }, 2);
  }

  private settle(result: Verdict['result'], events: number): void {
    this.drop();
    this.current = null;
    this.tell({ result, events });
  }

  private stopTimers(): void {
    this.startToClose?.cancel();
    this.silence?.cancel();
    this.waiting?.cancel();
  }

  private info(): Info {
    const { command, identity } = this;
    const token = `${identity.runId}/${String(this.seq)}/${String(this.attempts)}`;
    return {
      taskToken: Buffer.from(token),
      base64TaskToken: token,
      activityId: command.activityId ?? '',
      activityType: this.type,
      namespace: identity.namespace,
      attempt: this.attempts,
      isLocal: false,
      inWorkflow: true,
      workflowExecution: { workflowId: identity.workflowId, runId: identity.runId },
      workflowType: identity.workflowType,
      scheduledTimestampMs: this.scheduledAt,
      currentAttemptScheduledTimestampMs: this.floor.schedule.now,
      startToCloseTimeoutMs: optionalTsToMs(command.startToCloseTimeout) ?? 86_400_000,
      scheduleToCloseTimeoutMs: optionalTsToMs(command.scheduleToCloseTimeout) ?? 0,
      heartbeatTimeoutMs: optionalTsToMs(command.heartbeatTimeout),
      heartbeatDetails: fromPayload(this.details),
      taskQueue: command.taskQueue ?? identity.taskQueue,
    } as unknown as Info; // without its deprecated fields
  }
}

export const cancelled: Failure = { message: 'Activity cancelled', canceledFailureInfo: {} };
