/** Who polls a task queue: the server's own list, so that a missing worker is told in milliseconds. */

import proto from '@temporalio/proto';
import { watchQueue } from '../workflows/messages.ts';
import { ClientError } from './errors.ts';
import { call, serverCallMs, type Session } from './session.ts';

export interface QueuePollers {
  readonly taskQueue: string;
  /** Identities of workers that polled within the last five minutes. */
  readonly workflow: readonly string[];
  readonly activity: readonly string[];
}

type QueueType = proto.temporal.api.enums.v1.TaskQueueType;

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
  return found.map((poller) => poller.identity ?? '').sort();
}

/** Throws `ClientError` no-worker when nobody has polled `taskQueue` for workflow tasks lately. */
export async function needWorker(session: Session, taskQueue = session.taskQueue): Promise<void> {
  const found = await identities(session, taskQueue, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW);
  if (found.length === 0) throw noWorker(taskQueue);
}

/** `answered`: whether one polled lately but stayed silent. */
export function noWorker(taskQueue: string, silentMs: number | null = null): ClientError {
  const detail =
    silentMs === null
      ? 'nobody polls it; start one with `sluice worker --config FILE`'
      : `one polled lately, but none answered within ${silentMs / 1_000} s; see that it runs: \`sluice worker --config FILE\``;
  return new ClientError({ code: 'no-worker', taskQueue, detail });
}
