/** The scripted Caddy is believed because it answers as the real one does: each exchange is made with both. */

import { mkdtempSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttp } from '../../providers/http.ts';
import type { HttpRequest, HttpResponse } from '../../providers/ports.ts';
import { startCaddy } from '../../testbed/servers/caddy.ts';
import { freePort } from '../../testbed/servers/ports.ts';
import { createCaddy } from '../../testbed/simulator/worlds/caddy.ts';
import type { Tree } from '../../testbed/simulator/worlds/caddy-tree.ts';
import type { Host } from '../../testbed/simulator/worlds/host.ts';
import { temporaryFolder } from '../temporary-folder.ts';

/** One Caddy, real or scripted, asked in the same words. */
interface Subject {
  /** Status, body and the path in the ETag; the ETag itself is kept for `match`. */
  ask(method: string, path: string, more?: More): Promise<Heard>;
  /** What so many users get, in order. */
  visit(count: number, headers?: Record<string, string>): Promise<readonly string[]>;
  restart(resume: boolean): Promise<void>;
}

interface More {
  readonly body?: unknown;
  /** As it is sent, instead of `body`. */
  readonly text?: string;
  readonly headers?: Record<string, string>;
}

interface Heard {
  readonly status: number;
  readonly body: string;
  readonly etag: string;
}

const folder = temporaryFolder('simulated');
const http = createHttp();
const servers: Server[] = [];
let ports: { readonly admin: number; readonly public: number; readonly a: number; readonly b: number };
let nobody = 0;
let first: { readonly admin: Tree; readonly apps: Tree };

beforeAll(async () => {
  ports = { admin: await freePort(), public: await freePort(), a: await freePort(), b: await freePort() };
  for (const slot of ['a', 'b'] as const) {
    const server = createServer((_, answer) => answer.end(slot));
    await new Promise<void>((resolve) => server.listen(ports[slot], '127.0.0.1', resolve));
    servers.push(server);
  }
  nobody = await freePort();
  first = { admin: { listen: `127.0.0.1:${ports.admin}` }, apps: appsOf() };
});

afterAll(() => {
  for (const server of servers) server.close();
});

function appsOf(): Tree {
  const listen = [`127.0.0.1:${ports.public}`];
  const routes: Tree = [
    {
      match: [{ host: ['web.example'] }],
      handle: [{ handler: 'reverse_proxy', upstreams: [{ dial: dial('a') }] }],
      terminal: true,
    },
    {
      match: [{ host: ['other.example'], path: ['/x/*'] }],
      handle: [{ handler: 'static_response', body: 'other <&>' }],
    },
  ];
  return { http: { servers: { srv0: { listen, automatic_https: { disable: true }, routes } } } };
}

const dial = (slot: 'a' | 'b') => `127.0.0.1:${ports[slot]}`;

/** The same story told to both; what they answered must be the same. */
async function same(story: (subject: Subject) => Promise<readonly unknown[]>): Promise<readonly unknown[]> {
  const scripted = await story(scriptedSubject());
  const caddy = await startCaddy({
    folder: mkdtempSync(join(folder, 'caddy-')),
    apps: appsOf(),
    adminPort: ports.admin,
  });
  try {
    const real = await story(realSubject((resume) => caddy.restart({ resume })));
    expect(scripted).toEqual(real);
    return real;
  } finally {
    await caddy.stop();
  }
}

function subject(
  send: (to: 'admin' | 'public', request: HttpRequest) => Promise<HttpResponse>,
  restart: Subject['restart'],
): Subject {
  const request = (port: number, method: string, path: string, more: More): HttpRequest => {
    const body = more.text ?? (more.body === undefined ? undefined : JSON.stringify(more.body));
    const headers = {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      connection: 'close',
      ...more.headers,
    };
    return {
      method,
      url: `http://127.0.0.1:${port}${path}`,
      headers,
      timeoutMs: 5_000,
      ...(body !== undefined && { body }),
    };
  };
  return {
    ask: async (method, path, more = {}) => {
      const { status, body, headers } = await send('admin', request(ports.admin, method, path, more));
      return { status, body, etag: headers['etag'] ?? '' };
    },
    visit: async (count, headers = {}) => {
      const seen: string[] = [];
      for (let sent = 0; sent < count; sent += 1) {
        const more = { headers: { host: 'web.example', ...headers } };
        const { status, body } = await send('public', request(ports.public, 'GET', '/', more));
        seen.push(status === 200 ? body : String(status));
      }
      return seen;
    },
    restart,
  };
}

function realSubject(restart: Subject['restart']): Subject {
  return subject((_, request) => patiently(request), restart);
}

/** Caddy cuts connections to its admin API while it changes its configuration. */
async function patiently(request: HttpRequest): Promise<HttpResponse> {
  const isRead = request.method === 'GET';
  for (let tries = 0; isRead && tries < 5; tries += 1) {
    try {
      return await http.send(request);
    } catch {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return http.send(request);
}

function scriptedSubject(): Subject {
  const slot = (name: string): Host => ({ answer: () => ({ status: 200, headers: {}, body: name }) });
  const hosts = new Map([
    [dial('a'), slot('a')],
    [dial('b'), slot('b')],
  ]);
  const caddy = createCaddy({ file: { ...first }, behind: (address) => hosts.get(address) });
  const send = async (to: 'admin' | 'public', request: HttpRequest) => caddy[to].answer(request, 0);
  return subject(send, async (resume) => caddy.restart({ resume }, 0));
}

// ── What is compared ─────────────────────────────────────────────────────────────────────────────────────────────────

/** Hashes are each server's own; the path in front of them is not. */
function told({ status, body, etag }: Heard): unknown {
  return { status, body: reasonOf(body), ...(etag !== '' && { etag: etag.replace(/ [0-9a-f]+"$/, ' #"') }) };
}

/** Parsers and printers word what is wrong with a text each in their own way. */
function reasonOf(body: string): string {
  return body.replace(/decoding request body: [^"]*/, 'decoding request body: …').replace(/map\[[^"]*\]/, 'map[…]');
}

const servers0 = '/config/apps/http/servers';
const route0 = `${servers0}/srv0/routes/0`;

function split(weights: readonly number[], more: Record<string, Tree> = {}): Tree {
  const proxy: Tree = {
    handler: 'reverse_proxy',
    upstreams: [{ dial: dial('a') }, { dial: dial('b') }],
    load_balancing: { selection_policy: { policy: 'weighted_round_robin', weights: [...weights] } },
  };
  return {
    '@id': 'sluice-web',
    match: [{ host: ['web.example'] }],
    handle: [{ handler: 'vars', sluice: { fence: 1 } }, proxy],
    terminal: true,
    ...more,
  };
}

describe('reading', () => {
  it('whole, by path, by id, and of what is not there', async () => {
    const heard = await same(async (caddy) => {
      await caddy.ask('PATCH', route0, { body: split([99, 1]) });
      const paths = [
        '/config/',
        '/config/apps',
        '/config/admin',
        '/config/nothing',
        servers0,
        `${servers0}/srv0/routes`,
        route0,
        `${route0}/handle/1/upstreams/0`,
        '/id/sluice-web',
        '/id/sluice-web/',
        '/id/sluice-web/handle/1/load_balancing',
        '/id/sluice-web/nothing',
        '/id/unknown',
        '/id/',
        `${servers0}/srv0/routes/7`,
        `${servers0}/srv0/routes/x`,
        `${servers0}/srv0/routes/01`,
        `${servers0}/srv0/routes/-1`,
        `${servers0}/srv0/routes/0/handle/5/deep`,
        '/config/apps/tls/automation',
        '/config/admin/listen/deeper',
        '/nothing',
        '/reverse_proxy/upstreams/x',
      ];
      const answers = [];
      for (const path of paths) answers.push([path, told(await caddy.ask('GET', path))]);
      const upstreams = await caddy.ask('GET', '/reverse_proxy/upstreams');
      return [
        ...answers,
        upstreams.status,
        (JSON.parse(upstreams.body) as { address: string }[]).toSorted((x, y) => (x.address < y.address ? -1 : 1)),
      ];
    });
    expect(heard.length).toBeGreaterThan(20);
  });
});

describe('writing', () => {
  it('under a condition: fresh, stale, of a path that moved or went, and malformed', async () => {
    const heard = await same(async (caddy) => {
      const answers: unknown[] = [];
      const patch = async (path: string, match: string, body: Tree) =>
        answers.push(told(await caddy.ask('PATCH', path, { body, headers: { 'if-match': match } })));
      const etag = async (path: string) => (await caddy.ask('GET', path)).etag;

      const atServers = await etag(servers0);
      await patch(route0, atServers, split([99, 1]));
      await patch(route0, atServers, split([98, 2])); // the condition may stand on a path above
      const fresh = await etag('/id/sluice-web');
      await patch('/id/sluice-web', fresh, split([95, 5]));
      await patch('/id/sluice-web', fresh, split([75, 25]));
      const before = await etag('/id/sluice-web');
      answers.push(told(await caddy.ask('PUT', route0, { body: { match: [{ host: ['new.example'] }] } })));
      await patch('/id/sluice-web', before, split([75, 25]));
      answers.push(told(await caddy.ask('GET', '/id/sluice-web')));
      answers.push(told(await caddy.ask('DELETE', route0)));
      await patch('/id/sluice-web', before, split([95, 5], { group: 'g' })); // ABA: the same again
      const last = await etag('/id/sluice-web');
      answers.push(told(await caddy.ask('DELETE', `${servers0}/srv0/routes`)));
      await patch(servers0, last, {});
      for (const match of ['x', '"x"', '"/config/ x y"', '""', `"/nowhere/at/all 0"`]) await patch(servers0, match, {});
      return answers;
    });
    expect(statuses(heard)).toEqual([200, 412, 200, 412, 200, 412, 200, 200, 200, 200, 500, 400, 400, 400, 400, 500]);
  });

  it('by every method into keys and lists, there or not', async () => {
    await same(async (caddy) => {
      const answers: unknown[] = [];
      const routes = `${servers0}/srv0/routes`;
      const extra = { match: [{ host: ['extra.example'] }], handle: [{ handler: 'static_response', body: 'extra' }] };
      const asks: readonly (readonly [string, string, unknown?])[] = [
        ['PUT', `${servers0}/srv0/routes`, []],
        ['PATCH', `${routes}/2`, extra],
        ['DELETE', `${routes}/2`],
        ['POST', `${servers0}/srv0/protocols/...`, ['h1']],
        ['POST', `${servers0}/srv0/protocols/...`, ['h2', 'h2c']],
        ['PUT', `${routes}/1`, extra],
        ['PUT', `${routes}/3`, extra],
        ['PUT', `${routes}/9`, extra],
        ['POST', routes, extra],
        ['POST', `${routes}/...`, [extra, extra]],
        ['POST', `${routes}/...`, extra],
        ['POST', `${routes}/0`, extra],
        ['PATCH', `${routes}/2`, extra],
        ['PATCH', `${routes}/99`, extra],
        ['PATCH', `${routes}/0/nothing`, 1],
        ['PATCH', `${routes}/0/terminal`, false],
        ['DELETE', `${routes}/0/terminal`],
        ['DELETE', `${routes}/0/terminal`],
        ['DELETE', `${routes}/99`],
        ['DELETE', `${routes}/1`],
        ['PATCH', '/id/unknown', extra],
        ['DELETE', '/id/unknown'],
        ['POST', `${servers0}/srv0/idle_timeout`, '30s'],
        ['HEAD', route0],
        ['OPTIONS', route0],
      ];
      for (const [method, path, body] of asks) {
        answers.push([method, path, told(await caddy.ask(method, path, { body }))]);
      }
      return [...answers, told(await caddy.ask('GET', '/config/'))];
    });
  });

  it('of a body without our id makes the id unknown; an id that stands twice or is none is refused', async () => {
    const heard = await same(async (caddy) => {
      const answers = [told(await caddy.ask('PATCH', route0, { body: split([99, 1]) }))];
      answers.push(told(await caddy.ask('POST', `${servers0}/srv0/routes`, { body: split([1, 1]) })));
      answers.push(told(await caddy.ask('PATCH', `${route0}/@id`, { body: [1] })));
      answers.push(told(await caddy.ask('GET', '/id/sluice-web')));
      answers.push(told(await caddy.ask('PATCH', `${route0}/@id`, { body: 7 })));
      answers.push(told(await caddy.ask('GET', '/id/7/terminal')));
      answers.push(told(await caddy.ask('DELETE', `${route0}/@id`)));
      answers.push(told(await caddy.ask('GET', '/id/7')));
      return answers;
    });
    expect(statuses(heard)).toEqual([200, 400, 400, 200, 200, 200, 200, 404]);
  });

  it('of what it cannot run is refused and leaves everything as it was', async () => {
    const heard = await same(async (caddy) => {
      await caddy.ask('PATCH', route0, { body: split([99, 1]) });
      const answers: unknown[] = [];
      const bodies = [
        split([0, 0]),
        split([]),
        split([2, -1]),
        split([1, -1]),
        split([1], { handle: [{ handler: 'nonsense' }] }),
      ];
      bodies.push(split([1], { handle: [{ handler: 'subroute', routes: [{ handle: [{ body: 'x' }] }] }] }));
      for (const body of bodies) answers.push(told(await caddy.ask('PATCH', '/id/sluice-web', { body })));
      for (const text of ['{"a":', '', 'nonsense']) {
        answers.push(
          told(await caddy.ask('PATCH', '/id/sluice-web', { text, headers: { 'content-type': 'application/json' } })),
        );
      }
      answers.push(told(await caddy.ask('PATCH', route0, { text: '{}', headers: { 'content-type': 'text/plain' } })));
      answers.push(
        told(await caddy.ask('PATCH', route0, { body: split([99, 1]), headers: { 'sec-fetch-mode': 'cors' } })),
      );
      answers.push(
        told(await caddy.ask('PATCH', route0, { body: split([99, 1]), headers: { origin: 'http://evil.example' } })),
      );
      return [...answers, told(await caddy.ask('GET', '/config/'))];
    });
    expect(statuses(heard).slice(0, 2)).toEqual([500, 500]);
  });

  it('of everything at once', async () => {
    await same(async (caddy) => {
      const answers: unknown[] = [];
      const whole = { admin: first.admin, apps: appsOf() };
      answers.push(told(await caddy.ask('POST', '/load', { body: whole })));
      answers.push(told(await caddy.ask('POST', '/load', { text: '{"a":' })));
      answers.push(
        told(
          await caddy.ask('POST', '/load', {
            body: { ...whole, apps: { http: { servers: { srv0: { routes: [split([0, 0])] } } } } },
          }),
        ),
      );
      answers.push(told(await caddy.ask('GET', '/load')));
      answers.push(told(await caddy.ask('POST', '/config/', { body: whole })));
      return [...answers, told(await caddy.ask('GET', '/config/'))];
    });
  });
});

describe('users', () => {
  it('are dealt in runs that begin anew with every change of the configuration', async () => {
    const heard = await same(async (caddy) => {
      const seen: unknown[] = [await caddy.visit(3)];
      for (const weights of [[99, 1], [3, 1], [1, 3], [95, 5], [1, 0], [0, 1], [2, 3, 1], [1, 1, 0], [5]]) {
        await caddy.ask('PATCH', route0, { body: split(weights) });
        seen.push(await caddy.visit(25));
        await caddy.ask('PATCH', `${servers0}/srv0/idle_timeout`, { body: '1m' });
        seen.push(await caddy.visit(110));
      }
      return seen;
    });
    const canary = (heard as string[][]).map((run) => run.filter((name) => name === 'b').length);
    expect(canary.slice(1, 3)).toEqual([0, 1]);
  });

  it('and testers find their way through matchers, subroutes and static answers', async () => {
    const preview = {
      '@id': 'p',
      match: [{ header: { 'X-Sluice-Preview': ['canary'] } }],
      handle: [{ handler: 'reverse_proxy', upstreams: [{ dial: dial('b') }] }],
      terminal: true,
    };
    const proxy = { handler: 'reverse_proxy', upstreams: [{ dial: dial('a') }] };
    await same(async (caddy) => {
      const inner = { handler: 'subroute', routes: [preview, { handle: [proxy] }] };
      await caddy.ask('PATCH', route0, { body: split([], { handle: [{ handler: 'vars', sluice: {} }, inner] }) });
      return [
        await caddy.visit(2),
        await caddy.visit(2, { 'x-sluice-preview': 'canary' }),
        await caddy.visit(1, { 'x-sluice-preview': 'other' }),
        await caddy.visit(1, { host: 'WEB.example' }),
        await caddy.visit(1, { host: 'nobody.example' }),
        await caddy.visit(1, { host: 'other.example' }),
      ];
    });
  });

  it('get a 502 where nobody listens, and its share stays', async () => {
    const heard = await same(async (caddy) => {
      await caddy.ask('PATCH', route0, { body: split([3, 1]) });
      await caddy.ask('PATCH', `${route0}/handle/1/upstreams/1/dial`, { body: `127.0.0.1:${nobody}` });
      return [await caddy.visit(8)];
    });
    expect((heard[0] as string[]).filter((status) => status === '502')).toHaveLength(2);
  });
});

describe('a restart', () => {
  it('with --resume brings back the last configuration; without it, that of the file, for the next --resume too', async () => {
    const heard = await same(async (caddy) => {
      const shown = async () => told(await caddy.ask('GET', '/config/apps/http/servers/srv0/routes'));
      await caddy.ask('PATCH', route0, { body: split([1, 3]) });
      await caddy.restart(true);
      const resumed = [await shown(), await caddy.visit(5)];
      await caddy.restart(false);
      const forgotten = [await shown(), await caddy.visit(2), told(await caddy.ask('GET', '/id/sluice-web'))];
      await caddy.restart(true);
      return [...resumed, ...forgotten, await shown()];
    });
    expect(heard[3]).toEqual(['a', 'a']);
  });

  it('with --resume forgets what was set while Caddy was told not to keep it', async () => {
    await same(async (caddy) => {
      await caddy.ask('PATCH', route0, { body: split([1, 3]) });
      await caddy.ask('POST', '/config/admin/config', { body: { persist: false } });
      await caddy.ask('PATCH', route0, { body: split([1, 1]) });
      await caddy.restart(true);
      return [told(await caddy.ask('GET', '/config/')), await caddy.visit(5)];
    });
  });
});

function statuses(heard: readonly unknown[]): readonly unknown[] {
  return heard.map((one) => (typeof one === 'object' && one !== null && 'status' in one ? one.status : one));
}
