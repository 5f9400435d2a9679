/** Is the cluster there, and does it know us? */

import { ProviderError } from '../../errors.ts';
import type { KubernetesSite } from './connection.ts';
import { refusal } from './failure.ts';

/** Its version, in words. Throws `ProviderError`. */
export async function pingCluster(
  { cluster, withinMs }: Pick<KubernetesSite, 'cluster' | 'withinMs'>,
  signal?: AbortSignal,
): Promise<string> {
  const doing = 'ask the API server for its version';
  const answer = await cluster.send({
    method: 'GET',
    path: '/version',
    timeoutMs: withinMs,
    ...(signal && { signal }),
  });
  if (answer.status !== 200) throw refusal(answer, doing);
  const version = /"gitVersion":\s*"(?<version>v[\w.+-]{1,60})"/.exec(answer.body)?.groups?.['version'];
  if (version !== undefined) return `Kubernetes ${version} answers`;
  throw new ProviderError({ code: 'unreachable', doing, detail: 'the answer is not one of an API server' });
}
