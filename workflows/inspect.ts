/** A question that only the worker can answer, asked once and read-only. */

import { proxyActivities } from '@temporalio/workflow';
import type { Activities, InspectAnswer, InspectQuestion } from '../activities/contract.ts';

const asking = proxyActivities<Activities>({ startToCloseTimeout: '25s', retry: { maximumAttempts: 1 } });

export async function inspect(question: InspectQuestion): Promise<InspectAnswer> {
  return asking.inspect.executeWithOptions({ summary: `inspect: ${question.kind}` }, [question]);
}
