import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Credentials } from '../../../../providers/credentials.ts';
import { ProviderError } from '../../../../providers/errors.ts';
import { createHttp } from '../../../../providers/http.ts';
import type { DeployDoor } from '../../../../providers/targets/caddy/door.ts';
import { createHook } from '../../../../providers/targets/caddy/hook.ts';
import { stable as release } from './given.ts';

const order = { rollout: 'rollout/production/web', run: 'run-1', fence: 7, stable: release, canary: release };
const slot = { release, state: 'running', ready: true, detail: '', fence: 3, rollout: null };

interface Seen {
  readonly call: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

let server: Server | undefined;

afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

async function hookThatAnswers(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
  auth: Credentials = { kind: 'bearer', token: async () => 's3cret' },
): Promise<{ hook: DeployDoor; seen: Seen[] }> {
  const seen: Seen[] = [];
  const listening = createServer((incoming, answer) => {
    let text = '';
    incoming.on('data', (part) => (text += String(part)));
    incoming.on('end', () => {
      const { method = '', url = '', headers: got } = incoming;
      seen.push({ call: `${method} ${url}`, authorization: got.authorization, body: text });
      answer.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}/`;
  return { hook: createHook({ kind: 'hook', url, auth }, createHttp()), seen };
}

async function errorOf(doing: Promise<unknown>): Promise<ProviderError> {
  const error: unknown = await doing.then(
    () => 'it succeeded',
    (reason: unknown) => reason,
  );
  if (!(error instanceof ProviderError)) throw new Error(`not a ProviderError: ${String(error)}`);
  return error;
}

describe('the deploy hook', () => {
  it('is spoken to by its contract', async () => {
    const { hook, seen } = await hookThatAnswers(200, { slots: { a: slot, b: { ...slot, release: null, extra: 1 } } });
    expect((await hook.slots()).a).toEqual(slot);
    await hook.put('b', order, release);
    await hook.remove('a', order);
    expect(seen.map(({ call }) => call)).toEqual([
      'GET /slots',
      'PUT /slots/b',
      'DELETE /slots/a?rollout=rollout%2Fproduction%2Fweb&fence=7',
    ]);
    const { rollout, run, fence } = order;
    expect(JSON.parse(seen[1]?.body ?? '')).toEqual({ release, rollout, run, fence });
    expect(seen.every(({ authorization }) => authorization === 'Bearer s3cret')).toBe(true);
  });

  it.each([
    [409, { code: 'fenced', fence: 40 }, 'fenced'],
    [422, { code: 'invalid', message: 'label: too long' }, 'invalid'],
    [401, 'who are you', 'denied'],
    [403, { code: 'no', message: 's3cret is wrong' }, 'denied'],
    [404, {}, 'missing'],
    [500, 'panic', 'unreachable'],
    [302, '', 'unreachable'],
  ])('answering %i %j is our %s', async (status, body, code) => {
    const { hook } = await hookThatAnswers(status, body);
    const error = await errorOf(hook.put('b', order, release));
    expect(error.code).toBe(code);
    expect(error.fence).toBe(status === 409 ? 40 : null);
    expect(error.message).not.toContain('s3cret');
  });

  it('is given a name and a password where it asks for them', async () => {
    const basic = { kind: 'basic', user: 'sluice', password: async () => 'pa:ss' } as const;
    const { hook, seen } = await hookThatAnswers(200, '{}', {}, basic);
    await hook.remove('a', order);
    expect(seen[0]?.authorization).toBe(`Basic ${Buffer.from('sluice:pa:ss').toString('base64')}`);
  });

  it('says when to come back', async () => {
    const { hook } = await hookThatAnswers(429, '', { 'retry-after': '3' });
    expect(await errorOf(hook.slots())).toMatchObject({ code: 'throttled', retryAfterMs: 3_000 });
  });

  it.each([
    ['no JSON', 'hello'],
    ['no slots', { slots: { a: slot } }],
    ['a state that there is not', { slots: { a: slot, b: { ...slot, state: 'fine' } } }],
    ['a release without a digest', { slots: { a: slot, b: { ...slot, release: { ...release, digest: 'latest' } } } }],
  ])('that answers with %s counts as unreachable', async (_, body) => {
    const { hook } = await hookThatAnswers(200, body);
    expect(await errorOf(hook.slots())).toMatchObject({ code: 'unreachable' });
  });
});
