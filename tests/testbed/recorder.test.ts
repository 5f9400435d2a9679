import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Recorder, startRecorder } from '../../testbed/recorder.ts';
import { readAll } from '../../testbed/recording/exchange.ts';
import { ask } from '../../testbed/servers/http.ts';
import { waitFor } from '../../testbed/wait.ts';
import { temporaryFolder } from '../temporary-folder.ts';

/** A control API that answers what it was asked, with an ETag, and counts. */
class EchoApi {
  readonly seen: { method: string; url: string; rawHeaders: string[]; body: string }[] = [];
  readonly #server: Server = createServer((incoming: IncomingMessage, answer) => {
    void readAll(incoming).then((body) => {
      const { method = '', url = '', rawHeaders } = incoming;
      this.seen.push({ method, url, rawHeaders, body: body.toString() });
      if (url === '/cut') return incoming.socket.destroy();
      const status = incoming.headers['if-match'] === '"stale"' ? 412 : 200;
      return answer.writeHead(status, { ETag: `"${this.seen.length}"`, 'X-Odd-Name': 'kept' }).end(`answer ${url}`);
    });
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

const folder = temporaryFolder('recorder');
let api: EchoApi;
let upstream: string;
let recorder: Recorder;
let logFile: string;

beforeEach(async () => {
  api = new EchoApi();
  upstream = await api.start();
  logFile = join(mkdtempSync(join(folder, 'log-')), 'deep', 'log.jsonl');
  recorder = await startRecorder({ upstream, logFile });
});

afterEach(async () => {
  await recorder.stop();
  api.stop();
});

describe('the recorder, undisturbed', () => {
  it('passes method, path, headers and body on unchanged, except for the host', async () => {
    const headers = { 'If-Match': '"abc"', Authorization: 'Bearer s3cret', 'X-Mixed-Case': '1' };
    await ask(`${recorder.url}/id/x?a=1&b=%20`, { method: 'PATCH', headers, json: { weight: 1 } });

    const [got] = api.seen;
    expect(got).toMatchObject({ method: 'PATCH', url: '/id/x?a=1&b=%20', body: '{"weight":1}' });
    expect(got?.rawHeaders).toContain('X-Mixed-Case');
    expect(got?.rawHeaders).toContain('Bearer s3cret');
    expect(got?.rawHeaders).toContain('"abc"');
    expect(got?.rawHeaders).toContain(new URL(upstream).host);
    expect(got?.rawHeaders.map((name) => name.toLowerCase())).not.toContain('sec-fetch-mode');
  });

  it('passes status, headers and body back unchanged', async () => {
    const answer = await ask(`${recorder.url}/id/x`, { headers: { 'if-match': '"stale"' } });

    expect(answer).toMatchObject({ status: 412, body: 'answer /id/x' });
    expect(answer.headers).toMatchObject({ etag: '"1"', 'x-odd-name': 'kept' });
  });

  it('breaks the connection to the client when the upstream breaks its own', async () => {
    await expect(ask(`${recorder.url}/cut`)).rejects.toThrow(/hang up|ECONNRESET/);
    expect(recorder.entries()).toMatchObject([{ path: '/cut', status: null, fault: null }]);
    expect(recorder.entries()[0]?.error).toMatch(/hang up|ECONNRESET/);
  });

  it('records each exchange in memory and in its file, without credentials', async () => {
    await ask(`${recorder.url}/one`, { headers: { authorization: 'Bearer s3cret' } });
    await ask(`${recorder.url}/two`, { method: 'PUT', json: { a: 1 } });

    expect(recorder.entries()).toMatchObject([
      { number: 1, method: 'GET', path: '/one', status: 200, answerBody: 'answer /one', error: null },
      { number: 2, method: 'PUT', path: '/two', requestBody: '{"a":1}', answerHeaders: { etag: '"2"' } },
    ]);
    const text = readFileSync(logFile, 'utf8');
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(recorder.entries());
    expect(text).not.toContain('s3cret');
  });
});

describe('the fault switchboard', () => {
  it('refuses in place of the upstream, as often as told, only what matches', async () => {
    recorder.fault({ method: 'PUT', path: /^\/slots/, times: 1, fault: { kind: 'refuse', status: 503, body: 'no' } });

    expect((await ask(`${recorder.url}/slots/a`)).status).toBe(200);
    expect(await ask(`${recorder.url}/slots/a`, { method: 'PUT' })).toMatchObject({ status: 503, body: 'no' });
    expect((await ask(`${recorder.url}/slots/a`, { method: 'PUT' })).status).toBe(200);
    expect(api.seen.map((call) => call.method)).toEqual(['GET', 'PUT']);
    expect(recorder.entries().map((entry) => [entry.fault, entry.status])).toEqual([
      [null, 200],
      ['refuse', null],
      [null, 200],
    ]);
  });

  it('drops a request before the upstream saw it', async () => {
    recorder.fault({ times: 1, fault: { kind: 'drop', where: 'request' } });
    await expect(ask(`${recorder.url}/x`)).rejects.toThrow(/hang up/);
    expect(api.seen).toEqual([]);
  });

  it('drops an answer after the upstream acted, and records what it answered', async () => {
    recorder.fault({ times: 1, fault: { kind: 'drop', where: 'answer' } });
    await expect(ask(`${recorder.url}/x`)).rejects.toThrow(/hang up/);
    expect(api.seen).toHaveLength(1);
    expect(recorder.entries()).toMatchObject([{ fault: 'drop', status: 200 }]);
  });

  it('delays the request or the answer', async () => {
    recorder.fault({ path: /request/, fault: { kind: 'delay', ms: 120, where: 'request' } });
    recorder.fault({ path: /answer/, fault: { kind: 'delay', ms: 120, where: 'answer' } });
    for (const path of ['request', 'answer']) {
      const began = performance.now();
      await ask(`${recorder.url}/${path}`);
      expect(performance.now() - began).toBeGreaterThan(110);
    }
    const [request, answer] = recorder.entries();
    expect(request?.ms).toBeGreaterThan(110);
    expect(answer?.ms).toBeLessThan(110);
  });

  it('holds a request or an answer back until it is let go, also when the client has hung up', async () => {
    const request = recorder.hold({ path: /request/, where: 'request' });
    const answer = recorder.hold({ path: /answer/, where: 'answer' });
    const gaveUp = expect(ask(`${recorder.url}/request`, { timeoutMs: 50 })).rejects.toThrow();
    const asked = ask(`${recorder.url}/answer`);
    await gaveUp;
    await waitFor(() => answer.count() === 1 && api.seen.length === 1, { for: 'both to be held' });
    expect(api.seen.map(({ url }) => url)).toEqual(['/answer']);

    request.release();
    await waitFor(() => api.seen.length === 2, { for: 'the late request' });
    expect((await ask(`${recorder.url}/request`)).status).toBe(200);
    answer.release();
    expect(await asked).toMatchObject({ status: 200, body: 'answer /answer' });
    expect(request.count()).toBe(1);
    expect(recorder.entries().map(({ fault }) => fault)).toEqual(['hold', 'hold', null]);
  });

  it('repeats a request and gives the client the first answer', async () => {
    recorder.fault({ times: 1, fault: { kind: 'repeat', times: 2 } });
    expect((await ask(`${recorder.url}/x`, { method: 'PUT', json: 1 })).headers.etag).toBe('"1"');
    expect(api.seen.map((call) => call.body)).toEqual(['1', '1', '1']);
    expect(recorder.entries().map((entry) => entry.number)).toEqual([1, 1, 1]);
  });

  it('falsifies status and body while the record keeps the truth', async () => {
    recorder.fault({ fault: { kind: 'falsify', status: 500, body: 'lie' } });
    expect(await ask(`${recorder.url}/x`)).toMatchObject({ status: 500, body: 'lie' });
    expect(recorder.entries()).toMatchObject([{ status: 200, answerBody: 'answer /x', fault: 'falsify' }]);
  });

  it('matches bodies, and forgets a rule that is taken away or cleared', async () => {
    const refuse = { kind: 'refuse', status: 503 } as const;
    const takeAway = recorder.fault({ body: /"weight":100/, fault: refuse });
    const send = async (weight: number) =>
      (await ask(`${recorder.url}/x`, { method: 'PATCH', json: { weight } })).status;

    expect(await send(1)).toBe(200);
    expect(await send(100)).toBe(503);
    takeAway();
    expect(await send(100)).toBe(200);
    recorder.fault({ fault: refuse });
    recorder.clearFaults();
    expect(await send(100)).toBe(200);
  });
});
