/** How each class of activity is called: time-outs, retries and cancellation stand here, beside the proxy. */

import { ActivityCancellationType, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/contract.ts';
import { watchQueue } from './messages.ts';

/** How long an effect on the way forward may take, all tries together, ms; then the rollout goes back. */
export const patience = { deploying: 30 * 60_000, moving: 10 * 60_000 } as const;

/** Errors that trying again cannot mend; see `providers/errors.ts`. */
const hopeless = ['invalid', 'fenced', 'denied', 'missing'];

/** Reads and checks: the caller turns a failure into a refusal. */
export const checking = proxyActivities<Activities>({
  startToCloseTimeout: '60s',
  heartbeatTimeout: '5s',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: { initialInterval: '1s', maximumInterval: '10s', maximumAttempts: 5, nonRetryableErrorTypes: hopeless },
});

/** What an effect began on the way forward is waited for when it is cancelled; what it cannot mend is not tried again. */
const forward = {
  heartbeatTimeout: '5s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '1s', backoffCoefficient: 1.5, maximumInterval: '30s', nonRetryableErrorTypes: hopeless },
} as const;

/** Effects on the way forward: bounded, so that a target that never answers turns the rollout back. */
export const moving = proxyActivities<Activities>({
  ...forward,
  startToCloseTimeout: '2m',
  scheduleToCloseTimeout: patience.moving,
});

/** Starting a release takes as long as its image needs. */
export const deploying = proxyActivities<Activities>({
  ...forward,
  startToCloseTimeout: '15m',
  scheduleToCloseTimeout: patience.deploying,
});

/** A kill switch: pods may have to be replaced, and somebody waits for it. */
export const flipping = proxyActivities<Activities>({
  ...forward,
  startToCloseTimeout: '10m',
  scheduleToCloseTimeout: '15m',
});

/** A promotion that waits for people: a release is merged when somebody gets to it. */
export const promotingByPeople = proxyActivities<Activities>({
  ...forward,
  startToCloseTimeout: '24h',
  scheduleToCloseTimeout: '7d',
});

/** Going back: without limit, first in every queue, whatever the error. */
export const reverting = proxyActivities<Activities>({
  startToCloseTimeout: '2m',
  heartbeatTimeout: '5s',
  priority: { priorityKey: 1 },
  retry: { initialInterval: '500ms', backoffCoefficient: 1.5, maximumInterval: '10s' },
});

/** For `reverting`: tried on whatever happens, but a larger fence at the target comes back to the workflow. */
export const untilFenced = { nonRetryableErrorTypes: ['fenced'] };

/** One bounded try at something that must not hold anything up. */
export const telling = proxyActivities<Activities>({
  startToCloseTimeout: '10s',
  retry: { initialInterval: '1s', maximumAttempts: 3 },
});

/** The record on its way into the archive: for so long it is just waited for, then people are told, ms. */
export const archiveLateMs = 60_000;

const keeping = { startToCloseTimeout: '2m', heartbeatTimeout: '10s' } as const;
const keptFor = { initialInterval: '1s', backoffCoefficient: 2, nonRetryableErrorTypes: ['invalid'] };

/** The first tries; what stops them is told. */
export const keepingSoon = proxyActivities<Activities>({
  ...keeping,
  scheduleToCloseTimeout: archiveLateMs,
  retry: { ...keptFor, maximumInterval: '30s' },
});

/** Without limit: a disk is emptied and a bucket comes back at somebody's leisure. */
export const keepingAtLast = proxyActivities<Activities>({
  ...keeping,
  retry: { ...keptFor, initialInterval: '10s', maximumInterval: '5m' },
});

/** Who is this? Waits for a directory that is away, as long as the request is open. */
export const proving = proxyActivities<Activities>({
  startToCloseTimeout: '10s',
  retry: { initialInterval: '1s', maximumInterval: '10s', maximumAttempts: 10 },
});

/** The watch: cancelled to hear its checkpoint, so its end is awaited; its queue is its own. */
export function watching() {
  return proxyActivities<Activities>({
    taskQueue: watchQueue(workflowInfo().taskQueue),
    startToCloseTimeout: '70m',
    heartbeatTimeout: '5s',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '500ms', backoffCoefficient: 1.5, maximumInterval: '10s' },
  });
}
