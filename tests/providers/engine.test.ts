import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createEngine } from '../../providers/engine.ts';
import { ProviderError } from '../../providers/errors.ts';
import type { Engine } from '../../providers/ports.ts';

const call = { timeoutMs: 5_000 };
let server: Server | undefined;

afterEach(() => {
  vi.unstubAllEnvs();
  server?.close();
  server?.closeAllConnections();
  server = undefined;
});

interface Asked {
  readonly line: string;
  readonly body: string;
  readonly auth: string | undefined;
}

/** A socket that answers everything the same way; `null` for no answer at all. */
async function engineThat(status: number | null, body = ''): Promise<{ engine: Engine; asked: Asked[] }> {
  const path = join(tmpdir(), `sluice-${randomUUID()}.sock`);
  const asked: Asked[] = [];
  const listening = createServer((incoming, answer) => {
    let text = '';
    incoming.on('data', (part) => (text += String(part)));
    incoming.on('end', () => {
      const auth = incoming.headers['x-registry-auth'];
      asked.push({ line: `${incoming.method ?? ''} ${incoming.url ?? ''}`, body: text, auth: auth?.toString() });
      if (status !== null) answer.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(path, resolve));
  return { engine: createEngine({ kind: 'socket', path }), asked };
}

async function errorOf(doing: Promise<unknown>): Promise<ProviderError> {
  const error: unknown = await doing.then(
    () => 'it succeeded',
    (reason: unknown) => reason,
  );
  if (!(error instanceof ProviderError)) throw new Error(`not a ProviderError: ${String(error)}`);
  return error;
}

describe('the engine', () => {
  it('is the one that the operator declared, whatever the environment says about Docker', async () => {
    const { engine, asked } = await engineThat(200, '{"ApiVersion":"1.45"}');
    vi.stubEnv('DOCKER_HOST', 'tcp://127.0.0.1:1');
    vi.stubEnv('DOCKER_TLS_VERIFY', '1');
    vi.stubEnv('DOCKER_CERT_PATH', '');
    expect(await engine.version(call)).toBe('1.45');
    expect(asked).toHaveLength(1);
  });

  it('hears variables in the body of a request, never in its address', async () => {
    const { engine, asked } = await engineThat(201, '{"Id":"x"}');
    await engine.create('web-b.7', { Env: ['PASSWORD=geheim'] }, call);
    expect(asked).toEqual([expect.objectContaining({ line: 'POST /containers/create?name=web-b.7' })]);
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({ Env: ['PASSWORD=geheim'] });
  });

  it.each([
    [400, 'invalid'],
    [401, 'denied'],
    [403, 'denied'],
    [404, 'missing'],
    [409, 'conflict'],
    [418, 'invalid'],
    [429, 'throttled'],
    [500, 'unreachable'],
    [503, 'unreachable'],
  ])('that answers %i is %s, in its own words', async (status, code) => {
    const { engine } = await engineThat(status, '{"message":"the port - 80 - is taken"}');
    const error = await errorOf(engine.start('web-b.7', call));
    expect(error).toMatchObject({ code, doing: 'start web-b.7 at the container engine' });
    expect(error.detail).toBe(`HTTP ${status}: the port - 80 - is taken`);
  });

  it('that has no such thing says nothing of it', async () => {
    const { engine } = await engineThat(404, '{"message":"no such container"}');
    expect(await engine.inspect('web-b', call)).toBeNull();
    expect(await engine.image('registry.example/web@sha256:1', call)).toBeNull();
  });

  it('that did it already has done it', async () => {
    const { engine } = await engineThat(304);
    await engine.start('web-b', call);
    await engine.stop('web-b', 10, call);
  });

  it('that never answers is given up in time, or when nobody waits any more', async () => {
    const { engine } = await engineThat(null);
    const late = await errorOf(engine.list({ timeoutMs: 100 }));
    expect(late).toMatchObject({ code: 'unreachable', detail: 'no complete answer within 100 ms' });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(engine.list({ timeoutMs: 5_000, signal })).rejects.toThrow('enough');
  });

  it('that is not there is named by what would help', async () => {
    const error = await errorOf(createEngine({ kind: 'socket', path: '/none.sock' }).list(call));
    expect(error).toMatchObject({ code: 'unreachable', detail: 'there is no such socket: is the engine running?' });
  });

  it('without certificates is refused, naming the file', async () => {
    const away = createEngine({ kind: 'tls', host: '127.0.0.1', port: 1, certificates: '/none' });
    const error = await errorOf(away.list(call));
    expect(error).toMatchObject({ code: 'denied', detail: 'ENOENT' });
    expect(error.doing).toMatch(/^read (?:ca|cert|key)\.pem of the engine's certificates$/);
  });
});

describe('a pull', () => {
  const login = { user: 'robot', password: 'geheim' };

  it('carries the login in a header of its own', async () => {
    const { engine, asked } = await engineThat(200, '{"status":"done"}\n');
    await engine.pull('registry.example/web@sha256:1', login, call);
    expect(asked[0]?.line).toBe('POST /images/create?fromImage=registry.example%2Fweb%40sha256%3A1');
    expect(JSON.parse(Buffer.from(asked[0]?.auth ?? '', 'base64').toString())).toEqual({
      ...{ username: 'robot', password: 'geheim' },
    });
  });

  it.each([
    ['unauthorized: authentication required', 'denied'],
    ['manifest unknown', 'missing'],
    ['dial tcp: connection refused', 'unreachable'],
  ])('that fails in its progress has failed: %s', async (said, code) => {
    const { engine } = await engineThat(200, `{"status":"pulling"}\nno json\n${JSON.stringify({ error: said })}`);
    expect(await errorOf(engine.pull('web@sha256:1', null, call))).toMatchObject({ code, detail: said });
  });
});
