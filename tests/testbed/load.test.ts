import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startLoad } from '../../testbed/load.ts';

const cleanUp: (() => void)[] = [];
afterEach(() => cleanUp.splice(0).forEach((undo) => undo()));

async function listen(answerWith: (n: number) => { status: number; release: string } | 'cut'): Promise<string> {
  let n = 0;
  const server = createServer((incoming, answer) => {
    const what = answerWith(n++);
    if (what === 'cut') return incoming.socket.destroy();
    return answer.writeHead(what.status, { 'x-release': what.release }).end('ok');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describe('the load', () => {
  it('counts by the release that answered and by status, and ends by itself', async () => {
    const url = await listen((n) => (n % 4 === 3 ? { status: 500, release: 'v2' } : { status: 200, release: 'v1' }));
    const load = startLoad({ url, ratePerSecond: 100, maxSeconds: 1 });
    await load.done;
    expect(load.counts()).toEqual({
      sent: 100,
      answered: 100,
      failed: 0,
      skipped: 0,
      byRelease: { v1: { 200: 75 }, v2: { 500: 25 } },
    });
  });

  it('stops when told, and counts a window of time', async () => {
    const url = await listen(() => ({ status: 200, release: 'v1' }));
    const load = startLoad({ url, ratePerSecond: 100, maxSeconds: 60 });
    await expect.poll(() => load.counts().answered).toBeGreaterThan(5);
    await load.stop();
    const { sent } = load.counts();
    const later = Date.now() + 1;
    expect(load.counts(later).sent).toBe(0);
    expect(load.counts(0, later).sent).toBe(sent);
  });

  it('counts a broken connection as failed', async () => {
    const load = startLoad({ url: await listen(() => 'cut'), ratePerSecond: 20, maxSeconds: 1 });
    await load.done;
    expect(load.counts()).toMatchObject({ sent: 20, answered: 0, failed: 20 });
  });

  it.each(['http://192.0.2.1/', 'http://example.com/', 'http://127.0.0.1.example.com/', 'https://127.0.0.1/'])(
    'refuses %s: loopback only',
    (url) => {
      expect(() => startLoad({ url, ratePerSecond: 1, maxSeconds: 1 })).toThrow(/loopback only/);
    },
  );

  it.each([
    { ratePerSecond: 0, maxSeconds: 1 },
    { ratePerSecond: 5_000, maxSeconds: 1 },
    { ratePerSecond: 1, maxSeconds: 7_200 },
    { ratePerSecond: Number.NaN, maxSeconds: 1 },
  ])('refuses to be unbounded: %o', (bounds) => {
    expect(() => startLoad({ url: 'http://127.0.0.1:1/', ...bounds })).toThrow(/between 1 and/);
  });
});
