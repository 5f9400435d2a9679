/** Who polls a task queue: the server's own list, so that a missing worker is told in milliseconds. */

import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import { watchQueue } from '../workflows/messages.ts';
import { ClientError } from './errors.ts';
import { call, serverCallMs, type Session } from './session.ts';
import { idleBecause, isSame, routingOf, versionOf, wordsFor, type Routing, type Version } from './versions.ts';

export interface QueuePollers {
  readonly taskQueue: string;
  /** Identities of workers that poll. */
  readonly workflow: readonly string[];
  readonly activity: readonly string[];
  /** Of those that poll for workflow tasks; `null` for workers without a version. */
  readonly versions: readonly (Version | null)[];
  readonly routing: Routing;
}

/** A poll is answered within a minute and repeated at once; whoever has not polled for longer than this is gone, ms. */
const goneAfterMs = 70_000;

type QueueType = proto.temporal.api.enums.v1.TaskQueueType;
type PollerInfo = proto.temporal.api.taskqueue.v1.IPollerInfo;

const { TaskQueueType, WorkerVersioningMode } = proto.temporal.api.enums.v1;

/** Pollers of the main queue and of the watches' queue. Throws `ClientError`. */
export async function pollers(session: Session): Promise<readonly [QueuePollers, QueuePollers]> {
  return Promise.all([pollersOf(session, session.taskQueue), pollersOf(session, watchQueue(session.taskQueue))]);
}

async function pollersOf(session: Session, taskQueue: string): Promise<QueuePollers> {
  const [workflow, activity] = await Promise.all([
    polled(session, taskQueue, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
    polled(session, taskQueue, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
  ]);
  const { versions, routing } = workflow;
  return { taskQueue, workflow: workflow.identities, activity: activity.identities, versions, routing };
}

interface Polled {
  readonly identities: readonly string[];
  readonly versions: readonly (Version | null)[];
  readonly routing: Routing;
}

async function polled(session: Session, taskQueue: string, taskQueueType: QueueType): Promise<Polled> {
  const { pollers: found, versioningInfo } = await call(session, serverCallMs, () =>
    session.client.workflowService.describeTaskQueue({
      namespace: session.namespace,
      taskQueue: { name: taskQueue },
      taskQueueType,
    }),
  );
  const now = Date.now();
  return {
    identities: aliveAt(found, now),
    versions: found.filter((poller) => isAlive(poller, now)).map(versionOfPoller),
    routing: routingOf(versioningInfo),
  };
}

function versionOfPoller({ deploymentOptions }: PollerInfo): Version | null {
  const isVersioned = deploymentOptions?.workerVersioningMode === WorkerVersioningMode.WORKER_VERSIONING_MODE_VERSIONED;
  return isVersioned ? versionOf(deploymentOptions) : null;
}

/** The server remembers pollers for five minutes, those that were killed too. `now`: epoch ms. */
export function aliveAt(found: readonly PollerInfo[], now: number): readonly string[] {
  const alive = found.filter((poller) => isAlive(poller, now));
  return [...new Set(alive.map((poller) => poller.identity ?? ''))].sort();
}

function isAlive({ lastAccessTime }: PollerInfo, now: number): boolean {
  return now - (optionalTsToMs(lastAccessTime) ?? 0) <= goneAfterMs;
}

/** Throws `ClientError` no-worker when nobody polls for what begins now: nobody at all, or no worker of the current version. */
export async function needWorker(session: Session): Promise<void> {
  const { taskQueue, namespace } = session;
  const { versions, routing } = await polled(session, taskQueue, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW);
  if (versions.length === 0) throw noWorker(taskQueue);
  const idle = idleBecause(versions, routing, namespace);
  if (idle !== null) throw new ClientError({ code: 'no-worker', taskQueue, detail: idle });
}

/** What runs on a task queue; `pinnedTo`: only workers of this version carry it on. */
export interface Served {
  readonly rollout: string;
  readonly taskQueue: string;
  readonly pinnedTo: Version | null;
  readonly open: boolean;
}

/** Throws `ClientError` no-worker when nobody polls that could answer for this rollout. */
export async function needWorkerOf(session: Session, served: Served): Promise<void> {
  const { taskQueue, pinnedTo } = served;
  const { versions } = await polled(session, taskQueue, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW);
  if (versions.length === 0) throw noWorker(taskQueue);
  if (pinnedTo !== null && !versions.some((version) => isSame(version, pinnedTo))) throw noWorkerOf(session, served, 0);
}

/** As `noWorker`, for what was begun already: while it runs, somebody can move it to a build that has workers. */
export function noWorkerOf(
  { namespace }: Session,
  { rollout, taskQueue, pinnedTo, open }: Served,
  silentMs: number,
  cause?: unknown,
): ClientError {
  if (pinnedTo === null) return noWorker(taskQueue, silentMs, cause);
  const where = namespace === 'default' ? '' : ` --namespace ${namespace}`;
  const move = `temporal workflow update-options -w ${rollout} --versioning-override-behavior auto_upgrade${where}`;
  const detail = open
    ? `${rollout} is pinned to ${wordsFor(pinnedTo)}, of which none answers; start one, or move it to the current build: ${move}`
    : `${rollout} ended on ${wordsFor(pinnedTo)}, of which none answers; start one to ask it, or look into the archive`;
  return new ClientError({ code: 'no-worker', taskQueue, detail }, cause);
}

/** `silentMs`: how long one that polled lately stayed silent; `null` when none did. */
export function noWorker(taskQueue: string, silentMs: number | null = null, cause?: unknown): ClientError {
  const detail =
    silentMs === null
      ? 'nobody polls it; start one with `sluice worker --config FILE`'
      : `one polled lately, but none answered within ${silentMs / 1_000} s; see that it runs: \`sluice worker --config FILE\``;
  return new ClientError({ code: 'no-worker', taskQueue, detail }, cause);
}
