/** Asks a Prometheus, or anything that speaks its query API, for numbers at a moment. */

import { type Credentials, sendAs } from '../credentials.ts';
import { ProviderError } from '../errors.ts';
import type { Clock, CounterSeries, Http, MetricsSource } from '../ports.ts';
import { askAlerts } from './prometheus-alerts.ts';
import { countersOf, resultOf, sampleOf, type Result } from './prometheus-answer.ts';
import { rulesOf, type AlertingRule } from './prometheus-rules.ts';

export interface PrometheusOptions {
  /** Base address, e.g. `http://127.0.0.1:9090` or `https://host/prometheus`; without credentials. */
  readonly url: string;
  /** Sent with every request, e.g. `X-Scope-OrgID`. Their values are not secret. */
  readonly headers: Readonly<Record<string, string>>;
  readonly auth: Credentials | null;
  readonly http: Http;
  readonly clock: Clock;
  /** @default 5000 */
  readonly timeoutMs?: number;
  /** How old the last sample of a counter may be: a few scrape intervals. @default 120000 */
  readonly lookbackMs?: number;
}

/**
 * Prometheus' instant queries carry the time of their evaluation, not that of the samples behind it: a value that nobody
 * updates ends as an empty result after its look-back (5 minutes). Where an answer does carry an old time it is no data.
 * Counters carry the samples' own times.
 */
export function createPrometheus(options: PrometheusOptions): MetricsSource {
  const lookback = `${String(options.lookbackMs ?? 120_000)}ms`;
  return {
    async ping(signal) {
      await ask(options, 'vector(1)', options.clock.now(), 'query Prometheus', signal);
    },
    async instant(promql, at, signal) {
      try {
        return sampleOf(await ask(options, promql, at, 'query Prometheus', signal), at);
      } catch (error) {
        return noData(error, signal);
      }
    },
    async alerts(matchers, at, signal) {
      const doing = 'read alerts from Prometheus';
      try {
        return await askAlerts(
          {
            instant: (promql, moment) => ask(options, promql, moment, doing, signal),
            rules: (name) => askRules(options, name, signal),
          },
          matchers,
          at,
        );
      } catch (error) {
        return noData(error, signal);
      }
    },
    async counters(selector, label, at, signal) {
      const doing = 'read counters from Prometheus';
      const result = await ask(options, `${selector}[${lookback}]`, at, doing, signal);
      return countersOf(result, label, doing) satisfies readonly CounterSeries[];
    },
  };
}

interface NoData {
  readonly kind: 'no-data';
  readonly reason: string;
}

/** A source that is away or refuses is no data; being cancelled is not. */
function noData(error: unknown, signal: AbortSignal | undefined): NoData {
  if (signal?.aborted === true || !(error instanceof ProviderError)) throw error;
  const question = error.doing === readingRules ? 'the question for its rules' : 'the query';
  switch (error.code) {
    case 'invalid':
      return { kind: 'no-data', reason: `Prometheus refuses ${question}: ${error.detail}` };
    case 'denied':
    case 'missing':
    case 'throttled':
    case 'conflict':
    case 'fenced':
      return { kind: 'no-data', reason: `Prometheus does not answer ${question} (${error.code}): ${error.detail}` };
    case 'unreachable':
      return { kind: 'no-data', reason: `Prometheus is unreachable: ${error.detail}` };
  }
}

async function ask(
  options: PrometheusOptions,
  promql: string,
  at: number,
  doing: string,
  signal: AbortSignal | undefined,
): Promise<Result> {
  const response = await sendAs(options.http, options.auth, {
    method: 'POST',
    url: apiUrl(options.url, 'query'),
    headers: {
      ...options.headers,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ query: promql, time: (at / 1_000).toFixed(3) }).toString(),
    timeoutMs: options.timeoutMs ?? 5_000,
    maxBytes: 8 * 1_024 * 1_024,
    ...(signal === undefined ? {} : { signal }),
  });
  return resultOf(response, doing);
}

const readingRules = 'read the alerting rules of Prometheus';

async function askRules(
  options: PrometheusOptions,
  name: string | null,
  signal: AbortSignal | undefined,
): Promise<{ readonly rules: readonly AlertingRule[]; readonly now: number }> {
  const url = new URL(apiUrl(options.url, 'rules'));
  url.search = new URLSearchParams({
    type: 'alert',
    exclude_alerts: 'true', // their series tell, and there may be very many
    ...(name !== null && { 'rule_name[]': name }),
  }).toString();
  const response = await sendAs(options.http, options.auth, {
    method: 'GET',
    url: url.href,
    headers: options.headers,
    timeoutMs: options.timeoutMs ?? 5_000,
    maxBytes: 8 * 1_024 * 1_024,
    ...(signal === undefined ? {} : { signal }),
  });
  const said = Date.parse(response.headers['date'] ?? '');
  const now = Number.isNaN(said) ? options.clock.now() : said; // its own clock wrote the times in the answer
  return { rules: rulesOf(response, readingRules), now };
}

function apiUrl(base: string, endpoint: string): string {
  return new URL(`api/v1/${endpoint}`, base.endsWith('/') ? base : `${base}/`).href;
}
