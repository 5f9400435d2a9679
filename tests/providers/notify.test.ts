import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHttp } from '../../providers/http.ts';
import { createNotifier, type NotifierOptions } from '../../providers/notify/notifier.ts';
import type { Notice } from '../../providers/ports.ts';

const notice: Notice = {
  rollout: 'rollout/production/web',
  severity: 'P1',
  key: 'gate/go/50',
  title: 'Gate go waits',
  text: 'token hunter2000 was seen',
};

interface Hit {
  readonly request: IncomingMessage;
  readonly body: string;
}

describe('notifications', () => {
  const hits: Hit[] = [];
  const logged: Notice[] = [];
  let server: Server;
  let base = '';

  beforeEach(async () => {
    hits.length = 0;
    logged.length = 0;
    server = createServer((request, response) => {
      void text(request).then((body) => {
        hits.push({ request, body });
        if (request.url === '/silent') return;
        response.writeHead(request.url === '/broken' ? 503 : 204).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const notifier = (paths: readonly string[], over: Partial<NotifierOptions> = {}) =>
    createNotifier({
      http: createHttp(),
      channels: paths.map((path) => ({ kind: 'webhook', name: path.slice(1), url: `${base}${path}` })),
      log: (one) => logged.push(one),
      redact: (one) => one.replaceAll('hunter2000', '***'),
      ...over,
    });

  it('go to the log and as JSON to every webhook, without secrets', async () => {
    const ops = notifier(['/ops', '/chat']);
    expect(ops.channels).toEqual(['ops', 'chat']);
    expect(await ops.send(notice)).toEqual([]);
    const clean = { ...notice, text: 'token *** was seen' };
    expect(logged).toEqual([clean]);
    expect(hits.map(({ body }) => JSON.parse(body) as unknown)).toEqual([clean, clean]);
    expect(hits[0]?.request.headers['content-type']).toBe('application/json');
  });

  it('report the channels that failed and never throw', async () => {
    const failures = await notifier(['/ops', '/broken']).send(notice);
    expect(failures).toEqual([{ channel: 'broken', error: 'answered 503' }]);
    const nowhere = notifier([], { channels: [{ kind: 'webhook', name: 'gone', url: 'http://127.0.0.1:1/hook' }] });
    expect(await nowhere.send(notice)).toEqual([
      { channel: 'gone', error: expect.stringContaining('refused') as string },
    ]);
  });

  it('give a silent receiver up in time', async () => {
    const failures = await notifier(['/silent'], { timeoutMs: 50 }).send(notice);
    expect(failures).toEqual([{ channel: 'silent', error: expect.stringContaining('50 ms') as string }]);
  });

  it('do not throw when the activity is stopped meanwhile', async () => {
    const failures = await notifier(['/silent']).send(notice, AbortSignal.timeout(30));
    expect(failures).toMatchObject([{ channel: 'silent' }]);
  });
});
