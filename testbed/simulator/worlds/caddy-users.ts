/** What users get from a scripted Caddy: which proxy they meet, whose turn it is, and what comes back. */

import { ProviderError } from '../../../providers/errors.ts';
import type { HttpRequest } from '../../../providers/ports.ts';
import { type DialShare, dialsOf, follow, select, serverAt, sharesOf, type Visit } from './caddy-routes.ts';
import type { Tree } from './caddy-tree.ts';
import { type Answer, type Host, refused, urlOf } from './host.ts';

/** The proxy that such a user meets under a configuration, and the shares of its upstreams. */
export interface Meeting {
  /** Of the proxy in the configuration. */
  readonly path: string;
  /** Of its upstreams, in their order. */
  readonly dials: readonly string[];
  readonly shares: readonly DialShare[];
}

/** `null` when no proxy answers. */
export function meetingUnder(config: Tree, port: string, visit: Visit): Meeting | null {
  const found = serverAt(config, port);
  const end = found === null ? null : follow(found.server, found.path, visit);
  return end?.kind === 'proxy' ? { path: end.path, dials: dialsOf(end.proxy), shares: sharesOf(end.proxy) } : null;
}

/** A configuration at work. */
export interface Serving {
  readonly config: Tree;
  /** Requests by proxy since the configuration was loaded. */
  readonly dealt: Map<string, number>;
}

/** The request of a user as routing sees it. */
export function visitOf(request: HttpRequest): Visit {
  const url = urlOf(request.url);
  const headers = Object.fromEntries(
    Object.entries(request.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const host = (headers['host'] ?? url.host).replace(/:\d+$/, '').toLowerCase();
  return { host, path: url.pathname, headers };
}

/** What a user's request meets: the route's proxy picks an upstream, or something else answers. Throws where nobody listens. */
export function serve(
  { config, dealt }: Serving,
  behind: (dial: string) => Host | undefined,
  request: HttpRequest,
  now: number,
): Answer {
  const url = urlOf(request.url);
  const found = serverAt(config, url.port);
  if (found === null) throw refused(request);
  const end = follow(found.server, found.path, visitOf(request));
  if (end.kind === 'static') return { status: end.status, headers: {}, body: end.body };
  const count = (dealt.get(end.path) ?? 0) + 1;
  dealt.set(end.path, count);
  const dial = select(end.proxy, count);
  const host = dial === null ? undefined : behind(dial);
  if (dial === null || host === undefined) return { status: dial === null ? 503 : 502, headers: {}, body: '' };
  try {
    return host.answer({ ...request, url: `http://${dial}${url.pathname}${url.search}` }, now);
  } catch (error) {
    if (error instanceof ProviderError) return { status: 502, headers: {}, body: '' };
    throw error;
  }
}
