/** What the Prometheus query API answers, taken apart: hostile until it has passed through here. */

import { z } from 'zod';
import type { NumberSample } from '../../judge/verdict.ts';
import type { CounterSeries, HttpResponse } from '../ports.ts';
import { ProviderError, type ProviderErrorCode } from '../errors.ts';

const notes = { warnings: z.array(z.string()).optional(), infos: z.array(z.string()).optional() };
const success = z.object({ status: z.literal('success'), data: z.unknown(), ...notes });
const failure = z.object({ status: z.literal('error'), errorType: z.string(), error: z.string(), ...notes });
const envelope = z.discriminatedUnion('status', [success, failure]);

const queried = z.object({ resultType: z.string(), result: z.unknown() });
const labels = z.record(z.string(), z.string());
const point = z.tuple([z.number(), z.string()]);
const vector = z.array(z.object({ metric: labels, value: point.optional() }));
const matrix = z.array(z.object({ metric: labels, values: z.array(point).optional() }));

/** A successful answer whose result is still unknown in form. */
export interface Result {
  readonly type: string;
  readonly result: unknown;
  /** Warnings and infos of the server in one text; empty when there are none. */
  readonly remarks: string;
}

/** The result of a query. Throws `ProviderError` for everything that is not a successful answer. */
export function resultOf(response: HttpResponse, doing: string): Result {
  const { data, remarks } = answerOf(response, queried, doing);
  return { type: data.resultType, result: data.result, remarks };
}

/** What any endpoint of the API answers as its data, in the form of a schema. Throws `ProviderError` for everything else. */
export function dataOf<T>(response: HttpResponse, form: z.ZodType<T>, doing: string): T {
  return answerOf(response, form, doing).data;
}

function answerOf<T>(response: HttpResponse, form: z.ZodType<T>, doing: string) {
  const parsed = envelope.safeParse(parseJson(response.body));
  if (parsed.success && parsed.data.status === 'success' && response.status === 200) {
    const { data, warnings = [], infos = [] } = parsed.data;
    const read = form.safeParse(data);
    if (read.success) return { data: read.data, remarks: clip([...warnings, ...infos].join('; ')) };
  }
  const said =
    parsed.success && parsed.data.status === 'error' ? `${parsed.data.errorType}: ${parsed.data.error}` : null;
  const retryAfter = Number(response.headers['retry-after'] ?? Number.NaN);
  throw new ProviderError({
    code: response.status === 200 ? 'unreachable' : codeOf(response.status),
    doing,
    detail:
      clip(said ?? (response.status === 200 ? 'the answer is not that of a Prometheus API' : 'no explanation')) +
      ` (HTTP ${String(response.status)})`,
    ...(Number.isFinite(retryAfter) ? { retryAfterMs: retryAfter * 1_000 } : {}),
  });
}

function codeOf(status: number): ProviderErrorCode {
  if (status === 401 || status === 403) return 'denied';
  if (status === 404) return 'missing';
  if (status === 429) return 'throttled';
  return status === 400 || status === 422 || status === 413 ? 'invalid' : 'unreachable';
}

/** A query API that answers with its samples' own times may be this far behind what was asked, ms. */
const stalestMs = 120_000;

/** The one number of an instant query asked for a moment, or why there is none. */
export function sampleOf(answer: Result, askedAt: number): NumberSample {
  const { number, reason } = numberOf(answer, askedAt);
  if (number !== null) return { kind: 'value', value: number, baseline: null };
  return { kind: 'no-data', reason: answer.remarks === '' ? reason : `${reason}; Prometheus says: ${answer.remarks}` };
}

type Numbered = { number: number; reason?: never } | { number: null; reason: string };
const none = (reason: string): Numbered => ({ number: null, reason });

function numberOf({ type, result }: Result, askedAt: number): Numbered {
  if (type === 'scalar') {
    const scalar = point.safeParse(result);
    return scalar.success ? fresh(scalar.data, askedAt) : none('the scalar cannot be read');
  }
  if (type !== 'vector') return none(`the result is a ${clip(type)}, not one number`);
  const series = vector.safeParse(result);
  if (!series.success) return none('the vector cannot be read');
  const [first, ...others] = series.data;
  if (first === undefined) return none('the result is empty');
  if (others.length > 0) return none(`${String(others.length + 1)} series where one number is needed`);
  return first.value === undefined ? none('the result is a histogram, not one number') : fresh(first.value, askedAt);
}

function fresh([seconds, text]: z.output<typeof point>, askedAt: number): Numbered {
  if (!isStale(seconds, askedAt)) return finite(text);
  return none(`the sample is ${String(Math.round(askedAt / 1_000 - seconds))} s old`);
}

/** Whether a sample's time, in seconds as Prometheus writes it, is too long before the moment that was asked for, in ms. */
export function isStale(seconds: number, askedAt: number): boolean {
  return askedAt - seconds * 1_000 > stalestMs;
}

function finite(text: string): Numbered {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(number) ? { number } : none(`the value is ${clip(text)}`);
}

/** The last raw sample of every series; series without a usable one are left out. Throws `ProviderError` for another form. */
export function countersOf(answer: Result, label: string, doing: string): readonly CounterSeries[] {
  const series = answer.type === 'matrix' ? matrix.safeParse(answer.result) : null;
  if (series?.success !== true) {
    throw new ProviderError({ code: 'invalid', doing, detail: `the result is a ${clip(answer.type)}, not raw series` });
  }
  return series.data.flatMap(({ metric, values }) => {
    const [seconds, text] = values?.at(-1) ?? [Number.NaN, ''];
    const { number } = finite(text);
    if (number === null || number < 0 || !Number.isFinite(seconds)) return [];
    const sorted = Object.entries(metric).toSorted(([a], [b]) => (a < b ? -1 : 1));
    const track = sorted.find(([name]) => name === label)?.[1] ?? '';
    return [{ series: JSON.stringify(sorted), track, value: number, at: Math.round(seconds * 1_000) }];
  });
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null; // The envelope's check says what is wrong with it.
  }
}

/** Texts of others are shown short. */
export function clip(text: string, longest = 200): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}
