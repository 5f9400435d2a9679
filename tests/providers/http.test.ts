import { getEventListeners } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { ProviderError } from '../../providers/errors.ts';
import { createHttp } from '../../providers/http.ts';

const http = createHttp();
const open: Server[] = [];

afterEach(() => {
  for (const server of open.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of incoming) text += String(part);
  return text;
}

async function errorOf(sending: Promise<unknown>): Promise<ProviderError> {
  const error: unknown = await sending.then(
    () => 'it succeeded',
    (reason: unknown) => reason,
  );
  if (!(error instanceof ProviderError)) throw new Error(`not a ProviderError: ${String(error)}`);
  return error;
}

describe('the real Http', () => {
  it('sends method, headers and body as they are and gives status, lower-case headers and body back', async () => {
    const url = await serve((incoming, answer) => {
      void textOf(incoming).then((body) => {
        const { method, headers } = incoming;
        answer.writeHead(418, { 'X-Seen': 'Yes' });
        answer.end(
          JSON.stringify({ method, body, type: headers['content-type'], own: headers['x-own'], host: headers.host }),
        );
      });
    });
    const answer = await http.send({
      method: 'PATCH',
      url,
      headers: { 'x-own': '1', 'Content-Type': 'application/json', host: 'web.example' },
      body: '{"a": 1}',
      timeoutMs: 2_000,
    });
    expect(answer.status).toBe(418);
    expect(answer.headers['x-seen']).toBe('Yes');
    expect(JSON.parse(answer.body)).toEqual({
      method: 'PATCH',
      body: '{"a": 1}',
      type: 'application/json',
      own: '1',
      host: 'web.example',
    });
  });

  it('says no content type when the caller says none, and sends nothing that looks like a browser', async () => {
    const url = await serve((incoming, answer) => answer.end(JSON.stringify(incoming.headers)));
    const { body } = await http.send({ method: 'POST', url, body: 'x', timeoutMs: 2_000 });
    const headers = JSON.parse(body) as Record<string, string>;
    expect(headers['content-type']).toBeUndefined();
    expect(Object.keys(headers).filter((name) => name.startsWith('sec-'))).toEqual([]);
  });

  it('does not follow redirects', async () => {
    const url = await serve((_, answer) => answer.writeHead(302, { location: 'http://127.0.0.1:1/' }).end());
    expect((await http.send({ method: 'GET', url, timeoutMs: 2_000 })).status).toBe(302);
  });

  it('cuts an answer that is longer than asked for, compressed ones by their real size', async () => {
    const url = await serve((_, answer) => {
      answer.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(5_000_000)));
    });
    const { body } = await http.send({ method: 'GET', url, timeoutMs: 2_000, maxBytes: 1_000 });
    expect(body).toBe('x'.repeat(1_000));
  });

  it('calls a refused connection unreachable, without path, query or credentials', async () => {
    const url = await serve(() => undefined);
    open.splice(0)[0]?.close();
    const secret = url.replace('//', '//user:hunter2@');
    const error = await errorOf(
      http.send({
        method: 'POST',
        url: `${secret}/hook/T0KEN?key=T0KEN`,
        headers: { authorization: 'T0KEN' },
        timeoutMs: 2_000,
      }),
    );
    expect(error.code).toBe('unreachable');
    expect(error.message).toBe(`POST ${url}: connection refused`);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toMatch(/T0KEN|hunter2/);
  });

  it('reads anew when a kept connection had been given up meanwhile, and writes nothing a second time', async () => {
    const seen: string[] = [];
    const used = new Set<unknown>();
    const url = await serve((incoming, answer) => {
      seen.push(incoming.method ?? '');
      if (used.has(incoming.socket)) return void incoming.socket.resetAndDestroy();
      used.add(incoming.socket);
      answer.end('here');
    });
    const send = (method: string) => http.send({ method, url, timeoutMs: 2_000 });
    await send('GET');
    expect((await send('GET')).body).toBe('here');
    expect((await errorOf(send('PATCH'))).code).toBe('unreachable');
    expect(seen).toEqual(['GET', 'GET', 'GET', 'PATCH']);
  });

  it('calls a reset connection unreachable with an unknown effect', async () => {
    const url = await serve((incoming) => incoming.socket.resetAndDestroy());
    const error = await errorOf(http.send({ method: 'PATCH', url, timeoutMs: 2_000 }));
    expect(error).toMatchObject({
      code: 'unreachable',
      detail: 'connection reset, whether it had an effect is unknown',
    });
  });

  it('calls an answer that breaks off unreachable', async () => {
    const url = await serve((_, answer) => {
      answer.writeHead(200, { 'content-length': '100' });
      answer.write('half');
      setTimeout(() => answer.destroy(), 20);
    });
    expect((await errorOf(http.send({ method: 'GET', url, timeoutMs: 2_000 }))).code).toBe('unreachable');
  });

  it('gives up after the time-out, also when the answer trickles', async () => {
    const url = await serve((_, answer) => {
      const drip = setInterval(() => answer.write('.'), 10);
      answer.on('close', () => clearInterval(drip));
    });
    const error = await errorOf(http.send({ method: 'GET', url, timeoutMs: 150 }));
    expect(error).toMatchObject({ code: 'unreachable', detail: 'no complete answer within 150 ms' });
  });

  it('rejects with the reason of an aborted signal, before and during the exchange', async () => {
    let arrive: () => void = () => undefined;
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    const url = await serve(() => arrive());
    const reason = new Error('cancelled by the caller');
    const before = http.send({ method: 'GET', url, timeoutMs: 5_000, signal: AbortSignal.abort(reason) });
    await expect(before).rejects.toBe(reason);
    const abort = new AbortController();
    const during = http.send({ method: 'GET', url, timeoutMs: 5_000, signal: abort.signal });
    await arrived;
    abort.abort(reason);
    await expect(during).rejects.toBe(reason);
  });

  it('leaves no listener on a long-lived signal', async () => {
    const url = await serve((_, answer) => answer.end('ok'));
    const { signal } = new AbortController();
    for (let sent = 0; sent < 3; sent++) await http.send({ method: 'GET', url, timeoutMs: 2_000, signal });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('calls an address that is none invalid', async () => {
    const error = await errorOf(http.send({ method: 'GET', url: 'no address', timeoutMs: 100 }));
    expect(error).toMatchObject({ code: 'invalid', doing: 'GET an unreadable address' });
  });
});
