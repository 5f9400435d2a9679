/** The state of a rollout as its record: what the query `record` answers, and what is handed on to be kept. */

import { log, startChild, workflowInfo } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { fitted, recordFormat, type RecordBody } from '../plan/record.ts';
import type { ArchiveInput } from '../activities/contract.ts';
import { archiveWorkflow } from './messages.ts';
import type { Run } from './run.ts';
import { statusOf } from './status.ts';

/** Once there is an outcome it says the same whenever it is asked. */
export function recordOf(run: Run): RecordBody {
  const { plan, state } = run;
  const status = statusOf(run);
  return fitted({
    format: recordFormat,
    status: state.outcome === null ? status : { ...status, at: state.phaseSince },
    plan,
    requests: state.requests,
    timeline: state.timeline,
    leftOut: [],
    masked: 0,
  });
}

/** Hands the record to a workflow of its own: however long its writing takes, the next rollout need not wait for it. */
export async function keepRecord(run: Run): Promise<void> {
  const { plan, state } = run;
  if (!state.archives) return;
  const input: ArchiveInput = { record: recordOf(run), expected: state.archives };
  try {
    await startChild(archiveWorkflow, {
      args: [input],
      workflowId: `archive/${plan.environment}/${plan.service}/${workflowInfo().runId}`,
      parentClosePolicy: 'ABANDON',
      staticSummary: `record of ${plan.service} ${plan.release.label} in ${plan.environment}: ${state.outcome ?? ''}`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    log.warn('the record of this run is being kept already');
  }
}
