/** How a run ends, and which command says so. */

import { fromPayload } from './payloads.ts';
import type { Command, Payload } from './sandbox.ts';

/** How a run ended. */
export type Closing =
  | { readonly kind: 'completed'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'terminated'; readonly why: string }
  | { readonly kind: 'continued'; readonly args: readonly Payload[] };

export function closingOf(command: Command): Closing {
  const { completeWorkflowExecution, failWorkflowExecution, continueAsNewWorkflowExecution } = command;
  if (completeWorkflowExecution) return { kind: 'completed', result: fromPayload(completeWorkflowExecution.result) };
  if (failWorkflowExecution)
    return { kind: 'failed', why: failWorkflowExecution.failure?.message ?? 'no reason given' };
  if (continueAsNewWorkflowExecution)
    return { kind: 'continued', args: continueAsNewWorkflowExecution.arguments ?? [] };
  return { kind: 'cancelled' };
}
