import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MetricsSource } from '../../providers/ports.ts';
import { createClock } from '../../providers/clock.ts';
import { createHttp } from '../../providers/http.ts';
import { createPrometheus } from '../../providers/metrics/prometheus.ts';
import { awaitSamples, type Prometheus, startPrometheus } from '../../testbed/servers/prometheus.ts';
import { waitFor } from '../../testbed/wait.ts';
import { listen, type Loopback } from '../providers/loopback.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const counters = { v1: 900, v2: 40 };
let application: Loopback;
let prometheus: Prometheus;
let source: MetricsSource;
const folder = temporaryFolder('prometheus');

beforeAll(async () => {
  application = await listen(() => ({
    headers: { 'content-type': 'text/plain; version=0.0.4' },
    body: [
      '# TYPE hits_total counter',
      `hits_total{release="v1",code="200"} ${String(counters.v1)}`,
      `hits_total{release="v2",code="200"} ${String(counters.v2)}`,
      '# TYPE odd gauge',
      'odd{is="nan"} NaN',
      'odd{is="inf"} +Inf',
      'odd{is="minus"} -Inf',
      '',
    ].join('\n'),
  }));
  const targets = [{ job: 'app', address: application.url.replace('http://', '') }];
  prometheus = await startPrometheus({ folder, targets, scrapeEveryMs: 200 });
  await awaitSamples(prometheus.url, 'hits_total');
  source = createPrometheus({ url: prometheus.url, headers: {}, auth: null, http: createHttp(), clock: createClock() });
});

afterAll(async () => {
  await prometheus.stop();
  await application.stop();
});

const now = (promql: string) => source.instant(promql, Date.now());
const reason = async (promql: string) => {
  const sample = await now(promql);
  return sample.kind === 'no-data' ? sample.reason : `the value ${String(sample.value)}`;
};

/** The sum over all series of a track once Prometheus has scraped a value. */
const scraped = (track: 'v1' | 'v2', value: number) =>
  waitFor(
    async () =>
      (await source.counters('hits_total', 'release', Date.now())).find(
        (one) => one.track === track && one.value === value,
      ) ?? null,
    {
      for: `${track} to be ${String(value)}`,
    },
  );

describe('a real Prometheus', () => {
  it('gives the one number of a query', async () => {
    expect(await now('sum(hits_total{release="v1"})')).toEqual({ kind: 'value', value: 900, baseline: null });
    expect(await now('hits_total{release="v2"} / ignoring(release) hits_total{release="v1"}')).toMatchObject({
      kind: 'value',
    });
    expect(await now('1 + 1')).toMatchObject({ kind: 'value', value: 2 });
  });

  it('says what is not one finite number', async () => {
    expect(await reason('hits_total{release="v9"}')).toBe('the result is empty');
    expect(await reason('hits_total')).toBe('2 series where one number is needed');
    expect(await reason('sum(hits_total{release="v9"} or vector(0)) / vector(0)')).toBe('the value is NaN');
    expect(await reason('odd{is="nan"}')).toBe('the value is NaN');
    expect(await reason('odd{is="inf"}')).toBe('the value is +Inf');
    expect(await reason('-sum(hits_total) / 0')).toBe('the value is -Inf');
    expect(await reason('hits_total[1m]')).toBe('the result is a matrix, not one number');
    expect(await reason('"text"')).toBe('the result is a string, not one number');
  });

  it('names what is wrong with a query', async () => {
    expect(await reason('sum(hits_total')).toMatch(
      /^Prometheus refuses the query: bad_data: .*parse error.* \(HTTP 400\)$/,
    );
    const many = 'hits_total * on(code) hits_total';
    expect(await reason(many)).toMatch(/^Prometheus refuses the query: execution: .* \(HTTP 422\)$/);
  });

  it('shows its remarks where there is no number', async () => {
    const samples = () => now('count_over_time(odd{is="nan"}[1m])');
    const two = async () => (await samples().then((one) => one.kind === 'value' && one.value >= 2)) || null;
    await waitFor(two, { for: 'two samples, which a rate needs' });
    expect(await reason('rate(odd{is="gone"}[1m])')).toBe('the result is empty');
    expect(await reason('sum(rate(odd{is="nan"}[1m]))')).toMatch(
      /^the value is NaN; Prometheus says: .*might not be a counter/,
    );
  });

  it('gives raw counters with the times of their samples, now and as they were', async () => {
    const before = await scraped('v2', 40);
    expect(before.series).toContain('["release","v2"]');
    counters.v2 = 55;
    const after = await scraped('v2', 55);
    expect(after.at).toBeGreaterThan(before.at);
    expect(Math.abs(Date.now() - after.at)).toBeLessThan(5_000);
    const then = await source.counters('hits_total{release="v2"}', 'release', before.at);
    expect(then).toEqual([{ ...before, at: before.at }]);
  });

  it('shows a reset as the smaller number it is', async () => {
    counters.v2 = 3;
    expect((await scraped('v2', 3)).value).toBe(3);
  });

  it('refuses a selector that is none with a typed error', async () => {
    await expect(source.counters('sum(hits_total)', 'release', Date.now())).rejects.toMatchObject({ code: 'invalid' });
    expect(await source.counters('hits_total{release="v9"}', 'release', Date.now())).toEqual([]);
  });

  it('that is away is no data, and has its past again when it is back', async () => {
    const known = await scraped('v1', 900);
    await prometheus.kill();
    expect(await reason('vector(1)')).toMatch(/^Prometheus is unreachable: /);
    await expect(source.ping()).rejects.toMatchObject({ code: 'unreachable' });
    await expect(source.counters('hits_total', 'release', Date.now())).rejects.toMatchObject({ code: 'unreachable' });
    await prometheus.restart();
    await source.ping();
    expect(await source.counters('hits_total{release="v1"}', 'release', known.at)).toMatchObject([{ value: 900 }]);
  });
});
