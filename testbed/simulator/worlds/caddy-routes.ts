/** How a request finds its upstream in Caddy's configuration: matchers, handlers, and the shares of a proxy. */

import { isBranch, type Tree } from './caddy-tree.ts';

/** What routing looks at. */
export interface Visit {
  /** Without a port, lower case. */
  readonly host: string;
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Where a request ends. */
export type End =
  | { readonly kind: 'proxy'; readonly path: string; readonly proxy: Branch }
  | { readonly kind: 'static'; readonly status: number; readonly body: string };

export type Branch = Readonly<Record<string, Tree>>;

/** An upstream and its share in basis points: exact, a fraction only where the weights do not divide. */
export interface DialShare {
  readonly dial: string;
  readonly bp: number;
}

/** The server that listens on a port; `null` when none does. */
export function serverAt(config: Tree, port: string): { readonly path: string; readonly server: Branch } | null {
  for (const [name, server] of Object.entries(branchAt(config, 'apps', 'http', 'servers'))) {
    if (!isBranch(server)) continue;
    const listens = listOf(server['listen']).some((address) => textOf(address).endsWith(`:${port}`));
    if (listens) return { path: `/config/apps/http/servers/${name}`, server };
  }
  return null;
}

/** Caddy answers 200 with nothing where no route answers. */
export function follow(server: Branch, path: string, visit: Visit): End {
  const end = walk(server['routes'], `${path}/routes`, visit);
  return end === null || end === 'stop' ? { kind: 'static', status: 200, body: '' } : end;
}

/** `null`: nothing answered, go on; `stop`: a terminal route matched and did not answer. */
function walk(routes: Tree | undefined, path: string, visit: Visit): End | 'stop' | null {
  for (const [at, route] of listOf(routes).entries()) {
    if (!isBranch(route) || !matches(route['match'], visit)) continue;
    const end = handle(route['handle'], `${path}/${at}/handle`, visit);
    if (end !== null) return end;
    if (route['terminal'] === true) return 'stop';
  }
  return null;
}

function handle(handlers: Tree | undefined, path: string, visit: Visit): End | 'stop' | null {
  for (const [at, handler] of listOf(handlers).entries()) {
    if (!isBranch(handler)) continue;
    if (handler['handler'] === 'reverse_proxy') return { kind: 'proxy', path: `${path}/${at}`, proxy: handler };
    if (handler['handler'] === 'static_response') {
      return { kind: 'static', status: Number(handler['status_code'] ?? 200), body: textOf(handler['body']) };
    }
    const end = handler['handler'] === 'subroute' ? walk(handler['routes'], `${path}/${at}/routes`, visit) : null;
    if (end !== null) return end;
  }
  return null;
}

/** One of the sets must hold, all matchers of a set; a matcher that is not emulated never holds. */
function matches(sets: Tree | undefined, visit: Visit): boolean {
  const list = listOf(sets).filter(isBranch);
  return list.length === 0 || list.some((set) => Object.entries(set).every(([name, rule]) => holds(name, rule, visit)));
}

function holds(name: string, rule: Tree, { host, path, headers }: Visit): boolean {
  switch (name) {
    case 'host':
      return listOf(rule).some((wanted) => wild(textOf(wanted).toLowerCase(), host));
    case 'path':
      return listOf(rule).some((wanted) => wild(textOf(wanted).toLowerCase(), path.toLowerCase()));
    case 'header':
      return Object.entries(isBranch(rule) ? rule : {}).every(([header, values]) => {
        const value = headers[header.toLowerCase()];
        return value !== undefined && listOf(values).some((wanted) => wild(textOf(wanted), value));
      });
    default:
      return false;
  }
}

/** `*` at either end, as Caddy takes it. */
function wild(pattern: string, text: string): boolean {
  if (pattern === '*' || pattern === '/*') return true;
  if (pattern.startsWith('*') && pattern.endsWith('*')) return text.includes(pattern.slice(1, -1));
  if (pattern.startsWith('*')) return text.endsWith(pattern.slice(1));
  if (pattern.endsWith('*')) return text.startsWith(pattern.slice(0, -1));
  return pattern === text;
}

// ── Shares ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export function dialsOf(proxy: Branch): readonly string[] {
  return listOf(proxy['upstreams']).map((upstream) => (isBranch(upstream) ? textOf(upstream['dial']) : ''));
}

/** What each upstream gets over a whole cycle of the balancer. */
export function sharesOf(proxy: Branch): readonly DialShare[] {
  const cycle = cycleOf(proxy);
  const total = cycle.reduce((sum, { weight }) => sum + weight, 0);
  const weights = new Map<string, number>();
  for (const { dial, weight } of cycle) weights.set(dial, (weights.get(dial) ?? 0) + weight);
  return [...weights].map(([dial, weight]) => ({ dial, bp: total === 0 ? 0 : (10_000 * weight) / total }));
}

/** The upstream of the n-th request since the configuration was loaded, from 1: `Select` of Caddy's balancer. */
export function select(proxy: Branch, count: number): string | null {
  const cycle = cycleOf(proxy);
  const total = cycle.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) return null;
  let left = count % total;
  for (const { dial, weight } of cycle) {
    if (left < weight) return dial;
    left -= weight;
  }
  return null;
}

/** Runs of requests in the order they are dealt. */
function cycleOf(proxy: Branch): readonly { readonly dial: string; readonly weight: number }[] {
  const dials = dialsOf(proxy);
  const policy = branchAt(isBranch(proxy['load_balancing']) ? proxy['load_balancing'] : null, 'selection_policy');
  const first = dials.slice(0, 1).map((dial) => ({ dial, weight: 1 }));
  if (policy['policy'] === 'first') return first;
  // Random choice, the default, is even over time.
  if (policy['policy'] !== 'weighted_round_robin') return dials.map((dial) => ({ dial, weight: 1 }));
  const weights = listOf(policy['weights']).map(Number);
  if (weights.length < 2) return first;
  const takers = dials.filter((_, at) => (weights[at] ?? 0) > 0);
  if (takers.length === 0) return [];
  // Weights without an upstream come round to the first ones again.
  return weights
    .filter((weight) => weight > 0)
    .map((weight, at) => ({ dial: takers[at % takers.length] ?? '', weight }));
}

export function branchAt(value: Tree | undefined, ...keys: readonly string[]): Branch {
  const found = keys.reduce<Tree | undefined>((here, key) => (isBranch(here) ? here[key] : undefined), value);
  return isBranch(found) ? found : {};
}

export function listOf(value: Tree | undefined): readonly Tree[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: Tree | undefined): string {
  return typeof value === 'string' ? value : '';
}
