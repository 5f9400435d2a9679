/** The addresses of a world, by what stands behind them, and the small servers that only take things in. */

import type { WorldPlace } from '../../../spec/world.ts';
import type { Tree } from './caddy-tree.ts';
import { type Host, json, textOf, urlOf } from './host.ts';
import type { Places } from './places.ts';

export type Doors = Readonly<Record<WorldPlace, readonly string[]>>;

/** Origins by place. */
export function doorsOf(places: Places): Doors {
  const { admin, controlApi, public: users, publicToo, hook, slots, prometheus, webhooks } = places;
  return {
    proxy: [originOf(controlApi ?? admin)],
    users: [originOf(users), ...publicToo],
    host: [originOf(hook)],
    slots: Object.values(slots).map((dial) => `http://${dial}`),
    metrics: prometheus === null ? [] : [originOf(prometheus)],
    notify: webhooks.map(originOf),
  };
}

export function originOf(url: string): string {
  return new URL(url).origin;
}

/** The same server under another name: the request keeps the name it was sent to. */
export function alsoAt(origin: string, users: string, host: Host): Host {
  if (origin === originOf(users)) return host;
  return {
    ...(host.listens !== undefined && { listens: host.listens }),
    answer(request, now) {
      const { pathname, search, host: name } = urlOf(request.url);
      const headers = { host: name, ...request.headers };
      return host.answer({ ...request, url: `${originOf(users)}${pathname}${search}`, headers }, now);
    },
  };
}

/** One notification as it arrived. */
export interface Notified {
  readonly at: number;
  readonly body: string;
}

export function webhook(notices: Notified[]): Host {
  return {
    answer(request, now) {
      notices.push({ at: now, body: textOf(request) });
      return { status: 204, headers: {}, body: '' };
    },
  };
}

/** The operator's own: takes the configuration it is told into Caddy's file. */
export function persistHook(writeFile: (config: Tree) => void): Host {
  return {
    answer(request) {
      const { config } = JSON.parse(textOf(request) || '{}') as { config?: Tree };
      writeFile(config ?? null);
      return json(200, {});
    },
  };
}
