/** Makes a lasting change outlive a restart of Caddy, where the operator declared a hook for it. */

import { ProviderError } from '../../errors.ts';
import type { Site } from './site.ts';

const timeoutMs = 30_000;

/**
 * Tells the hook the route's name and Caddy's whole present configuration, so that it can write Caddy's file; safe to repeat.
 * With `resume` Caddy keeps its last configuration by itself.
 */
export async function persist(site: Site, signal?: AbortSignal): Promise<void> {
  const { persistence } = site.connection;
  if (persistence === 'resume') return;
  const doing = 'tell the persistence hook';
  const config = await site.admin.get('/config/', signal);
  const answer = await site.http.send({
    method: 'POST',
    url: persistence.hook,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ route: site.plan.route, config: config?.value ?? null }),
    timeoutMs,
    ...(signal && { signal }),
  });
  if (answer.status >= 200 && answer.status <= 299) return;
  const isDenied = answer.status === 401 || answer.status === 403;
  throw new ProviderError({ code: isDenied ? 'denied' : 'unreachable', doing, detail: `HTTP ${answer.status}` });
}
