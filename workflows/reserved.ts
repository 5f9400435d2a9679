/** Names that the SDK keeps for itself: sent by somebody, they are unknown messages like all others and fail no task. */

import type { WorkflowInterceptors } from '@temporalio/workflow';

const reserved = '__temporal_';

/** The SDK would throw at such a name as soon as there is a default handler, again at every try, and the run would be stuck. */
export function interceptors(): WorkflowInterceptors {
  return {
    internals: [
      {
        activate(input, next) {
          for (const { signalWorkflow, doUpdate } of input.activation.jobs ?? []) {
            if (signalWorkflow?.signalName?.startsWith(reserved) === true) {
              signalWorkflow.signalName = `reserved: ${signalWorkflow.signalName}`;
            }
            if (doUpdate?.name?.startsWith(reserved) === true) doUpdate.name = `reserved: ${doUpdate.name}`;
          }
          next(input);
        },
      },
    ],
  };
}
