/** From what the operator wrote about an API to what the target needs of one route. */

import type { HttpTargetPlan } from '../plan/target.ts';
import { ProviderError } from '../providers/errors.ts';
import type { HttpConnection as Site } from '../providers/targets/http/connection.ts';
import type { HttpConnection } from '../spec/worker-config.ts';
import { credentialsFor } from './credentials.ts';

/** Throws `ProviderError` `missing` when the connection has no such route. */
export function httpSiteOf(
  { auth, routes, ...connection }: HttpConnection,
  plan: HttpTargetPlan,
  credentials: ReadonlyMap<string, string>,
): Site {
  const route = Object.hasOwn(routes, plan.route) ? routes[plan.route] : undefined;
  if (route !== undefined) return { ...connection, values: route.values, auth: credentialsFor(auth, credentials) };
  const detail = `connection ${plan.connection} declares only ${Object.keys(routes).join(', ')}`;
  throw new ProviderError({ code: 'missing', doing: `use route ${plan.route}`, detail });
}
