import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../../../plan/plan.ts';
import type { CaddyRoute } from '../../../../providers/targets/caddy/connection.ts';
import { findRoute, type Search } from '../../../../providers/targets/caddy/find.ts';
import type { JsonObject } from '../../../../providers/targets/caddy/json.ts';
import { proxy, slots } from './given.ts';

function wanted(match: CaddyRoute['match'] = {}, server?: string): CaddyRoute {
  return { match, server, slots, longLived: false, deploy: { kind: 'hook', url: 'http://127.0.0.1:9000', auth: null } };
}

function proxied(dial: string, ...match: JsonObject[]): JsonObject {
  return { ...(match.length > 0 && { match }), handle: [proxy([dial])] };
}

function within(match: JsonObject, ...routes: JsonObject[]): JsonObject {
  return { match: [match], handle: [{ handler: 'subroute', routes }], terminal: true };
}

function search(route: CaddyRoute, servers: Record<string, readonly JsonObject[]>): Search {
  const value = Object.fromEntries(Object.entries(servers).map(([name, routes]) => [name, { routes }]));
  return findRoute(value, route, 'sluice-web');
}

function pathOf(found: Search): string | null {
  return found.kind === 'found' ? found.found.path : null;
}

describe('finding the route', () => {
  it('goes by host, in any of the matcher sets', () => {
    const second = proxied(slots.b, { path: ['/x'] }, { host: ['b.example', 'c.example'] });
    const servers = { srv0: [proxied(slots.a, { host: ['a.example'] }), second] };
    expect(pathOf(search(wanted({ host: 'c.example' }), servers))).toBe('srv0/routes/1');
  });

  it('goes down into subroutes and takes their matchers together', () => {
    const site = within(
      { host: ['web.example'] },
      { handle: [{ handler: 'encode' }] },
      within({ path: ['/api/*'] }, proxied(slots.a)),
      proxied(slots.a),
    );
    const servers = { srv0: [proxied('127.0.0.1:1', { host: ['other.example'] }), site] };
    const find = (match: CaddyRoute['match']) => pathOf(search(wanted(match), servers));
    expect(find({ host: 'web.example', path: '/api/*' })).toBe('srv0/routes/1/handle/0/routes/1/handle/0/routes/0');
    expect(find({ host: 'web.example', path: '/*' })).toBe('srv0/routes/1/handle/0/routes/2');
  });

  it('asks for a server where several serve the same', () => {
    const servers = { plain: [proxied(slots.a)], tls: [proxied(slots.a)] };
    expect(search(wanted(), servers)).toEqual({ kind: 'several', paths: ['plain/routes/0', 'tls/routes/0'] });
    expect(pathOf(search(wanted({}, 'tls'), servers))).toBe('tls/routes/0');
  });

  it('prefers the route that knows a slot to one that does not, and the adopted one to both', () => {
    const plain = [proxied('127.0.0.1:1'), proxied(slots.b)];
    expect(pathOf(search(wanted(), { srv0: plain }))).toBe('srv0/routes/1');
    const claimed = { handle: [{ handler: 'vars', sluice: {} }, proxy([slots.a])] };
    expect(pathOf(search(wanted(), { srv0: [...plain, claimed] }))).toBe('srv0/routes/2');
    const named = { ...proxied(slots.a), '@id': 'sluice-web' };
    expect(pathOf(search(wanted(), { srv0: [...plain, named] }))).toBe('srv0/routes/2');
  });

  it('names the proxied hosts when there is none', () => {
    const servers = { srv0: [proxied(slots.a, { host: ['a.example', 'b.example'] }), proxied(slots.b)] };
    const hosts = ['a.example', 'b.example', '(any host)'];
    expect(search(wanted({ host: 'c.example' }), servers)).toEqual({ kind: 'none', hosts });
  });

  test.prop([fc.jsonValue()])('never throws on a configuration of any shape', (value) => {
    expect(findRoute(value as JsonValue, wanted(), 'sluice-web').kind).toBe('none');
  });
});
