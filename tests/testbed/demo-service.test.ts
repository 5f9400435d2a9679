import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { serviceApp } from '../../testbed/demo-service/app.ts';
import { desk, deskSecrets } from '../../testbed/demo-service/desk.ts';
import { type FaultsInput, faultsSchema, faultSwitch } from '../../testbed/demo-service/faults.ts';
import { serviceMetrics } from '../../testbed/demo-service/metrics.ts';
import { readRequestLog, type ServedRequest } from '../../testbed/demo-service/request-log.ts';
import { temporaryFolder } from '../temporary-folder.ts';

function service(faults: FaultsInput = {}) {
  const log: ServedRequest[] = [];
  const app = serviceApp({
    app: 'web',
    release: 'v2',
    digest: 'sha256:22',
    faults: faultSwitch(faultsSchema.parse(faults)),
    metrics: serviceMetrics('web', 'v2'),
    log: (request) => void log.push(request),
    desk: desk(),
  });
  const statuses = async (times: number) => {
    const all: number[] = [];
    for (let n = 0; n < times; n++) all.push((await app.request('/')).status);
    return all;
  };
  return { app, log, statuses };
}

describe('the demo service', () => {
  it('says which release answered', async () => {
    const { app } = service();
    const answer = await app.request('/api/whoami');
    expect(answer.headers.get('x-release')).toBe('v2');
    expect(await answer.json()).toEqual({ app: 'web', release: 'v2', digest: 'sha256:22' });
  });

  it('counts what users got by code and path, and nothing else', async () => {
    const { app, log } = service({ errorRate: 0.5 });
    for (const path of ['/', '/', '/nobody-knows-me', '/healthz', '/metrics', '/_control/identity'])
      await app.request(path);

    const lines = (await (await app.request('/metrics')).text()).split('\n');
    expect(lines.filter((line) => line.startsWith('http_requests_total'))).toEqual([
      'http_requests_total{code="200",method="GET",path="/",app="web",release="v2"} 1',
      'http_requests_total{code="500",method="GET",path="/",app="web",release="v2"} 1',
      'http_requests_total{code="404",method="GET",path="other",app="web",release="v2"} 1',
    ]);
    expect(log.map(({ path, status }) => [path, status])).toEqual([
      ['/', 200],
      ['/', 500],
      ['/nobody-knows-me', 404],
    ]);
  });

  it('has both codes at zero before the first request', async () => {
    const text = await (await service().app.request('/metrics')).text();
    expect(text).toContain('code="500",method="GET",path="/",app="web",release="v2"} 0');
  });

  it('logs who came by preview header, through a proxy and from a load', async () => {
    const { app, log } = service();
    await app.request('/');
    await app.request('/', {
      headers: { 'x-forwarded-for': '127.0.0.1', 'x-sluice-preview': 'canary', 'x-load-id': 'l1' },
    });
    expect(log).toMatchObject([
      { proxied: false, preview: false, load: null },
      { proxied: true, preview: true, load: 'l1' },
    ]);
  });
});

describe('the help desk of the demo service', () => {
  it('knows its visitors and sessions, and what belongs to them', async () => {
    const { app, log } = service();
    const send = async (method: string, path: string, json?: unknown, headers: Record<string, string> = {}) => {
      const answer = await app.request(path, {
        method,
        headers,
        ...(json !== undefined && { body: JSON.stringify(json) }),
      });
      const body: unknown = answer.status === 204 ? null : await answer.json();
      return { status: answer.status, cookie: answer.headers.get('set-cookie') ?? '', body };
    };
    expect((await send('GET', '/account')).status).toBe(401);
    expect((await send('POST', '/login', { user: 'smoke', password: 'guessed' })).status).toBe(401);
    const { cookie } = await send('POST', '/login', { user: 'smoke', password: deskSecrets.password });
    expect((await send('GET', '/account', undefined, { cookie })).body).toEqual({ user: 'smoke' });

    expect((await send('POST', '/api/chat', { sessionId: 'made up' })).status).toBe(404);
    const { sessionId } = (await send('POST', '/api/greeting')).body as { sessionId: string };
    expect((await send('POST', '/api/chat', { sessionId })).status).toBe(200);
    const { ticketId } = (await send('POST', '/api/tickets', { sessionId, subject: 'x' })).body as { ticketId: string };
    const removed = [
      await send('DELETE', `/api/tickets/${ticketId}`),
      await send('DELETE', `/api/tickets/${ticketId}`),
    ];
    expect(removed.map(({ status }) => status)).toEqual([204, 404]);
    expect((await send('POST', '/webhooks/desk', {})).status).toBe(401);
    expect(log.find(({ path, status }) => path === '/api/chat' && status === 200)?.saw).toEqual({ sessionId });
  });
});

describe('faults of the demo service', () => {
  it('hit one path alone when told so', async () => {
    const { app, statuses } = service({ errorRate: 1, only: '/api/greeting' });
    expect(await statuses(1)).toEqual([200]);
    expect((await app.request('/api/greeting', { method: 'POST' })).status).toBe(500);
  });

  it('spreads errors evenly: every fourth at 25 %', async () => {
    expect(await service({ errorRate: 0.25 }).statuses(8)).toEqual([200, 200, 200, 500, 200, 200, 200, 500]);
  });

  it('keeps the exact share over many requests', async () => {
    const statuses = await service({ errorRate: 0.03 }).statuses(1_000);
    expect(statuses.filter((status) => status === 500)).toHaveLength(30);
  });

  it('fails always at 1 and never at 0', async () => {
    expect(await service({ errorRate: 1 }).statuses(2)).toEqual([500, 500]);
    expect(await service().statuses(2)).toEqual([200, 200]);
  });

  it('begins at the time it was given', async () => {
    const later = new Date(Date.now() + 3_600_000).toISOString();
    expect(await service({ errorRate: 1, from: later }).statuses(1)).toEqual([200]);
    expect(await service({ errorRate: 1, from: '2020-01-01T00:00:00Z' }).statuses(1)).toEqual([500]);
  });

  it('is slow when told so', async () => {
    const began = performance.now();
    await service({ latencyMs: 60 }).statuses(1);
    expect(performance.now() - began).toBeGreaterThan(55);
  });

  it('is switched while it runs, health included, and refuses nonsense', async () => {
    const { app, statuses } = service();
    const put = async (faults: unknown) =>
      (await app.request('/_control/faults', { method: 'PUT', body: JSON.stringify(faults) })).status;

    expect((await app.request('/healthz')).status).toBe(200);
    expect(await put({ ready: false, errorRate: 1 })).toBe(200);
    expect((await app.request('/healthz')).status).toBe(503);
    expect(await statuses(1)).toEqual([500]);
    expect(await put({})).toBe(200);
    expect(await statuses(1)).toEqual([200]);
    expect(await put({ errorRate: 3 })).toBe(422);
    expect(await put({ errrorRate: 1 })).toBe(422);
  });
});

describe('a request log', () => {
  const folder = temporaryFolder('requests');

  it('is read without the line that a crash cut off', () => {
    const file = join(folder, 'log.jsonl');
    writeFileSync(file, '{"at":1,"path":"/"}\n{"at":2,"pa');
    expect(readRequestLog(file)).toEqual([{ at: 1, path: '/' }]);
    expect(readRequestLog(`${file}.none`)).toEqual([]);
  });
});
