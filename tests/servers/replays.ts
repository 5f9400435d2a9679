/** After a test: what really happened is history that a worker of today can live through again. */

import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { inProject } from '../../testbed/root.ts';
import { createMetrics } from '../../worker/metrics.ts';
import type { Rollouts } from './rollouts.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

/** Ids of the rollouts whose history does not replay, with the reason; none should. */
export async function historiesThatDoNotReplay({ session }: Rollouts): Promise<readonly string[]> {
  const failed: string[] = [];
  const { sinks } = createMetrics({ now: () => 0, states: () => Promise.resolve(new Map()) });
  const workflowBundle = { codePath: inProject('dist', 'workflow-bundle.js') };
  for await (const { workflowId, runId } of session.client.workflow.list({ query: 'WorkflowType = "rollout"' })) {
    const history = await session.client.workflow.getHandle(workflowId, runId).fetchHistory();
    await Worker.runReplayHistory({ workflowBundle, sinks }, history, workflowId).catch((error: unknown) => {
      failed.push(`${workflowId}: ${String(error)}`);
    });
  }
  return failed;
}
