import { afterEach, describe, expect, it } from 'vitest';
import { createClock } from '../../providers/clock.ts';
import { ProviderError } from '../../providers/errors.ts';
import { createHttp } from '../../providers/http.ts';
import { createPrometheus, type PrometheusOptions } from '../../providers/metrics/prometheus.ts';
import { listen, type Answer, type Loopback } from './loopback.ts';

let server: Loopback | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});

async function answering(answer: Answer, over: Partial<PrometheusOptions> = {}) {
  server = await listen(() => answer);
  return createPrometheus({
    url: server.url,
    headers: {},
    auth: null,
    http: createHttp(),
    clock: createClock(),
    ...over,
  });
}

const json = (value: unknown, status = 200): Answer => ({ status, body: JSON.stringify(value) });
const success = (resultType: string, result: unknown, notes: object = {}): Answer =>
  json({ status: 'success', data: { resultType, result }, ...notes });
const askedAt = 1_700_000_000_123;
const vector = (...values: string[]) =>
  success(
    'vector',
    values.map((text, i) => ({ metric: { i: String(i) }, value: [askedAt / 1_000, text] })),
  );

async function reasonOf(answer: Answer, over: Partial<PrometheusOptions> = {}): Promise<string> {
  const sample = await (await answering(answer, over)).instant('up', 0);
  if (sample.kind === 'value') throw new Error(`expected no data, got ${String(sample.value)}`);
  return sample.reason;
}

describe('an instant query', () => {
  it('is asked at the given moment and gives the one number of its answer', async () => {
    const source = await answering(vector('0.0061'), { headers: { 'X-Scope-OrgID': 'team' } });
    expect(await source.instant('sum(up{a="b&c"})', askedAt)).toEqual({
      kind: 'value',
      value: 0.0061,
      baseline: null,
    });
    const [asked] = server?.asked ?? [];
    expect(asked).toMatchObject({ method: 'POST', path: '/api/v1/query', headers: { 'x-scope-orgid': 'team' } });
    expect(Object.fromEntries(new URLSearchParams(asked?.body))).toEqual({
      query: 'sum(up{a="b&c"})',
      time: '1700000000.123',
    });
  });

  it('keeps the path of an address behind a prefix', async () => {
    server = await listen(() => vector('1'));
    const options = { headers: {}, auth: null, http: createHttp(), clock: createClock() };
    await createPrometheus({ url: `${server.url}/prometheus`, ...options }).instant('up', 0);
    expect(server.asked[0]?.path).toBe('/prometheus/api/v1/query');
  });

  it('takes an old sample for no data, wherever an answer shows its time', async () => {
    const source = await answering(vector('0.0061'));
    expect(await source.instant('up', askedAt + 120_000)).toMatchObject({ kind: 'value' });
    expect(await source.instant('up', askedAt + 121_000)).toEqual({
      kind: 'no-data',
      reason: 'the sample is 121 s old',
    });
  });

  it('takes a scalar for a number', async () => {
    expect(await (await answering(success('scalar', [1, '2']))).instant('2', 0)).toMatchObject({ value: 2 });
  });

  it.each([
    ['an empty vector', vector(), 'the result is empty'],
    ['several series', vector('1', '2', '3'), '3 series where one number is needed'],
    ['NaN', vector('NaN'), 'the value is NaN'],
    ['+Inf', vector('+Inf'), 'the value is +Inf'],
    ['-Inf', vector('-Inf'), 'the value is -Inf'],
    ['an empty number', vector(''), 'the value is '],
    ['a string', success('string', [1, 'x']), 'the result is a string, not one number'],
    ['a matrix', success('matrix', []), 'the result is a matrix, not one number'],
    [
      'a native histogram',
      success('vector', [{ metric: {}, histogram: [1, {}] }]),
      'the result is a histogram, not one number',
    ],
    ['a vector of nonsense', success('vector', [{ metric: 1 }]), 'the vector cannot be read'],
    ['a scalar of nonsense', success('scalar', 7), 'the scalar cannot be read'],
  ])('is no data for %s, and says so', async (_, answer, reason) => {
    expect(await reasonOf(answer)).toBe(reason);
  });

  it('shows what the server warns of when there is no number', async () => {
    const answer = success('vector', [], { warnings: ['store a is away'], infos: ['not a counter'] });
    expect(await reasonOf(answer)).toBe('the result is empty; Prometheus says: store a is away; not a counter');
  });

  it('names what is wrong with a query that is refused', async () => {
    const refused = json({ status: 'error', errorType: 'bad_data', error: 'parse error: unexpected "}"' }, 400);
    expect(await reasonOf(refused)).toBe(
      'Prometheus refuses the query: bad_data: parse error: unexpected "}" (HTTP 400)',
    );
  });

  it.each([
    [
      503,
      json({ status: 'error', errorType: 'timeout', error: 'query timed out' }, 503),
      'unreachable: timeout: query timed out (HTTP 503)',
    ],
    [502, { status: 502, body: '<html>bad gateway</html>' }, 'unreachable: no explanation (HTTP 502)'],
    [403, { status: 403, body: 'no' }, '(denied): no explanation (HTTP 403)'],
    [429, { status: 429 }, '(throttled)'],
    [404, { status: 404 }, '(missing)'],
    [200, { body: '{"status":"success"' }, 'the answer is not that of a Prometheus API'],
    [200, { body: '[]' }, 'the answer is not that of a Prometheus API'],
    [302, { status: 302, headers: { location: '/login' } }, '(HTTP 302)'],
  ] as [number, Answer, string][])('is no data when the answer is %i', async (_, answer, reason) => {
    expect(await reasonOf(answer)).toContain(reason);
  });

  it('is no data when nobody answers, the connection breaks or it takes too long', async () => {
    expect(await reasonOf(null)).toMatch(/^Prometheus is unreachable: /);
    await server?.stop();
    expect(await reasonOf('silence', { timeoutMs: 50 })).toMatch(
      /^Prometheus is unreachable: no .*answer within 50 ms$/,
    );
    const gone = server?.url ?? '';
    await server?.stop();
    server = null;
    const source = createPrometheus({ url: gone, headers: {}, auth: null, http: createHttp(), clock: createClock() });
    expect(await source.instant('up', 0)).toMatchObject({ kind: 'no-data' });
  });

  it('rejects when it is cancelled, which is no statement about the data', async () => {
    const source = await answering('silence');
    const cancelled = AbortSignal.abort(new Error('cancelled'));
    await expect(source.instant('up', 0, cancelled)).rejects.toThrow('cancelled');
    const send = () => Promise.reject(new ProviderError({ code: 'unreachable', doing: 'ask', detail: 'broken off' }));
    const other = createPrometheus({
      url: 'http://127.0.0.1:9',
      headers: {},
      auth: null,
      http: { send },
      clock: createClock(),
    });
    await expect(other.instant('up', 0, cancelled)).rejects.toThrow('broken off');
    expect(await other.instant('up', 0)).toMatchObject({ kind: 'no-data' });
  });

  it('cuts the texts of others short', async () => {
    const refused = json({ status: 'error', errorType: 'bad_data', error: 'x'.repeat(5_000) }, 400);
    expect((await reasonOf(refused)).length).toBeLessThan(300);
  });
});

describe('credentials', () => {
  const bearer = { kind: 'bearer', token: async () => 's3cret-token' } as const;

  it('are asked for anew at every request', async () => {
    let round = 0;
    const auth = { kind: 'bearer', token: async () => `token-${String((round += 1))}` } as const;
    const source = await answering(vector('1'), { auth });
    await source.instant('up', 0);
    await source.instant('up', 0);
    expect(server?.asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer token-1', 'Bearer token-2']);
  });

  it('are sent as a name and password where asked so', async () => {
    const auth = { kind: 'basic', user: 'sluice', password: async () => 'pa:ss' } as const;
    await (await answering(vector('1'), { auth })).instant('up', 0);
    expect(server?.asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from('sluice:pa:ss').toString('base64')}`);
  });

  it('do not come back in a reason, even when the server repeats them', async () => {
    const echo = json({ status: 'error', errorType: 'denied', error: 'bad header Bearer s3cret-token' }, 401);
    const reason = await reasonOf(echo, { auth: bearer });
    expect(reason).toContain('Bearer ***');
    expect(reason).not.toContain('s3cret');
  });
});

describe('counters', () => {
  const raw = (metric: object, ...values: [number, string][]) => ({ metric, values });

  it('are the last raw sample of each series with its own time', async () => {
    const source = await answering(
      success('matrix', [
        raw({ release: 'v2', __name__: 'hits', code: '200' }, [10, '5'], [11.5, '7']),
        raw({ code: '200', __name__: 'hits', release: 'v1' }, [11.4, '900']),
        raw({ __name__: 'hits' }, [11, '3']),
      ]),
    );
    expect(await source.counters('hits{app="web"}', 'release', 12_000)).toEqual([
      { series: '[["__name__","hits"],["code","200"],["release","v2"]]', track: 'v2', value: 7, at: 11_500 },
      { series: '[["__name__","hits"],["code","200"],["release","v1"]]', track: 'v1', value: 900, at: 11_400 },
      { series: '[["__name__","hits"]]', track: '', value: 3, at: 11_000 },
    ]);
    expect(new URLSearchParams(server?.asked[0]?.body).get('query')).toBe('hits{app="web"}[120000ms]');
  });

  it('leave out series without a usable number', async () => {
    const source = await answering(
      success('matrix', [
        raw({ a: '1' }, [1, 'NaN']),
        raw({ a: '2' }, [1, '-4']),
        raw({ a: '3' }),
        { metric: { a: '4' } },
      ]),
    );
    expect(await source.counters('hits', 'release', 0)).toEqual([]);
  });

  it('throw a typed error when they cannot be read', async () => {
    await expect((await answering({ status: 503 })).counters('hits', 'release', 0)).rejects.toMatchObject({
      code: 'unreachable',
    });
    await server?.stop();
    await expect((await answering(vector('1'))).counters('hits', 'release', 0)).rejects.toMatchObject({
      code: 'invalid',
    });
  });
});

describe('ping', () => {
  it('answers when queries are answered and throws a typed error otherwise', async () => {
    await (await answering(vector('1'))).ping();
    await server?.stop();
    await expect((await answering({ status: 401 })).ping()).rejects.toMatchObject({ code: 'denied' });
    await server?.stop();
    await expect((await answering({ status: 429, headers: { 'retry-after': '7' } })).ping()).rejects.toMatchObject({
      code: 'throttled',
      retryAfterMs: 7_000,
    });
  });
});
