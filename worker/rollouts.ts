/** What the Temporal server knows about rollouts: whether a claim's run chain is open, and how many are in which state. */

import { WorkflowNotFoundError } from '@temporalio/common';
import type { Client } from '@temporalio/client';
import type { RolloutState } from '../plan/phases.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Rollouts } from '../providers/ports.ts';
import { revertWorkflow, rolloutTypes } from '../workflows/messages.ts';
import { wordsFor } from './temporal.ts';
import { within } from './within.ts';

/** Longer than this and the server counts as away. */
const deadlineMs = 5_000;

export function createRollouts(client: Client): Rollouts {
  return {
    // Without a run id: the latest run of that id, whatever run wrote the claim. A run that was continued or reset has
    // the first run of its chain in common with it; a revert acts for whatever run of that id came before.
    isRunning: async ({ rollout, run }) => {
      try {
        const described = await within(deadlineMs, client.workflow.getHandle(rollout).describe());
        if (described.status.name !== 'RUNNING') return false;
        return described.type === revertWorkflow || described.raw.workflowExecutionInfo?.firstRunId === run;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        const detail = wordsFor(error, client.options.namespace);
        throw new ProviderError({
          code: 'unreachable',
          doing: `ask Temporal whether ${rollout} runs`,
          detail,
          cause: error,
        });
      }
    },
  };
}

const openStates = [
  'preparing',
  'awaiting-approval',
  'deploying',
  'shifting',
  'baking',
  'held',
  'frozen',
  'paused',
  'promoting',
  'watching',
  'retiring',
  'rolling-back',
] as const satisfies readonly RolloutState[];

/** A number of cheap counts, whatever the number of rollouts; asked at most once in `everyMs`. */
export function createStateCounts(
  client: Client,
  now: () => number,
  everyMs = 10_000,
): () => Promise<ReadonlyMap<RolloutState, number>> {
  let at = -Infinity;
  let latest: Promise<ReadonlyMap<RolloutState, number>> = Promise.resolve(new Map());
  return () => {
    if (now() - at >= everyMs) {
      at = now();
      latest = countStates(client);
    }
    return latest;
  };
}

async function countStates(client: Client): Promise<ReadonlyMap<RolloutState, number>> {
  const counts = await within(
    deadlineMs,
    Promise.all(
      openStates.map(async (state) => {
        const query = `${rolloutTypes} AND ExecutionStatus = "Running" AND RolloutState = "${state}"`;
        return [state, (await client.workflow.count(query)).count] as const;
      }),
    ),
  );
  return new Map(counts);
}
