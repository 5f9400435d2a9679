/** The guardian's workflow: an hour of looking for rollouts that nobody carries on. The next one takes up what it knew. */

import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities, GuardMemory } from '../activities/contract.ts';

const hour = 3_600_000;

const guarding = proxyActivities<Activities>({
  startToCloseTimeout: '70m',
  heartbeatTimeout: '15s',
  priority: { priorityKey: 1 },
  retry: { initialInterval: '1s', backoffCoefficient: 1.5, maximumInterval: '10s' },
});

export async function guardian(): Promise<GuardMemory> {
  const before = workflowInfo().lastResult as GuardMemory | undefined;
  const summary = 'look for rollouts that nobody carries on';
  return guarding.guard.executeWithOptions({ summary }, [{ memory: before ?? null, forMs: hour }]);
}
