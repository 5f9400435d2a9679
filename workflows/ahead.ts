/** Keeps a query from moving a rollout: what happened is handled in the task that tells of it, and nowhere else. */

import type { WorkflowInterceptors } from '@temporalio/workflow';
import { askAgain } from './messages.ts';

/**
 * For a query on a run that is not in its cache the SDK also hands over the events after the last workflow task. The task
 * that follows would then be answered in an order that no replay repeats, and the rollout would be stuck at the next crash.
 * Such news is told from a task's by the size of the history, which only the start of a task sets; refusing it fails the
 * query and drops the run from the cache, so the task begins from the history.
 */
export function interceptors(): WorkflowInterceptors {
  let known = { events: 0, bytes: -1 };
  return {
    internals: [
      {
        activate(input, next) {
          const { activation } = input;
          const isNews = activation.jobs?.some(({ queryWorkflow }) => queryWorkflow == null) ?? false;
          if (isNews) {
            const events = activation.historyLength ?? 0;
            const bytes = activation.historySizeBytes?.toNumber() ?? 0;
            if (bytes > 0 && bytes === known.bytes && events > known.events) throw new Error(askAgain);
            known = { events, bytes };
          }
          next(input);
        },
      },
    ],
  };
}
