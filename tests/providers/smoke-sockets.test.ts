import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import type { SmokeRequest, SmokeSocket } from '../../plan/plan.ts';
import { expecting, request, run, runnerWith, suite } from './smoke-given.ts';

/** Accepts, says no with a status, or leaves the connection open without a word. */
type Door = 'accept' | 'silence' | number;

interface SocketApp {
  readonly url: string;
  readonly asked: IncomingMessage[];
  readonly said: string[];
}

const servers: Server[] = [];
const clients = new Set<WebSocket>();
afterEach(() => {
  for (const client of clients) client.terminate();
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function serve(
  door: (asked: IncomingMessage) => Door,
  inside: (socket: WebSocket) => void = () => undefined,
): Promise<SocketApp> {
  const server = createServer((_, answer) => answer.writeHead(200, { 'set-cookie': 'seen=before' }).end());
  const sockets = new WebSocketServer({ noServer: true });
  const app = { asked: [] as IncomingMessage[], said: [] as string[] };
  server.on('upgrade', (asked: IncomingMessage, connection, head) => {
    app.asked.push(asked);
    const answer = door(asked);
    if (answer === 'silence') return;
    if (answer !== 'accept') {
      connection.end(
        `HTTP/1.1 ${String(answer)} No\r\nConnection: close\r\nContent-Length: 12\r\n\r\nno: ${asked.url?.slice(-8) ?? ''}`,
      );
      return;
    }
    sockets.handleUpgrade(asked, connection, head, (socket) => {
      clients.add(socket);
      socket.on('message', (said: Buffer) => app.said.push(said.toString()));
      inside(socket);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, ...app };
}

const withToken = ({ url = '' }: IncomingMessage): Door => (url.endsWith('?token=jwt-1234') ? 'accept' : 401);

function ws(name: string, socket: SmokeSocket, over: Partial<SmokeRequest> = {}): SmokeRequest {
  const status = socket.handshake === 'refused' ? '4xx' : '101';
  return request(name, { path: '/connect', socket, expect: expecting({ status }), ...over });
}

const refused = { handshake: 'refused' } as const;
const accepted = (firstMessageMs: number | null = null) => ({ handshake: 'accepted', firstMessageMs }) as const;
const closed = (code: number | null) => ({ handshake: 'closed', code }) as const;
const path = '/connect?token={{secret:SMOKE_JWT}}';
const secrets = { SMOKE_JWT: 'jwt-1234' };

describe('a WebSocket handshake', () => {
  it('is refused without a token and accepted with one (S0-18)', async () => {
    const app = await serve(withToken);
    const exact = { expect: expecting({ status: '401' }) };
    const tried = suite([ws('no-token', refused, exact), ws('with-token', accepted(), { path })]);
    const report = await run(app, tried, { secrets });
    expect(report).toMatchObject({ passed: true, requests: [{ status: 401 }, { status: 101 }] });
    expect(runnerWith().secretsOf(tried)).toEqual(['SMOKE_JWT']);
  });

  it('that is accepted where it should be refused fails (T-14), and the other way round', async () => {
    const open = await serve(() => 'accept');
    expect((await run(open, suite([ws('no-token', refused)]))).sentence).toBe('no-token: the handshake was accepted');
    const shut = await serve(() => 403);
    expect((await run(shut, suite([ws('with-token', accepted())]))).sentence).toBe(
      'with-token: the handshake was refused with 403',
    );
  });

  it('is not refused by a server that is broken', async () => {
    const app = await serve(() => 500);
    const tried = suite([ws('no-token', refused)], { forbidStatus: [] });
    expect((await run(app, tried)).sentence).toBe('no-token: expected 4xx, got 500');
  });

  it('carries the aim’s headers, subprotocols and the cookies of the run', async () => {
    const app = await serve(() => 'accept');
    const chat = ws('chat', accepted(), { headers: { 'sec-websocket-protocol': 'v1.chat, v2.chat' } });
    const setting = { headers: { 'x-sluice-preview': 'canary' } };
    expect(await run(app, suite([request('page'), chat]), setting)).toMatchObject({ passed: true });
    expect(app.asked[0]?.headers).toMatchObject({
      'sec-websocket-protocol': 'v1.chat,v2.chat',
      'x-sluice-preview': 'canary',
      cookie: 'seen=before',
    });
  });

  it('is tried again when the connection breaks, and not when no answer comes in time', async () => {
    const nobody = { url: 'http://127.0.0.1:1' };
    const [gone] = (await run(nobody, suite([ws('a', accepted())]))).requests;
    expect(gone).toMatchObject({ status: null, failed: 'connection refused' });
    const mute = await serve(() => 'silence');
    const [late] = (await run(mute, suite([ws('a', accepted(), { timeoutMs: 100 })]))).requests;
    expect(late?.failed).toBe('no answer to the handshake within 100 ms');
    expect(mute.asked).toHaveLength(1);
  });

  it('goes only where smoke may go', async () => {
    const app = await serve(() => 'accept');
    const sent = suite([ws('a', accepted())], { publicUrl: app.url });
    expect((await run(app, sent)).sentence).toContain('is not a place that smoke may call');
    expect(app.asked).toHaveLength(0);
  });

  it('hides secrets in what is told of a refusal', async () => {
    const app = await serve(() => 401);
    const [result] = (await run(app, suite([ws('a', accepted(), { path })]), { secrets })).requests;
    expect(result).toMatchObject({ status: 401, body: 'no: ***' });
  });

  it('ends when the run is called off', async () => {
    const off = new AbortController();
    const app = await serve(() => {
      off.abort(new Error('called off'));
      return 'silence';
    });
    await expect(run(app, suite([ws('a', accepted())]), { signal: off.signal })).rejects.toThrow('called off');
  });
});

describe('the first message', () => {
  const ack = (socket: WebSocket) =>
    socket.on('message', (said: Buffer) => socket.send(JSON.stringify({ ack: said.toString() })));

  it('may come with the handshake already', async () => {
    const app = await serve(
      () => 'accept',
      (socket) => socket.send('{"type":"hello","id":7}'),
    );
    const hello = ws('hello', accepted(2_000), {
      expect: expecting({ status: '101', json: { type: 'hello' } }),
      capture: { id: '$.id' },
    });
    const next = ws('next', accepted(), { path: '/connect/{{id}}' });
    expect(await run(app, suite([hello, next]))).toMatchObject({ passed: true });
    expect(app.asked[1]?.url).toBe('/connect/7');
  });

  it('answers what is said first', async () => {
    const app = await serve(() => 'accept', ack);
    const ping = ws('ping', accepted(2_000), {
      body: { kind: 'text', value: 'ping {{secret:SMOKE_JWT}}' },
      expect: expecting({ status: '101', json: { ack: 'pong' } }),
    });
    const report = await run(app, suite([ping]), { secrets });
    expect(app.said).toEqual(['ping jwt-1234']);
    expect(report.requests[0]).toMatchObject({
      failed: '$.ack: expected "pong", got "ping ***"',
      body: '{"ack":"ping ***"}',
    });
  });

  it('that does not come in time, or not before the end, fails', async () => {
    const mute = await serve(() => 'accept');
    expect((await run(mute, suite([ws('a', accepted(50))]))).sentence).toBe('a: no first message within 50 ms');
    const rude = await serve(
      () => 'accept',
      (socket) => socket.close(1011),
    );
    expect((await run(rude, suite([ws('a', accepted(2_000))]))).sentence).toBe(
      'a: closed with code 1011 before the first message',
    );
  });
});

describe('a server that accepts and then closes', () => {
  const closing = (socket: WebSocket) => {
    socket.send('{"error":"no token"}');
    socket.close(1008, 'no token');
  };

  it('is held to its code, whatever it says before', async () => {
    const app = await serve(() => 'accept', closing);
    expect(await run(app, suite([ws('a', closed(1008)), ws('b', closed(null))]))).toMatchObject({ passed: true });
    expect((await run(app, suite([ws('a', closed(4401))]))).sentence).toBe('a: closed with code 1008, expected 4401');
  });

  it('fails when it leaves the connection open', async () => {
    const app = await serve(() => 'accept');
    const tried = suite([ws('a', closed(1008), { timeoutMs: 100 })]);
    expect((await run(app, tried)).sentence).toBe('a: not closed within 100 ms');
  });
});
