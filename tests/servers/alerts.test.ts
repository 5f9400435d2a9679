import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AlertMatcher } from '../../plan/criteria.ts';
import { createClock } from '../../providers/clock.ts';
import { createHttp } from '../../providers/http.ts';
import { createPrometheus } from '../../providers/metrics/prometheus.ts';
import type { MetricsSource } from '../../providers/ports.ts';
import { type Prometheus, startPrometheus } from '../../testbed/servers/prometheus.ts';
import { waitFor } from '../../testbed/wait.ts';
import { listen, type Loopback } from '../providers/loopback.ts';
import { temporaryFolder } from '../temporary-folder.ts';

let temperature = 20;
let application: Loopback;
let prometheus: Prometheus;
let source: MetricsSource;
const folder = temporaryFolder('alerts');
const hostile = 'v2"} or {a="\nb'; // a label's value as Prometheus may store it

beforeAll(async () => {
  application = await listen(() => ({
    headers: { 'content-type': 'text/plain; version=0.0.4' },
    body: `temperature{room="kitchen",app="web"} ${String(temperature)}\ntemperature{room="v2\\"} or {a=\\"\\nb"} 90\n`,
  }));
  prometheus = await startPrometheus({
    folder,
    scrapeEveryMs: 200,
    targets: [{ job: 'app', address: application.url.replace('http://', '') }],
    rules: [
      { alert: 'TooHot', expr: 'temperature{room="kitchen"} > 50', labels: { severity: 'critical' } },
      { alert: 'Odd', expr: 'temperature{room!="kitchen"} > 50', labels: { severity: 'odd' } },
      { alert: 'Broken', expr: 'temperature * on(job) temperature > 1', labels: { severity: 'broken' } },
    ],
  });
  source = createPrometheus({ url: prometheus.url, headers: {}, auth: null, http: createHttp(), clock: createClock() });
});

afterAll(async () => {
  await prometheus.stop();
  await application.stop();
});

const equal = (label: string, value: string): AlertMatcher => ({ label, op: '=', value });
const critical = [equal('severity', 'critical'), equal('app', 'web')];
const now = (matchers: readonly AlertMatcher[]) => source.alerts(matchers, Date.now());

/** The answer once it is about so many firing alerts. */
const awaiting = (matchers: readonly AlertMatcher[], firing: number) =>
  waitFor(
    async () => {
      const sample = await now(matchers);
      return sample.kind === 'alerts' && sample.firing === firing ? sample : null;
    },
    { for: `${String(firing)} alerts to fire` },
  );

describe('alerts of a real Prometheus', () => {
  it('fire, are over, and are still known to have fired', async () => {
    expect(await awaiting(critical, 0)).toEqual({ kind: 'alerts', firing: 0, names: [], rules: 1 });
    temperature = 80;
    const fired = await awaiting(critical, 1);
    const then = Date.now();
    expect(fired).toEqual({ kind: 'alerts', firing: 1, names: ['TooHot'], rules: 1 });
    temperature = 20;
    await awaiting(critical, 0);
    expect(await source.alerts(critical, then)).toMatchObject({ firing: 1 });
    expect(await awaiting([equal('alertname', 'TooHot')], 0)).toMatchObject({ rules: 1 });
  });

  it('are found by labels that look like PromQL', async () => {
    expect(await awaiting([equal('room', hostile)], 1)).toMatchObject({ names: ['Odd'] });
    expect(await now([equal('severity', 'odd'), equal('room', `${hostile}!`)])).toMatchObject({ firing: 0 });
  });

  it('are no data where no rule could raise them, or the one that could is broken', async () => {
    const reason = async (matchers: readonly AlertMatcher[]) => {
      const sample = await now(matchers);
      return sample.kind === 'no-data' ? sample.reason : `${String(sample.firing)} alerts`;
    };
    expect(await reason([equal('severity', 'criticall')])).toBe('no rule could raise such an alert');
    expect(await reason([equal('alertname', 'TooCold')])).toBe('no rule could raise such an alert');
    expect(await reason([equal('severity', 'broken')])).toMatch(/^rule Broken fails: found duplicate series/);
    expect(await reason([{ label: 'severity', op: '=~', value: '(' }])).toMatch(/^Prometheus refuses the query/);
  });

  it('are no data about a moment at which the server was not there', async () => {
    const longAgo = Date.now() - 3_600_000;
    expect(await source.alerts(critical, longAgo)).toEqual({
      kind: 'no-data',
      reason: 'Prometheus took no samples at that moment',
    });
  });
});
