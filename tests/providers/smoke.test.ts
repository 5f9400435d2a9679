import { afterEach, describe, expect, it } from 'vitest';
import type { SmokeExpectation } from '../../plan/plan.ts';
import { listen, type Answer, type Asked, type Loopback } from './loopback.ts';
import { expecting, json, request, run, runnerWith, suite } from './smoke-given.ts';

const servers: Loopback[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function serve(answer: (asked: Asked, count: number) => Answer | Promise<Answer>): Promise<Loopback> {
  const server = await listen(answer);
  servers.push(server);
  return server;
}

/** The seed's chat application: every answer depends on the session of the greeting. */
function chatApp(asked: Asked): Answer {
  if (asked.path === '/greeting') return json({ ok: true, sessionId: 'sid/1 "x"', round: 7 });
  if (asked.path === '/upload') return json({ ok: asked.headers['x-session-id'] === 'sid/1 "x"' });
  return json({ ok: true, ticketId: 't-1', reply: 'hola' });
}

const chatSuite = suite([
  request('greeting', {
    method: 'POST',
    body: { kind: 'json', value: {} },
    capture: { sid: '$.sessionId', n: '$.round' },
  }),
  request('chat', {
    method: 'POST',
    body: { kind: 'json', value: { sessionId: '{{sid}}', round: '{{n}}', text: 'hi {{ sid }} {{n}}' } },
  }),
  request('upload', { headers: { 'X-Session-Id': '{{sid}}' }, expect: expecting({ json: { ok: true } }) }),
  request('ticket', { path: '/ticket?sid={{sid}}', expect: expecting({ exists: ['$.ticketId'] }) }),
]);

describe('a suite', () => {
  it('carries captured values into bodies, headers and paths, each in its own writing (T-13)', async () => {
    const server = await serve(chatApp);
    const report = await run(server, chatSuite);
    expect(report).toMatchObject({ passed: true });
    expect(report.sentence).toMatch(/^4 requests passed in /);
    expect(report.requests.map(({ failed, body }) => [failed, body])).toEqual(Array(4).fill([null, null]));
    expect(JSON.parse(server.asked[1]?.body ?? '')).toEqual({
      sessionId: 'sid/1 "x"',
      round: 7,
      text: 'hi sid/1 "x" 7',
    });
    expect(server.asked[1]?.headers['content-type']).toBe('application/json');
    expect(server.asked[3]?.path).toBe('/ticket?sid=sid%2F1%20%22x%22');
  });

  it('expects what it captured to come back', async () => {
    const answers = [{ id: 'r-7' }, { id: 'r-7' }, { id: 'r-8' }];
    const server = await serve((_, count) => json(answers[count - 1] ?? {}));
    const same = { expect: expecting({ json: { id: '{{id}}' } }) };
    const report = await run(
      server,
      suite([request('book', { capture: { id: '$.id' } }), request('read', same), request('again', same)]),
    );
    expect(report.sentence).toBe('again: $.id: expected "r-7", got "r-8"');
  });

  it('stops at a capture that finds nothing and sends nothing after it (T-13)', async () => {
    const server = await serve(() => json({ ok: true }));
    const report = await run(server, chatSuite);
    expect(report).toMatchObject({ passed: false, sentence: 'greeting: capture sid: not found' });
    expect(report.requests).toHaveLength(1);
    expect(server.asked).toHaveLength(1);
  });

  it('does not send a request whose variable nobody captured', async () => {
    const server = await serve(() => json({}));
    expect(await run(server, suite([request('a', { path: '/{{sid}}' })]))).toMatchObject({
      sentence: 'a: variable sid was not captured',
    });
    expect(server.asked).toHaveLength(0);
  });

  it('keeps the aim’s headers above the suite’s own, so that the canary answers (T-15)', async () => {
    const server = await serve(() => json({}));
    const tried = suite([request('a', { headers: { 'X-Sluice-Preview': 'stable' } })]);
    await run(server, tried, { headers: { 'x-sluice-preview': 'canary' } });
    expect(server.asked[0]?.headers['x-sluice-preview']).toBe('canary');
  });
});

describe('an expectation (T-14)', () => {
  const cases: [string, Partial<SmokeExpectation>, Answer, string | null][] = [
    ['status in a class', {}, json({}, 204), null],
    ['exact status', { status: '401' }, json({}, 200), 'expected 401, got 200'],
    ['exact status met', { status: '401' }, json({}, 401), null],
    [
      'forbidden status before a good body',
      { json: { ok: true } },
      json({ ok: true }, 502),
      'status 502 is forbidden (5xx)',
    ],
    ['a path that is missing', { exists: ['$.ticketId'] }, json({ ok: true }), '$.ticketId is missing or empty'],
    ['a path that is empty', { exists: ['$.a[0]'] }, json({ a: [''] }), '$.a[0] is missing or empty'],
    ['a path to zero, which is there', { exists: ['$.a'] }, json({ a: 0 }), null],
    ['a JSON subset', { json: { a: { b: [1] } } }, json({ a: { b: [2, 1], c: 3 } }), null],
    [
      'a JSON value that differs',
      { json: { a: { b: true } } },
      json({ a: { b: false } }),
      '$.a.b: expected true, got false',
    ],
    ['JSON of another form', { json: { a: { b: 1 } } }, json({ a: [] }), '$.a: expected an object, got []'],
    ['a list item that is missing', { json: [{ id: 2 }] }, json([{ id: 1 }]), '$: no item contains {"id":2}'],
    [
      'inherited names, which are not there',
      { json: { constructor: null } },
      json({}),
      '$.constructor: expected null, got nothing',
    ],
    ['JSON that is none', { json: {} }, { body: '<html>' }, 'the answer is not JSON'],
    ['a content type', { contentType: 'application/json' }, json({}), null],
    [
      'another content type',
      { contentType: 'text/plain' },
      json({}),
      'expected content type text/plain, got application/json',
    ],
    ['a header', { headers: { 'x-a': '1' } }, { headers: { 'X-A': '1' } }, null],
    ['another header', { headers: { 'x-a': '1' } }, {}, 'expected header x-a: 1, got none'],
    [
      'a script in a path, which is never run',
      { exists: ['$[?(@.a)]'] },
      json([{ a: 1 }]),
      'JSON path $[?(@.a)] cannot be evaluated',
    ],
  ];

  it.each(cases)('on %s', async (_, expected, answer, failed) => {
    const server = await serve(() => answer);
    const report = await run(server, suite([request('a', { expect: expecting(expected) })]));
    expect(report.requests[0]?.failed).toBe(failed);
    expect(report.passed).toBe(failed === null);
  });

  it('on time fails a right answer that comes too late', async () => {
    const server = await serve(() => new Promise((resolve) => setTimeout(() => resolve(json({})), 30)));
    const report = await run(server, suite([request('a', { expect: expecting({ withinMs: 20 }) })]));
    expect(report.sentence).toMatch(/^a: took \d+ ms, at most 20 ms allowed$/);
  });
});

describe('failing exchanges (A-36)', () => {
  it('are tried again twice when the connection breaks', async () => {
    const server = await serve((_, count) => (count < 3 ? null : json({})));
    expect(await run(server, suite([request('a')]))).toMatchObject({ passed: true });
    expect(server.asked).toHaveLength(3);
  });

  it('fail the suite when the connection breaks a third time', async () => {
    const server = await serve(() => null);
    const report = await run(server, suite([request('a')]));
    expect(report).toMatchObject({ passed: false, requests: [{ status: null, body: null }] });
    expect(server.asked).toHaveLength(3);
  });

  it('are not tried again after a wrong answer', async () => {
    const server = await serve(() => json({}, 500));
    expect(await run(server, suite([request('a')]))).toMatchObject({ passed: false });
    expect(server.asked).toHaveLength(1);
  });

  it('are not tried again when no answer comes in time', async () => {
    const server = await serve(() => 'silence');
    expect(await run(server, suite([request('a', { timeoutMs: 50 })]))).toMatchObject({
      sentence: expect.stringMatching(/^a: no .*answer within 50 ms$/) as string,
    });
    expect(server.asked).toHaveLength(1);
  });

  it('reject when the run is cancelled, which says nothing about the release', async () => {
    const runner = runnerWith();
    const cancelled = AbortSignal.abort(new Error('cancelled'));
    const running = runner.run(suite([request('a')]), { baseUrl: 'http://127.0.0.1:9', headers: {} }, cancelled);
    await expect(running).rejects.toThrow('cancelled');
  });
});

describe('secrets (T-16)', () => {
  const token = 'tok/en "1"';
  const secrets = { LOG_TOKEN: token };
  const logs = request('logs', {
    method: 'POST',
    path: '/logs?token={{secret:LOG_TOKEN}}',
    headers: { authorization: 'Bearer {{ secret:LOG_TOKEN }}' },
    body: { kind: 'json', value: { token: '{{secret:LOG_TOKEN}}' } },
    expect: expecting({ json: { token: 'none' } }),
  });

  it('are sent, and hidden in everything that is reported', async () => {
    const server = await serve((asked) => json({ token, path: asked.path, other: 'known-elsewhere' }));
    const report = await run(server, suite([logs]), { secrets });
    expect(server.asked[0]).toMatchObject({
      path: `/logs?token=${encodeURIComponent(token)}`,
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ token }),
    });
    expect(report.requests[0]).toMatchObject({
      failed: '$.token: expected "none", got "***"',
      body: '{"token":"***","path":"/logs?token=***","other":"***"}',
    });
    expect(JSON.stringify(report)).not.toMatch(/tok(\/|%2F)en/);
  });

  it('are hidden before anything is cut to 300 characters', async () => {
    const long = `${'x'.repeat(270)}${token}${'y'.repeat(500)}`;
    const server = await serve(() => json({ token: long }));
    const [result] = (await run(server, suite([logs]), { secrets })).requests;
    expect(result?.body).toHaveLength(300);
    expect(result?.body).toContain('x***y');
    expect(result?.failed).toHaveLength(300);
    expect(result?.failed).not.toContain('tok/');
  });

  it('that are missing fail the request before it is sent', async () => {
    const server = await serve(() => json({}));
    expect(await run(server, suite([logs]))).toMatchObject({ sentence: 'logs: secret LOG_TOKEN has no value' });
    expect(server.asked).toHaveLength(0);
  });

  it('cannot break a header apart', async () => {
    const server = await serve(() => json({}));
    const report = await run(server, suite([logs]), { secrets: { LOG_TOKEN: 'a\r\nx: y' } });
    expect(report.sentence).toBe('logs: the value of header authorization has a line break');
  });

  it('are listed by name for preflight', () => {
    const runner = runnerWith();
    const more = request('b', { path: '/{{sid}}/{{secret:B.2}}' });
    expect(runner.secretsOf(suite([logs, more, request('c')]))).toEqual(['LOG_TOKEN', 'B.2']);
  });
});

describe('places', () => {
  it('other than the aim are called only when the operator allows them', async () => {
    const server = await serve(() => json({}));
    const other = await serve(() => json({}));
    const tried = suite([request('a', { path: `${other.url}/x` })]);
    const headers = { 'x-sluice-preview': 'canary' };
    expect(await run(server, tried, { headers })).toMatchObject({
      sentence: `a: ${other.url} is not a place that smoke may call`,
    });
    expect(other.asked).toHaveLength(0);
    expect(await run(server, tried, { headers, allow: [other.url] })).toMatchObject({ passed: true });
    expect(other.asked[0]?.headers['x-sluice-preview']).toBeUndefined();
  });

  it('that only the spec names must be allowed too', async () => {
    const server = await serve(() => json({}));
    const tried = suite([request('a')], { publicUrl: server.url });
    expect((await run(server, tried)).sentence).toContain('is not a place that smoke may call');
    expect(await run(server, tried, { allow: [`${server.url}/`] })).toMatchObject({ passed: true });
    expect(await run(server, tried, { headers: { 'x-sluice-preview': 'canary' } })).toMatchObject({ passed: true });
  });

  it('cannot be changed by a captured value', async () => {
    const server = await serve(() => json({ to: '//evil.example/@x' }));
    const tried = suite([request('a', { capture: { to: '$.to' } }), request('b', { path: '{{to}}' })]);
    expect(await run(server, tried)).toMatchObject({ passed: true });
    expect(server.asked[1]?.path).toBe('/%2F%2Fevil.example%2F%40x');
  });

  it('are not followed to by a redirect', async () => {
    const other = await serve(() => json({}));
    const server = await serve(() => ({ status: 302, headers: { location: other.url } }));
    expect(await run(server, suite([request('a')]))).toMatchObject({ sentence: 'a: expected 2xx, got 302' });
    expect(other.asked).toHaveLength(0);
  });
});
