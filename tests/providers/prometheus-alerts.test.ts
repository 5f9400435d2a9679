import { afterEach, describe, expect, it } from 'vitest';
import type { AlertMatcher } from '../../plan/criteria.ts';
import type { Clock } from '../../providers/ports.ts';
import { createHttp } from '../../providers/http.ts';
import { createPrometheus } from '../../providers/metrics/prometheus.ts';
import { listen, type Answer, type Loopback } from './loopback.ts';

let server: Loopback | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});

const at = 1_700_000_000_000;
const iso = (ms: number) => new Date(ms).toISOString();
const json = (data: unknown): Answer => ({
  headers: { date: new Date(at).toUTCString() },
  body: JSON.stringify({ status: 'success', data }),
});
const alerts = (...labels: Readonly<Record<string, string>>[]) =>
  json({ resultType: 'vector', result: labels.map((metric) => ({ metric, value: [at / 1_000, '1'] })) });
const rule = (over: object = {}) => ({
  type: 'alerting',
  name: 'HighErrors',
  labels: { severity: 'critical' },
  health: 'ok',
  lastEvaluation: iso(at),
  ...over,
});
const rules = (...list: readonly object[]) => json({ groups: [{ interval: 15, rules: list }] });
const none = alerts();

interface Server {
  readonly alerts?: Answer;
  readonly rules?: Answer;
  readonly up?: Answer;
}

const matcher = (label: string, op: AlertMatcher['op'], value: string): AlertMatcher => ({ label, op, value });
const critical = [matcher('severity', '=', 'critical')];
// Far from the server's clock: its own times are compared with its own.
const clock: Clock = { now: () => at + 3_600_000, sleep: () => Promise.reject(new Error('nothing is waited for')) };

async function ask(answers: Server, matchers = critical, moment = at) {
  server = await listen(({ path, body }) => {
    if (path.startsWith('/api/v1/rules')) return answers.rules ?? rules(rule());
    const query = new URLSearchParams(body).get('query') ?? '';
    return query.startsWith('ALERTS') ? (answers.alerts ?? none) : (answers.up ?? none);
  });
  const source = createPrometheus({ url: server.url, headers: {}, auth: null, http: createHttp(), clock });
  return source.alerts(matchers, moment);
}

const askedFor = (path: string) => server?.asked.filter((one) => one.path.startsWith(path)) ?? [];

describe('alerts', () => {
  it('that fire are counted and named, a few of them', async () => {
    const names = ['D', 'A', 'C', 'B', 'A'];
    expect(await ask({ alerts: alerts(...names.map((alertname) => ({ alertname }))) })).toEqual({
      kind: 'alerts',
      firing: 5,
      names: ['A', 'B', 'C', '1 more'],
      rules: 1,
    });
  });

  it('are asked for by their labels, which cannot change the question', async () => {
    await ask({}, [
      matcher('alertname', '=', 'A "b"'),
      matcher('app', '=~', 'web\\.x'),
      matcher('x', '!=', '\n"} or up'),
    ]);
    const body = new URLSearchParams(askedFor('/api/v1/query')[0]?.body);
    expect(body.get('query')).toBe(
      String.raw`ALERTS{alertstate="firing",alertname="A \"b\"",app=~"web\\.x",x!="\n\"} or up"}`,
    );
    const path = new URL(askedFor('/api/v1/rules')[0]?.path ?? '', 'http://x').searchParams;
    expect(Object.fromEntries(path)).toEqual({ type: 'alert', exclude_alerts: 'true', 'rule_name[]': 'A "b"' });
  });

  it('have names that are shown short and on one line', async () => {
    const alertname = `red\n\u001b[31m${'x'.repeat(200)}`;
    const sample = await ask({ alerts: alerts({ alertname }, {}) });
    if (sample.kind !== 'alerts') throw new Error(sample.reason);
    expect(sample.names[0]).toBe('an alert without a name');
    expect(sample.names[1]).toMatch(/^red \[31mx+…$/);
    expect(sample.names[1]?.length).toBe(80);
  });

  it('fire whatever is the matter with the rules', async () => {
    for (const broken of [{ status: 404 }, { body: 'nonsense' }, rules()]) {
      expect(await ask({ alerts: alerts({ alertname: 'A' }), rules: broken })).toMatchObject({ firing: 1 });
      await server?.stop();
    }
  });

  it('that do not fire are good news where every rule that could raise one is well', async () => {
    const others = [
      rule({ name: 'Other', labels: { severity: 'warning' }, health: 'err' }),
      { type: 'recording', name: 'r', health: 'err' },
    ];
    expect(await ask({ rules: rules(rule(), ...others) })).toEqual({ kind: 'alerts', firing: 0, names: [], rules: 1 });
  });

  it.each<readonly [string, Server, string]>([
    ['there is no rule', { rules: rules() }, 'no rule could raise such an alert'],
    ['no rule fits', { rules: rules(rule({ labels: { severity: 'x' } })) }, 'no rule could raise such an alert'],
    [
      'a rule fails',
      { rules: rules(rule(), rule({ name: 'B', health: 'err', lastError: 'a\nb' })) },
      'rule B fails: a b',
    ],
    [
      'a rule that could get the label from its expression fails',
      { rules: rules(rule(), rule({ name: 'B', labels: {}, health: 'err', lastError: 'x' })) },
      'rule B fails: x',
    ],
    [
      'a rule was never evaluated',
      { rules: rules(rule({ health: 'unknown', lastEvaluation: '0001-01-01T00:00:00Z' })) },
      'rule HighErrors has not been evaluated yet',
    ],
    [
      'a rule stands still',
      { rules: rules(rule({ lastEvaluation: iso(at - 61_000) })) },
      'rule HighErrors was last evaluated 61 s ago',
    ],
    [
      'the server has no rules to tell of',
      { rules: { status: 404 } },
      'Prometheus does not answer the question for its rules (missing): no explanation (HTTP 404)',
    ],
    [
      'the server says nonsense about them',
      { rules: json({ groups: 7 }) },
      'Prometheus is unreachable: the answer is not that of a Prometheus API (HTTP 200)',
    ],
    ['the alerts are nonsense', { alerts: json({ resultType: 'vector', result: [7] }) }, 'the alerts cannot be read'],
    [
      'the alerts are a scalar',
      { alerts: json({ resultType: 'scalar', result: [1, '1'] }) },
      'the alerts cannot be read',
    ],
    [
      'the alerts are old',
      { alerts: json({ resultType: 'vector', result: [{ metric: {}, value: [at / 1_000 - 121, '1'] }] }) },
      'the alerts’ samples are old',
    ],
    ['nobody answers', { alerts: { status: 503 } }, 'Prometheus is unreachable: no explanation (HTTP 503)'],
  ])('are no data where %s', async (_, answers, reason) => {
    expect(await ask(answers)).toEqual({ kind: 'no-data', reason });
  });

  it('of a moment long past need a server that lived then', async () => {
    const up = (seconds: number) =>
      json({ resultType: 'vector', result: [{ metric: {}, value: [then / 1_000, String(seconds)] }] });
    const then = at - 600_000;
    expect(await ask({ up: up(then / 1_000 - 5) }, critical, then)).toMatchObject({ kind: 'alerts', firing: 0 });
    await server?.stop();
    const gone = { kind: 'no-data', reason: 'Prometheus took no samples at that moment' };
    expect(await ask({ up: up(then / 1_000 - 150) }, critical, then)).toEqual(gone);
    await server?.stop();
    expect(await ask({}, critical, then)).toEqual(gone);
  });

  it.each<readonly [AlertMatcher, number]>([
    [matcher('severity', '!=', 'critical'), 0],
    [matcher('severity', '=~', 'page|critical'), 1],
    [matcher('severity', '=~', 'page|warning'), 0],
    [matcher('severity', '!~', 'page|critical'), 0],
    [matcher('severity', '!~', 'page|warning'), 1],
    [matcher('severity', '=~', '(a+)+$'), 1], // not looked into
    [matcher('team', '=', 'shop'), 1], // set by a template
    [matcher('alertname', '=', 'LowErrors'), 0],
  ])('by %o could be raised by %i rules', async (one, count) => {
    const templated = rule({ labels: { severity: 'critical', team: '{{ $labels.team }}' } });
    const sample = await ask({ rules: rules(templated) }, [one]);
    expect(sample.kind === 'alerts' ? sample.rules : 0).toBe(count);
  });
});
