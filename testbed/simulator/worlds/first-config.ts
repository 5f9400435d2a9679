/** Caddy's file as users have it before Sluice comes, and how a user of that service looks to it. */

import type { Visit } from './caddy-routes.ts';
import type { Tree } from './caddy-tree.ts';
import type { Places } from './places.ts';

/** A plain route to the first slot, and the operator's own way to the second where there is one. */
export function firstConfig({ admin, public: users, server, host, path, slots, gateway }: Places): Tree {
  const match = { ...(host !== null && { host: [host] }), ...(path !== null && path !== '/*' && { path: [path] }) };
  const [first = '', second = ''] = Object.values(slots);
  const routeTo = (dial: string, conditions: Readonly<Record<string, Tree>>): Tree => ({
    ...(Object.keys(conditions).length > 0 && { match: [conditions] }),
    handle: [{ handler: 'reverse_proxy', upstreams: [{ dial }] }],
    terminal: true,
  });
  const preview = gateway && routeTo(second, { ...match, header: { [gateway.header]: [gateway.value] } });
  const routes = [...(preview === null ? [] : [preview]), routeTo(first, match)];
  return {
    admin: { listen: new URL(admin).host },
    apps: { http: { servers: { [server]: { listen: [new URL(users).host], routes } } } },
  };
}

/** A request like everybody's. */
export function userVisit({ host, path, public: users }: Places): Visit {
  return {
    host: (host ?? new URL(users).hostname).replace('*', 'any').toLowerCase(),
    path: (path ?? '/').replace('*', ''),
    headers: {},
  };
}
