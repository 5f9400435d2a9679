/** The guardian's door to the Temporal server: which runs ended or stand still, what they were, their end and their revert. */

import {
  WorkflowExecutionAlreadyStartedError,
  type Client,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import { WorkflowNotFoundError, defineSearchAttributeKey } from '@temporalio/common';
import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import { readAttributes } from '../client/attributes.ts';
import { executionOf } from '../client/execution.ts';
import type { RevertInput, Standstill } from '../plan/orphan.ts';
import { outcomes } from '../plan/phases.ts';
import { ProviderError } from '../providers/errors.ts';
import type { RunFacts, RunRef, Runs } from '../providers/ports.ts';
import { revertWorkflow, rolloutTypes } from '../workflows/messages.ts';
import { originOf } from './origin.ts';
import { wordsFor } from './temporal.ts';
import { within } from './within.ts';

/** Longer than this and the server counts as away. */
const deadlineMs = 10_000;
/** More than this are looked at when some of them are settled. */
const mostListed = 2_000;
/** So often a worker that was just killed does not fail a task. */
const failingFrom = 3;

const { PendingActivityState } = proto.temporal.api.enums.v1;
const problems = defineSearchAttributeKey('TemporalReportedProblems', 'KEYWORD_LIST');

/** All of one task queue: whoever shares the namespace has a guardian of their own. */
export function createRuns(client: Client, taskQueue: string): Runs {
  const ask = async <T>(doing: string, question: () => Promise<T>): Promise<T> => {
    try {
      return await within(deadlineMs, question());
    } catch (error) {
      if (error instanceof WorkflowNotFoundError || error instanceof WorkflowExecutionAlreadyStartedError) throw error;
      const detail = wordsFor(error, client.options.namespace);
      throw new ProviderError({ code: 'unreachable', doing, detail, cause: error });
    }
  };
  const list = (doing: string, condition: string): Promise<readonly RunRef[]> =>
    ask(doing, () => listed(client, `${rolloutTypes} AND TaskQueue = '${taskQueue}' AND ${condition}`));
  const final = outcomes.map((outcome) => `'${outcome}'`).join(', ');
  return {
    orphaned: () =>
      list(
        'list rollouts that ended without an outcome',
        "ExecutionStatus IN ('Terminated', 'Failed', 'TimedOut', 'Canceled', 'Completed') " +
          `AND (RolloutState IS NULL OR RolloutState NOT IN (${final}))`,
      ),
    troubled: () =>
      list('list rollouts with problems', "ExecutionStatus = 'Running' AND TemporalReportedProblems IS NOT NULL"),
    open: () => list('list open rollouts', "ExecutionStatus = 'Running'"),
    latest: (rollout) =>
      ask(`look at ${rollout}`, async () => factsOf(await client.workflow.getHandle(rollout).describe())).catch(
        nullWhenGone,
      ),
    origin: ({ rollout, run }) =>
      ask(`read the history of ${rollout}`, async () => {
        const { events } = await client.workflow.getHandle(rollout, run).fetchHistory();
        return originOf(events ?? []);
      }).catch(nullWhenGone),
    terminate: ({ rollout, run }, reason) =>
      ask<unknown>(`terminate ${rollout}`, () => client.workflow.getHandle(rollout, run).terminate(reason))
        .catch(nullWhenGone)
        .then(() => undefined),
    revert: (rollout, input) => ask(`revert ${rollout}`, () => startRevert(client, taskQueue, rollout, input)),
  };
}

async function listed(client: Client, query: string): Promise<readonly RunRef[]> {
  const found: RunRef[] = [];
  for await (const { workflowId, runId } of client.workflow.list({ query, pageSize: 1_000 })) {
    found.push({ rollout: workflowId, run: runId });
    if (found.length >= mostListed) break;
  }
  return found;
}

function nullWhenGone(error: unknown): null {
  if (error instanceof WorkflowNotFoundError) return null;
  throw error;
}

// ── One run ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function factsOf(from: WorkflowExecutionDescription): RunFacts {
  const ended = from.status.name !== 'RUNNING' && from.status.name !== 'PAUSED';
  return {
    rollout: from.workflowId,
    run: from.runId,
    ended,
    state: readAttributes(from.typedSearchAttributes).state,
    standstill: ended ? null : (failing(from) ?? untaken(from)),
  };
}

function failing(from: WorkflowExecutionDescription): Standstill | null {
  const attempts = from.raw.pendingWorkflowTask?.attempt ?? 0;
  const reported = from.typedSearchAttributes.get(problems) ?? [];
  if (attempts < failingFrom) return null;
  return { kind: 'failing', attempts, why: reported.join(', ') };
}

/** The oldest task that is due and that nobody has taken. */
function untaken(from: WorkflowExecutionDescription): Standstill | null {
  const task = from.raw.pendingWorkflowTask;
  const due: { readonly since: number; readonly task: string }[] = [];
  if (task != null && task.startedTime == null) {
    const name = from.historyLength <= 2 ? 'first workflow task' : 'workflow task';
    due.push({ since: optionalTsToMs(task.scheduledTime) ?? Date.now(), task: name });
  }
  for (const { state, scheduledTime, activityType } of from.raw.pendingActivities ?? []) {
    if (state !== PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED) continue;
    const since = optionalTsToMs(scheduledTime) ?? Date.now();
    if (since <= Date.now()) due.push({ since, task: `activity ${activityType?.name ?? ''}` });
  }
  const [oldest] = due.sort((a, b) => a.since - b.since);
  return oldest === undefined ? null : { kind: 'untaken', ...oldest };
}

// ── Its revert ───────────────────────────────────────────────────────────────────────────────────────────────────────

async function startRevert(client: Client, taskQueue: string, rollout: string, input: RevertInput): Promise<boolean> {
  try {
    await client.workflow.start(revertWorkflow, {
      ...executionOf(input, 'rolling-back'),
      workflowId: rollout,
      taskQueue,
      args: [input],
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}
