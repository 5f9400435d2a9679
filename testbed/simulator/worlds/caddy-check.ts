/** What Caddy refuses to load, as far as somebody who changes weights can meet it, in its own words. */

import { type Branch, branchAt, listOf } from './caddy-routes.ts';
import { isBranch, type Tree } from './caddy-tree.ts';

const handlers = new Set([
  'reverse_proxy',
  'subroute',
  'vars',
  'static_response',
  'headers',
  'encode',
  'rewrite',
  'file_server',
  'request_body',
  'authentication',
  'templates',
  'error',
]);

/** The reason, `null` when it would run. */
export function refusalOf(config: Tree): string | null {
  for (const [name, server] of Object.entries(branchAt(config, 'apps', 'http', 'servers'))) {
    const refusal = isBranch(server) ? ofRoutes(server['routes']) : null;
    if (refusal !== null) {
      return `loading http app module: provision http: server ${name}: setting up route handlers: ${refusal}`;
    }
  }
  return null;
}

function ofRoutes(routes: Tree | undefined): string | null {
  for (const [at, route] of listOf(routes).entries()) {
    const refusal = isBranch(route) ? ofHandlers(route['handle']) : null;
    if (refusal !== null) return `route ${at}: loading handler modules: ${refusal}`;
  }
  return null;
}

function ofHandlers(list: Tree | undefined): string | null {
  for (const [at, handler] of listOf(list).entries()) {
    const name = isBranch(handler) ? handler['handler'] : undefined;
    const where = `position ${at}: loading module`;
    if (!isBranch(handler) || typeof name !== 'string' || name === '') {
      return `position ${at}: module name not specified with key 'handler' in map[…]`;
    }
    if (!handlers.has(name)) return `${where} '${name}': unknown module: http.handlers.${name}`;
    const inner = refusalIn(name, handler);
    if (inner !== null) return `${where} '${name}': provision http.handlers.${name}: ${inner}`;
  }
  return null;
}

function refusalIn(name: string, handler: Branch): string | null {
  if (name === 'reverse_proxy') return ofProxy(handler);
  const refusal = name === 'subroute' ? ofRoutes(handler['routes']) : null;
  return refusal === null ? null : `setting up subroutes: ${refusal}`;
}

function ofProxy(proxy: Branch): string | null {
  const policy = branchAt(proxy['load_balancing'], 'selection_policy');
  if (policy['policy'] !== 'weighted_round_robin') return null;
  const weights = listOf(policy['weights']).map(Number);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const invalid = (why: string): string =>
    `loading load balancing selection policy: loading module 'weighted_round_robin': http.reverse_proxy.selection_policies.weighted_round_robin: invalid configuration: ${why}`;
  if (total <= 0) return invalid('weighted_round_robin requires at least one upstream with a positive weight');
  return weights.some((weight) => weight < 0) ? invalid('weight of an upstream cannot be negative') : null;
}
