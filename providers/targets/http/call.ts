/** One declared call: made from its template, sent, and its answer taken as a yes or as one of our errors. */

import type { HttpResponse } from '../../ports.ts';
import { sendAs } from '../../credentials.ts';
import { ProviderError, type ProviderErrorCode } from '../../errors.ts';
import type { HttpBody, HttpCall, Verb } from './connection.ts';
import type { Site } from './site.ts';
import { fillHeader, fillJson, fillText, fillUrl, type Values } from './template.ts';

/** Returns an answer with one of the expected statuses. Throws `ProviderError`. */
export async function make(
  site: Site,
  verb: Verb,
  call: HttpCall,
  values: Values,
  signal?: AbortSignal,
): Promise<HttpResponse> {
  const { http, connection } = site;
  const headers = Object.entries(call.headers).map(([name, text]) => [name, fillHeader(text, values)] as const);
  const answer = await sendAs(http, connection.auth, {
    method: call.method,
    url: fillUrl(call.url, values),
    headers: { ...contentType(call.body), ...Object.fromEntries(headers) },
    ...(call.body !== null && { body: bodyOf(call.body, values) }),
    timeoutMs: connection.withinMs,
    ...(signal && { signal }),
  });
  if (isExpected(answer.status, call.expect)) return answer;
  throw refusal(answer, `${verb} by ${call.method} at connection ${site.plan.connection}`);
}

function contentType(body: HttpBody | null): Readonly<Record<string, string>> {
  if (body === null) return {};
  return { 'content-type': body.kind === 'json' ? 'application/json' : body.contentType };
}

function bodyOf(body: HttpBody, values: Values): string {
  return body.kind === 'json' ? JSON.stringify(fillJson(body.value, values)) : fillText(body.value, values);
}

function isExpected(status: number, expected: readonly number[]): boolean {
  return expected.length === 0 ? status >= 200 && status <= 299 : expected.includes(status);
}

/** A status that nobody expected says nothing about the effect, unless it says that there was none. */
const codes: Readonly<Record<number, ProviderErrorCode>> = {
  401: 'denied',
  403: 'denied',
  404: 'missing',
  408: 'unreachable',
  409: 'conflict',
  412: 'conflict',
  425: 'unreachable',
  428: 'conflict',
  429: 'throttled',
};

function refusal({ status, headers, body }: HttpResponse, doing: string): ProviderError {
  const code = codes[status] ?? (status >= 300 && status <= 499 ? 'invalid' : 'unreachable');
  const seconds = Number(headers['retry-after']);
  const said = body.replaceAll(/[^\P{C} ]+/gu, ' ').trim();
  return new ProviderError({
    code,
    doing,
    detail: `HTTP ${status}${said === '' ? '' : `: ${said.slice(0, 200)}`}`,
    ...(code === 'throttled' && seconds > 0 && { retryAfterMs: seconds * 1_000 }),
  });
}
