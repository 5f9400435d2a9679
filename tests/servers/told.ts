/** Everything that Temporal keeps of a rollout, as text: what no secret may be in. */

import { idOf, type Rollouts } from './rollouts.ts';

/** All runs of a rollout; payloads as the text that they are. */
export async function everythingIn({ session }: Rollouts, service: string): Promise<string> {
  const histories: string[] = [];
  const query = `WorkflowId STARTS_WITH '${idOf(service)}'`;
  for await (const { workflowId, runId, memo, typedSearchAttributes } of session.client.workflow.list({ query })) {
    const history = await session.client.workflow.getHandle(workflowId, runId).fetchHistory();
    histories.push(readable([history, memo ?? null, typedSearchAttributes]));
  }
  return histories.join('\n');
}

/** Payloads are base64 in a history's JSON: their texts stand beside it. */
function readable(value: unknown): string {
  const json = JSON.stringify(value);
  const texts = [...json.matchAll(/"data":"([A-Za-z0-9+/=]+)"/g)].map(([, data = '']) => {
    return Buffer.from(data, 'base64').toString('utf8');
  });
  return [json, ...texts].join('\n');
}
