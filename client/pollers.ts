/** Who polls a task queue: the server's own list, so that a missing worker is told in milliseconds. */

import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import { watchQueue } from '../workflows/messages.ts';
import { ClientError } from './errors.ts';
import { call, serverCallMs, type Session } from './session.ts';

export interface QueuePollers {
  readonly taskQueue: string;
  /** Identities of workers that poll. */
  readonly workflow: readonly string[];
  readonly activity: readonly string[];
}

/** A poll is answered within a minute and repeated at once; whoever has not polled for longer than this is gone, ms. */
const goneAfterMs = 70_000;

type QueueType = proto.temporal.api.enums.v1.TaskQueueType;
type PollerInfo = proto.temporal.api.taskqueue.v1.IPollerInfo;

const { TaskQueueType } = proto.temporal.api.enums.v1;

/** Pollers of the main queue and of the watches' queue. Throws `ClientError`. */
export async function pollers(session: Session): Promise<readonly [QueuePollers, QueuePollers]> {
  return Promise.all([pollersOf(session, session.taskQueue), pollersOf(session, watchQueue(session.taskQueue))]);
}

async function pollersOf(session: Session, taskQueue: string): Promise<QueuePollers> {
  const [workflow, activity] = await Promise.all([
    identities(session, taskQueue, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
    identities(session, taskQueue, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
  ]);
  return { taskQueue, workflow, activity };
}

async function identities(session: Session, taskQueue: string, taskQueueType: QueueType): Promise<readonly string[]> {
  const { pollers: found } = await call(session, serverCallMs, () =>
    session.client.workflowService.describeTaskQueue({
      namespace: session.namespace,
      taskQueue: { name: taskQueue },
      taskQueueType,
    }),
  );
  return aliveAt(found, Date.now());
}

/** The server remembers pollers for five minutes, those that were killed too. `now`: epoch ms. */
export function aliveAt(found: readonly PollerInfo[], now: number): readonly string[] {
  const alive = found.filter(({ lastAccessTime }) => now - (optionalTsToMs(lastAccessTime) ?? 0) <= goneAfterMs);
  return [...new Set(alive.map((poller) => poller.identity ?? ''))].sort();
}

/** Throws `ClientError` no-worker when nobody polls `taskQueue` for workflow tasks. */
export async function needWorker(session: Session, taskQueue = session.taskQueue): Promise<void> {
  const found = await identities(session, taskQueue, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW);
  if (found.length === 0) throw noWorker(taskQueue);
}

/** `silentMs`: how long one that polled lately stayed silent; `null` when none did. */
export function noWorker(taskQueue: string, silentMs: number | null = null, cause?: unknown): ClientError {
  const detail =
    silentMs === null
      ? 'nobody polls it; start one with `sluice worker --config FILE`'
      : `one polled lately, but none answered within ${silentMs / 1_000} s; see that it runs: \`sluice worker --config FILE\``;
  return new ClientError({ code: 'no-worker', taskQueue, detail }, cause);
}
