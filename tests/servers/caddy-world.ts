/** A real Caddy with two slots, a tiny deploy hook whose releases answer their label, over WebSockets too, and a recorder before the admin API. */

import { mkdtempSync } from 'node:fs';
import { Agent, createServer, request, type Server } from 'node:http';
import { join } from 'node:path';
import { WebSocketServer } from 'ws';
import type { CaddyTargetPlan, Order } from '../../plan/target.ts';
import type { Release } from '../../plan/release.ts';
import { createClock } from '../../providers/clock.ts';
import { createHttp } from '../../providers/http.ts';
import type { Http, Target } from '../../providers/ports.ts';
import type { CaddyConnection } from '../../providers/targets/caddy/connection.ts';
import { createCaddyTarget } from '../../providers/targets/caddy/target.ts';
import { startRecorder, type Recorder } from '../../testbed/recorder.ts';
import { startCaddy, type Caddy } from '../../testbed/servers/caddy.ts';
import { freePort } from '../../testbed/servers/ports.ts';

export const stable: Release = { digest: `sha256:${'a'.repeat(64)}`, label: 'v1', image: 'registry.example/web' };
export const canary: Release = { digest: `sha256:${'b'.repeat(64)}`, label: 'v2', image: 'registry.example/web' };
export const host = 'web.example';

export interface World {
  readonly caddy: Caddy;
  readonly admin: Recorder;
  readonly hook: TinyHook;
  readonly slots: { readonly a: string; readonly b: string };
  readonly publicPort: number;
  readonly connection: CaddyConnection;
  readonly target: (change?: TargetChange) => Target;
  /** Answers by body over real requests through the proxy. */
  readonly count: (requests: number, headers?: Record<string, string>) => Promise<Record<string, number>>;
  /** Caddy's configuration as it stands, by path; past the recorder. */
  readonly config: (path: string) => Promise<unknown>;
  readonly setConfig: (method: string, path: string, value: unknown) => Promise<number>;
  stop(): Promise<void>;
}

interface TargetChange {
  readonly plan?: Partial<CaddyTargetPlan>;
  readonly route?: Partial<CaddyConnection['route']>;
  readonly persistence?: CaddyConnection['persistence'];
  readonly admin?: string;
  /** A door of its own: without the queue that one process keeps. */
  readonly http?: Http;
}

/** What a world starts from: the routes of its one server. */
export type Routes = (slots: World['slots'], publicPort: number) => Promise<unknown> | readonly unknown[];

const plainRoute: Routes = ({ a }) => [
  { match: [{ host: [host] }], handle: [{ handler: 'reverse_proxy', upstreams: [{ dial: a }] }], terminal: true },
];

/** Writes into a folder of its own in `parent`. */
export async function startWorld(parent: string, routes: Routes = plainRoute): Promise<World> {
  const folder = mkdtempSync(join(parent, 'caddy-'));
  const ports = { a: await freePort(), b: await freePort() };
  const slots = { a: `127.0.0.1:${ports.a}`, b: `127.0.0.1:${ports.b}` };
  const publicPort = await freePort();
  const hook = await startHook(ports);
  const servers = {
    srv0: {
      listen: [`127.0.0.1:${publicPort}`],
      automatic_https: { disable: true },
      routes: await routes(slots, publicPort),
    },
  };
  const caddy = await startCaddy({ folder, apps: { http: { servers } } });
  const admin = await startRecorder({ upstream: caddy.adminUrl, logFile: join(folder, 'admin.jsonl') });
  const connection: CaddyConnection = {
    admin: admin.url,
    public: `http://127.0.0.1:${publicPort}`,
    persistence: 'resume',
    route: { match: { host }, slots, longLived: false, deploy: { kind: 'hook', url: hook.url, auth: null } },
  };
  const agent = new Agent({ keepAlive: true });
  const http = createHttp();
  const clock = createClock();
  return {
    caddy,
    admin,
    hook,
    slots,
    publicPort,
    connection,
    target: (change = {}) =>
      createCaddyTarget({
        plan: { kind: 'caddy', connection: 'edge', route: 'web', preview: null, drainMs: 0, ...change.plan },
        connection: {
          ...connection,
          ...(change.admin !== undefined && { admin: change.admin }),
          ...(change.persistence !== undefined && { persistence: change.persistence }),
          route: { ...connection.route, ...change.route },
        },
        http: change.http ?? http,
        clock,
      }),
    count: async (requests, headers = {}) => {
      const counts: Record<string, number> = {};
      const one = async () => {
        const answer = await ask(agent, publicPort, 'GET', '/', { host, ...headers });
        const key = answer.status === 200 ? answer.body : String(answer.status);
        counts[key] = (counts[key] ?? 0) + 1;
      };
      for (let sent = 0; sent < requests; sent += 20) {
        await Promise.all(Array.from({ length: Math.min(20, requests - sent) }, one));
      }
      return counts;
    },
    config: async (path) => JSON.parse((await ask(undefined, adminPort(caddy), 'GET', path)).body) as unknown,
    setConfig: async (method, path, value) =>
      (await ask(undefined, adminPort(caddy), method, path, { 'content-type': 'application/json' }, value)).status,
    stop: async () => {
      agent.destroy();
      await admin.stop();
      await hook.stop();
      await caddy.stop();
    },
  };
}

export function orderOf(fence: number, change: Partial<Order> = {}): Order {
  return { rollout: 'rollout/production/web', run: 'run-1', fence, stable, canary, ...change };
}

export function sharesOf(canaryBp: number): { digest: string; bp: number }[] {
  return [
    { digest: stable.digest, bp: 10_000 - canaryBp },
    { digest: canary.digest, bp: canaryBp },
  ];
}

// ── The hook ─────────────────────────────────────────────────────────────────────────────────────────────────────────

interface TinyHook {
  readonly url: string;
  /** `METHOD path` of every call that acted or tried to. */
  readonly calls: readonly string[];
  /** Largest fence it has admitted; may be set. */
  fence: number;
  /** Makes started releases fail, or stay unready. */
  behaviour: 'well' | 'fails' | 'never-ready';
  /** Starts a release in a slot by hand. */
  run(slot: 'a' | 'b', release: Release): Promise<void>;
  halt(slot: 'a' | 'b'): Promise<void>;
  stop(): Promise<void>;
}

async function startHook(ports: Record<'a' | 'b', number>): Promise<TinyHook> {
  const running = new Map<string, { release: Release; server: Server; sockets: WebSocketServer }>();
  const calls: string[] = [];
  const run = async (slot: 'a' | 'b', release: Release) => {
    if (running.get(slot)?.release.digest === release.digest) return;
    await halt(slot);
    const server = createServer((_, answer) => answer.end(release.label));
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket) =>
      socket.on('message', (said: Buffer) => socket.send(`${release.label}: ${said.toString()}`)),
    );
    await listen(server, ports[slot]);
    running.set(slot, { release, server, sockets });
  };
  const halt = async (slot: 'a' | 'b') => {
    const there = running.get(slot);
    running.delete(slot);
    there?.sockets.clients.forEach((socket) => socket.terminate());
    if (there !== undefined) await close(there.server);
  };
  const failed = new Map<string, Release>();
  const state = (slot: 'a' | 'b') => {
    const there = running.get(slot);
    const broken = failed.get(slot);
    const release = there?.release ?? broken ?? null;
    const ready = there !== undefined && hook.behaviour !== 'never-ready';
    const word = there !== undefined ? (ready ? 'running' : 'starting') : broken !== undefined ? 'failed' : 'stopped';
    return { release, state: word, ready, detail: broken ? 'exit code 1' : '', fence: hook.fence, rollout: null };
  };
  const server = createServer((incoming, answer) => {
    const reply = (status: number, body: unknown) => answer.writeHead(status).end(JSON.stringify(body));
    const serve = async () => {
      const url = new URL(incoming.url ?? '/', 'http://hook');
      const slot = url.pathname.endsWith('/b') ? 'b' : 'a';
      if (incoming.method === 'GET') return reply(200, { slots: { a: state('a'), b: state('b') } });
      calls.push(`${incoming.method ?? ''} ${url.pathname}`);
      let text = '';
      for await (const chunk of incoming) text += String(chunk);
      const body = (text === '' ? {} : JSON.parse(text)) as { release?: Release; fence?: number };
      const fence = Number(body.fence ?? url.searchParams.get('fence'));
      if (fence < hook.fence) return reply(409, { code: 'fenced', fence: hook.fence });
      hook.fence = fence;
      failed.delete(slot);
      if (body.release === undefined) await halt(slot);
      else if (hook.behaviour === 'fails') failed.set(slot, body.release);
      else await run(slot, body.release);
      return reply(200, state(slot));
    };
    serve().catch((error: unknown) => reply(500, { code: 'internal', message: String(error) }));
  });
  const port = await freePort();
  await listen(server, port);
  const hook: TinyHook = {
    url: `http://127.0.0.1:${port}`,
    calls,
    fence: 0,
    behaviour: 'well',
    run,
    halt,
    stop: async () => {
      await Promise.all([close(server), halt('a'), halt('b')]);
    },
  };
  await run('a', stable);
  return hook;
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

// ── HTTP ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

function adminPort(caddy: Caddy): number {
  return Number(new URL(caddy.adminUrl).port);
}

async function ask(
  agent: Agent | undefined,
  port: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: unknown,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path, headers, ...(agent && { agent }) };
    const sent = request(options, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: text }));
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      // Caddy had closed this idle connection, as it does when its configuration changes, before it saw the request.
      if (sent.reusedSocket && error.code === 'ECONNRESET') resolve(ask(agent, port, method, path, headers, body));
      else reject(error);
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
