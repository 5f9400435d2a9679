import { describe, expect, it } from 'vitest';
import { createCaddy } from '../../../../testbed/simulator/worlds/caddy.ts';
import type { Tree } from '../../../../testbed/simulator/worlds/caddy-tree.ts';
import type { Answer, Host } from '../../../../testbed/simulator/worlds/host.ts';

/** What `tests/servers/simulated-caddy.test.ts` shows to be so with the real one. */
const route = (weights: readonly number[]): Tree => ({
  '@id': 'sluice-web',
  handle: [
    {
      handler: 'reverse_proxy',
      upstreams: [{ dial: 'a:1' }, { dial: 'b:1' }],
      load_balancing: { selection_policy: { policy: 'weighted_round_robin', weights: [...weights] } },
    },
  ],
});

function started() {
  const slot = (name: string): Host => ({ answer: () => ({ status: 200, headers: {}, body: name }) });
  const hosts = new Map([
    ['a:1', slot('a')],
    ['b:1', slot('b')],
  ]);
  const routes = [{ handle: [{ handler: 'static_response', body: 'first' }] }, route([99, 1])];
  const servers = { srv0: { listen: [':8080'], routes: [route([99, 1])] }, srv1: { listen: [':8081'], routes } };
  const caddy = createCaddy({
    file: { apps: { http: { servers: { srv0: servers.srv0 } } } },
    behind: (dial) => hosts.get(dial),
  });
  const ask = (method: string, path: string, body?: Tree, match = ''): Answer =>
    caddy.admin.answer(
      {
        method,
        url: `http://127.0.0.1:2019${path}`,
        headers: { 'content-type': 'application/json', 'if-match': match },
        timeoutMs: 1,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      },
      0,
    );
  const users = (count: number) =>
    Array.from(
      { length: count },
      () => caddy.public.answer({ method: 'GET', url: 'http://x:8080/', timeoutMs: 1 }, 0).body,
    );
  const etag = (path: string) => ask('GET', path).headers['etag'] ?? '';
  return { caddy, ask, users, etag };
}

describe('the scripted Caddy', () => {
  it('lets one of many writers through that read the same', () => {
    const { ask, etag } = started();
    const seen = etag('/id/sluice-web');
    const statuses = [1, 2, 3].map((weight) => ask('PATCH', '/id/sluice-web', route([weight, 9]), seen).status);
    expect(statuses).toEqual([200, 412, 412]);
  });

  it('takes an ETag for its place too: another route before ours makes it stale', () => {
    const { ask, etag } = started();
    const seen = etag('/id/sluice-web');
    ask('PUT', '/config/apps/http/servers/srv0/routes/0', { handle: [{ handler: 'headers' }] });
    expect(ask('PATCH', '/id/sluice-web', route([1, 1]), seen).status).toBe(412);
    expect(etag('/id/sluice-web')).toContain('/routes/1 ');
  });

  it('deals shares in runs, from the beginning after every change', () => {
    const { ask, users } = started();
    expect(users(100).filter((name) => name === 'b')).toHaveLength(1);
    const seen = Array.from({ length: 5 }, (_, round) => {
      ask('PATCH', '/config/apps/http/servers/srv0/idle_timeout', `${round}s`);
      ask('POST', '/config/apps/http/servers/srv0/idle_timeout', `${round}s`);
      return users(20);
    });
    expect(seen.flat()).not.toContain('b');
  });

  it('refuses what it cannot run and keeps what it had', () => {
    const { ask, users } = started();
    const refused = ask('PATCH', '/id/sluice-web', route([0, 0]));
    expect([refused.status, refused.body]).toEqual([500, expect.stringContaining('loading new config') as string]);
    expect(ask('PATCH', '/id/sluice-web', { handle: [] }).status).toBe(200);
    expect(ask('GET', '/id/sluice-web').status).toBe(404);
    expect(users(1)).toEqual(['']);
  });

  it('does not share what it was given: later changes outside do not reach it', () => {
    const { caddy, ask } = started();
    const before = JSON.stringify(caddy.config());
    (JSON.parse(ask('GET', '/config/').body) as { apps: unknown }).apps = null;
    expect(JSON.stringify(caddy.config())).toBe(before);
  });
});
