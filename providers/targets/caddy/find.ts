/** Finds the operator's route in Caddy's servers: by our marks, else by server, host, path and slots. */

import type { JsonValue } from '../../../plan/plan.ts';
import { isClaimHandler } from './claim.ts';
import { type CaddyRoute, slotNames } from './connection.ts';
import { entriesOf, isObject, type JsonObject, objectsOf, textsOf } from './json.ts';
import { dialsOf } from './split.ts';

interface Found {
  /** Below `/config/apps/http/servers/`. */
  readonly path: string;
  readonly route: JsonObject;
}

export type Search =
  | { readonly kind: 'found'; readonly found: Found }
  /** `hosts`: what proxied routes of the searched servers match, for the operator to compare. */
  | { readonly kind: 'none'; readonly hosts: readonly string[] }
  | { readonly kind: 'several'; readonly paths: readonly string[] };

interface Candidate extends Found {
  /** The matchers from the server down to this route. */
  readonly matchers: readonly (readonly JsonObject[])[];
  /** Adopted: carries our id or a claim. */
  readonly marked: boolean;
}

export function findRoute(servers: JsonValue, wanted: CaddyRoute, id: string): Search {
  const all = isObject(servers) ? Object.entries(servers) : [];
  const searched = all.filter(([name]) => wanted.server === undefined || wanted.server === name);
  const candidates = searched.flatMap(([name, server]) =>
    isObject(server) ? proxiedRoutes(server['routes'], `${name}/routes`, [], id) : [],
  );
  const matching = candidates.filter((candidate) => matches(candidate, wanted));
  // A marked route wins over the rest, then one that already knows a slot.
  const marked = matching.filter((candidate) => candidate.marked);
  const rivals = marked.length > 0 ? marked : matching;
  const withSlot = rivals.filter((candidate) => holdsSlot(candidate.route, wanted));
  const left = withSlot.length > 0 ? withSlot : rivals;
  const [only] = left;
  if (only === undefined) return { kind: 'none', hosts: [...new Set(candidates.flatMap(hostsOf))] };
  if (left.length > 1) return { kind: 'several', paths: left.map((candidate) => candidate.path) };
  return { kind: 'found', found: { path: only.path, route: only.route } };
}

/** Innermost routes that proxy; a Caddyfile nests them in subroutes. Below a marked route everything is ours. */
function proxiedRoutes(
  routes: JsonValue | undefined,
  path: string,
  above: Candidate['matchers'],
  id: string,
): Candidate[] {
  return entriesOf(routes).flatMap(([index, route]) => {
    const here = `${path}/${index}`;
    const matchers = [...above, objectsOf(route['match'])];
    const handlers = entriesOf(route['handle']);
    const marked = route['@id'] === id || handlers.some(([, handler]) => isClaimHandler(handler));
    if (marked) return [{ path: here, route, matchers, marked }];
    const proxies = handlers.some(([, handler]) => handler['handler'] === 'reverse_proxy');
    const nested = handlers.flatMap(([at, handler]) =>
      handler['handler'] === 'subroute'
        ? proxiedRoutes(handler['routes'], `${here}/handle/${at}/routes`, matchers, id)
        : [],
    );
    return proxies ? [{ path: here, route, matchers, marked }, ...nested] : nested;
  });
}

function matches(candidate: Candidate, wanted: CaddyRoute): boolean {
  const { host, path } = wanted.match;
  return hasMatcher(candidate, 'host', host, null) && hasMatcher(candidate, 'path', path, '/*');
}

/** `unlessNone`: the value that a route without any such matcher stands for. */
function hasMatcher(candidate: Candidate, key: string, value: string | undefined, unlessNone: string | null): boolean {
  if (value === undefined) return true;
  const named = candidate.matchers.flat().flatMap((set) => textsOf(set[key]));
  return named.includes(value) || (value === unlessNone && named.length === 0);
}

function holdsSlot(route: JsonObject, wanted: CaddyRoute): boolean {
  const dials = dialsOf(route);
  return slotNames.some((slot) => dials.includes(wanted.slots[slot]));
}

function hostsOf(candidate: Candidate): readonly string[] {
  const hosts = candidate.matchers.flat().flatMap((set) => textsOf(set['host']));
  return hosts.length > 0 ? hosts : ['(any host)'];
}
