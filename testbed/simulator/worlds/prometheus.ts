/** A scripted Prometheus: it knows the queries of the world's plans word for word, their alerting rules, and the raw request counters. */

import type { HttpResponse } from '../../../providers/ports.ts';
import { type Host, json, textOf, urlOf } from './host.ts';
import type { Measure } from '../../../spec/world.ts';

/** What a query says at a moment. */
export interface Measured {
  readonly measure: Exclude<Measure, 'good' | 'bad' | 'stale'>;
  /** Time of the sample, epoch ms: that of the question unless it is stale. */
  readonly at: number;
  /** The number is one of firing alerts with these labels. */
  readonly alert?: Readonly<Record<string, string>>;
}

/** One alerting rule as its server sees it. */
export interface Ruled {
  readonly labels: Readonly<Record<string, string>>;
  readonly evaluatedAt: number;
  readonly healthy: boolean;
}

/** One raw series as it was scraped last. */
export interface Scraped {
  /** Its labels as JSON. */
  readonly metric: string;
  readonly value: number;
  readonly at: number;
}

export interface PrometheusOptions {
  /** `null` for a query that no plan of this world asks. */
  readonly measure: (query: string, at: number) => Measured | null;
  /** The alerting rules that are there at a moment. */
  readonly rules: (at: number) => readonly Ruled[];
  /** The series of a plain selector that were scraped in `(at - lookbackMs, at]`; `null` for an unknown selector. */
  readonly scraped: (selector: string, at: number, lookbackMs: number) => readonly Scraped[] | null;
}

export function createPrometheusHost(options: PrometheusOptions): Host {
  return {
    answer(request, now) {
      const url = urlOf(request.url);
      if (url.pathname.endsWith('/api/v1/rules')) return ruled(options.rules(now));
      if (!url.pathname.endsWith('/api/v1/query')) return { status: 404, headers: {}, body: '404 page not found\n' };
      const asked = request.method === 'POST' ? form(textOf(request)) : url.searchParams;
      const query = asked.get('query') ?? '';
      const at = Math.round(Number(asked.get('time') ?? now / 1_000) * 1_000);
      if (query === 'vector(1)') return vector([[1, at]]);
      if (query === 'max(timestamp(up))') return vector([[at / 1_000, at]]);
      const range = /^(?<selector>[^]*)\[(?<ms>\d+)ms\]$/.exec(query)?.groups;
      if (range !== undefined) return matrix(options.scraped(range['selector'] ?? '', at, Number(range['ms'])), query);
      const measured = options.measure(query, at);
      return measured === null ? unknown(query) : answerTo(measured);
    },
  };
}

/** The same few queries are asked over and over, each time with another time. */
const forms = new Map<string, string>();

function form(body: string): Pick<URLSearchParams, 'get'> {
  const parts = /^query=(?<query>[^&]*)&time=(?<time>[\d.]+)$/.exec(body)?.groups;
  if (parts === undefined) return new URLSearchParams(body);
  const { query = '', time = '' } = parts;
  const known = forms.get(query) ?? new URLSearchParams(`query=${query}`).get('query') ?? '';
  if (forms.size > 10_000) forms.clear();
  forms.set(query, known);
  return { get: (name) => (name === 'query' ? known : name === 'time' ? time : null) };
}

function answerTo({ measure, at, alert }: Measured): HttpResponse {
  switch (measure) {
    case 'empty':
      return vector([]);
    case 'unavailable':
      return json(503, { status: 'error', errorType: 'unavailable', error: 'the query could not be run' });
    default:
      return alert === undefined ? vector([[measure, at]]) : firing(Number(measure), alert, at);
  }
}

/** So many alerts with the same labels but for their instance; none for what is no number. */
function firing(count: number, labels: Readonly<Record<string, string>>, at: number): HttpResponse {
  const series = Array.from({ length: Number.isFinite(count) ? Math.max(0, Math.round(count)) : 0 }, (_, index) => {
    const metric = { __name__: 'ALERTS', alertstate: 'firing', ...labels, instance: String(index) };
    return `{"metric":${JSON.stringify(metric)},"value":${sample(at, 1)}}`;
  });
  return result('vector', series);
}

function ruled(rules: readonly Ruled[]): HttpResponse {
  const said = rules.map(({ labels: { alertname, ...labels }, evaluatedAt, healthy }) => ({
    type: 'alerting',
    name: alertname,
    labels,
    health: healthy ? 'ok' : 'err',
    lastError: healthy ? '' : 'the rule fails',
    lastEvaluation: new Date(evaluatedAt).toISOString(),
  }));
  const groups = [{ name: 'world', file: 'world.yaml', interval: 15, rules: said }];
  return json(200, { status: 'success', data: { groups } });
}

function vector(samples: readonly (readonly [value: number | string, at: number])[]): HttpResponse {
  return result(
    'vector',
    samples.map(([value, at]) => `{"metric":{},"value":${sample(at, value)}}`),
  );
}

function matrix(series: readonly Scraped[] | null, query: string): HttpResponse {
  if (series === null) return unknown(query);
  return result(
    'matrix',
    series.map(({ metric, value, at }) => `{"metric":${metric},"values":[${sample(at, value)}]}`),
  );
}

/** Written by hand: it is most of what a world says. */
function result(type: 'vector' | 'matrix', items: readonly string[]): HttpResponse {
  const body = `{"status":"success","data":{"resultType":"${type}","result":[${items.join(',')}]}}`;
  return { status: 200, headers: { 'content-type': 'application/json' }, body };
}

function sample(at: number, value: number | string): string {
  return `[${at / 1_000},"${value}"]`;
}

/** A world that does not know a query must not look like a service without errors. */
function unknown(query: string): HttpResponse {
  const error = `this world does not know the query ${query}`;
  return json(422, { status: 'error', errorType: 'execution', error });
}
