/** Caddy's file as users have it before Sluice comes, and how a user of that service looks to it. */

import type { Visit } from './caddy-routes.ts';
import type { Tree } from './caddy-tree.ts';
import type { Places } from './operator.ts';

/** A plain route to the first slot. */
export function firstConfig({ admin, public: users, server, host, path, slots }: Places): Tree {
  const match = { ...(host !== null && { host: [host] }), ...(path !== null && path !== '/*' && { path: [path] }) };
  const route: Tree = {
    ...(Object.keys(match).length > 0 && { match: [match] }),
    handle: [{ handler: 'reverse_proxy', upstreams: [{ dial: Object.values(slots)[0] ?? '' }] }],
    terminal: true,
  };
  return {
    admin: { listen: new URL(admin).host },
    apps: { http: { servers: { [server]: { listen: [new URL(users).host], routes: [route] } } } },
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
