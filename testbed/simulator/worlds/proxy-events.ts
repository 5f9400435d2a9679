/** What happens to the proxy without anybody of ours: restarts, and weights changed by hand. */

import type { ProxyEvent } from '../../../spec/world.ts';
import type { Caddy } from './caddy.ts';
import type { Course, Happening } from './course.ts';
import type { Route } from './route.ts';

export interface Proxy {
  readonly caddy: Caddy;
  readonly route: Route;
  readonly began: number;
  /** Asked when something happens: it needs the happenings first. */
  readonly course: () => Course;
}

export function happeningOf(event: ProxyEvent, proxy: Proxy): Happening {
  const { caddy, course, began } = proxy;
  switch (event.do) {
    case 'restart':
      return {
        when: event.when,
        happen(at) {
          caddy.stop();
          const up = { kind: 'at', ms: at - began + event.downMs } as const;
          course().add({ when: up, happen: (later) => caddy.restart(event, later) });
        },
      };
    case 'weights':
      return { when: event.when, happen: (at) => weighByHand(proxy, event.canaryBp, at) };
  }
}

function weighByHand({ caddy, route }: Proxy, canaryBp: number, at: number): void {
  if (!caddy.isUp()) return; // nobody's hand reaches it
  const change = route.byHand(caddy.config(), canaryBp);
  if (change === null) return;
  caddy.admin.answer(
    {
      method: 'POST',
      url: `http://localhost${change.path}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(change.settings),
      timeoutMs: 1_000,
    },
    at,
  );
}
