/** From what the operator wrote about a Caddy to what the target needs of one route. */

import type { CaddyTargetPlan } from '../plan/target.ts';
import { ProviderError } from '../providers/errors.ts';
import { slotNames, type CaddyConnection as Site } from '../providers/targets/caddy/connection.ts';
import type { CaddyConnection, CaddyRoute, WorkerConfig } from '../spec/worker-config.ts';
import { WorkerProblem } from './problem.ts';

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
  const { a = '', b = '' } = route.slots;
  return {
    admin: connection.admin,
    public: connection.public,
    persistence: connection.persistence.kind === 'resume' ? 'resume' : { hook: connection.persistence.url },
    route: {
      server: route.server ?? undefined,
      match: { host: route.match.host ?? undefined, path: route.match.path ?? undefined },
      slots: { a, b },
      longLived: route.longLived,
      deploy: { kind: 'hook', url: route.deploy.url, bearer: bearerOf(route, credentials) },
    },
  };
}

/** What the file's schema allows and this target does not. Throws `WorkerProblem` naming all of it. */
export function checkSites(config: WorkerConfig): void {
  const routes = Object.entries(config.connections).flatMap(([name, connection]) =>
    connection.kind === 'caddy'
      ? Object.entries(connection.routes).map(([route, declared]) => ({ where: `${name}, route ${route}`, declared }))
      : [],
  );
  const problems = routes.flatMap(({ where, declared }) => [
    ...(slotNames.every((slot) => Object.hasOwn(declared.slots, slot))
      ? []
      : [`connection ${where}: the slots must be called ${slotNames.join(' and ')}`]),
    ...(declared.deploy.auth?.kind === 'basic'
      ? [`connection ${where}: the deploy hook takes bearer credentials only`]
      : []),
  ]);
  if (problems.length > 0) throw new WorkerProblem(problems.join('\n'));
}

function bearerOf({ deploy }: CaddyRoute, credentials: ReadonlyMap<string, string>): string | undefined {
  return deploy.auth?.kind === 'bearer' ? credentials.get(deploy.auth.token.env) : undefined;
}
