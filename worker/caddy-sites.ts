/** From what the operator wrote about a Caddy to what the target needs of one route. */

import type { CaddyTargetPlan } from '../plan/target.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Engine } from '../providers/ports.ts';
import type { CaddyConnection as Site } from '../providers/targets/caddy/connection.ts';
import type { CaddyConnection, CaddyRoute, EngineAddress } from '../spec/worker-config.ts';
import { basicFor, credentialsFor } from './credentials.ts';

export interface SiteDoors {
  /** Values of the environment variables that credentials name. */
  readonly credentials: ReadonlyMap<string, string>;
  readonly engine: (address: EngineAddress) => Engine;
}

/** Throws `ProviderError` `missing` when the connection has no such route. */
export function siteOf(connection: CaddyConnection, plan: CaddyTargetPlan, { credentials, engine }: SiteDoors): Site {
  const route = Object.hasOwn(connection.routes, plan.route) ? connection.routes[plan.route] : undefined;
  if (route === undefined) {
    const detail = `connection ${plan.connection} declares only ${Object.keys(connection.routes).join(', ')}`;
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
      deploy: doorOf(route.deploy, { credentials, engine }),
    },
  };
}

function doorOf(deploy: CaddyRoute['deploy'], { credentials, engine }: SiteDoors): Site['route']['deploy'] {
  switch (deploy.kind) {
    case 'hook':
      return { kind: 'hook', url: deploy.url, auth: credentialsFor(deploy.auth, credentials) };
    case 'docker':
      return {
        ...deploy,
        engine: engine(deploy.engine),
        registry: deploy.registry && basicFor(deploy.registry, credentials),
      };
  }
}
