/** From what the operator wrote about a Caddy to what the target needs of one route. */

import type { CaddyTargetPlan } from '../plan/target.ts';
import { ProviderError } from '../providers/errors.ts';
import type { CaddyConnection as Site } from '../providers/targets/caddy/connection.ts';
import type { CaddyConnection } from '../spec/worker-config.ts';
import { credentialsFor } from './credentials.ts';

/** Throws `ProviderError` `missing` when the connection has no such route. */
export function siteOf(
  connection: CaddyConnection,
  plan: CaddyTargetPlan,
  credentials: ReadonlyMap<string, string>,
): Site {
  const route = Object.hasOwn(connection.routes, plan.route) ? connection.routes[plan.route] : undefined;
  if (route === undefined) {
    const detail = `connection ${plan.connection} declares no such route`;
    throw new ProviderError({ code: 'missing', doing: `use route ${plan.route}`, detail });
  }
  return {
    admin: connection.admin,
    public: connection.public,
    persistence: connection.persistence.kind === 'resume' ? 'resume' : { hook: connection.persistence.url },
    route: {
      server: route.server ?? undefined,
      match: { host: route.match.host ?? undefined, path: route.match.path ?? undefined },
      slots: route.slots,
      longLived: route.longLived,
      deploy: { kind: 'hook', url: route.deploy.url, auth: credentialsFor(route.deploy.auth, credentials) },
    },
  };
}
