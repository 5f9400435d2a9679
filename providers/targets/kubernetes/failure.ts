/** What an API server answers besides a yes, as one of our errors and without what may be secret in it. */

import type { JsonValue } from '../../../plan/plan.ts';
import type { HttpResponse } from '../../ports.ts';
import { ProviderError, type ProviderErrorCode } from '../../errors.ts';
import { at, objectsAt, textAt } from './json.ts';

/** Whatever else is 4xx is a wrong request, and everything above says nothing about the effect. */
const codes: Readonly<Record<number, ProviderErrorCode>> = {
  401: 'denied',
  403: 'denied',
  404: 'missing',
  408: 'unreachable',
  409: 'conflict',
  410: 'conflict',
  425: 'unreachable',
  429: 'throttled',
};

export function refusal(answer: HttpResponse, doing: string): ProviderError {
  const { status } = answer;
  if (isFailedTest(answer)) {
    const detail = 'what the change rests on is not so any more';
    return new ProviderError({ code: 'conflict', doing, detail });
  }
  const code = codes[status] ?? (status >= 300 && status <= 499 ? 'invalid' : 'unreachable');
  const retryAfterMs = retryAfterOf(answer);
  return new ProviderError({
    code,
    doing,
    detail: `the API server answers ${status}${wordsOf(answer)}`,
    ...(code === 'throttled' && retryAfterMs !== null && { retryAfterMs }),
  });
}

/** A wrong value is told with its place, a test of a patch that fails without. */
function isFailedTest({ status, body }: HttpResponse): boolean {
  return status === 422 && objectsAt(at(parsed(body), 'details'), 'causes').length === 0;
}

/** A policy has judged the change itself: it says the same again, unless it still waits for what it compares with. */
export function isJudged({ status, body }: HttpResponse): boolean {
  const said = textAt(parsed(body), 'message') ?? '';
  return (
    status === 403 &&
    /ValidatingAdmissionPolicy '[^']*' with binding '[^']*' denied request: (?!no params found)/.test(said)
  );
}

/** Whole seconds, as the API server says them; `null` when it says none. */
export function retryAfterOf({ headers }: HttpResponse): number | null {
  const seconds = Number(headers['retry-after'] ?? 'none');
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : null;
}

/** Of a wrong object only the places are told: values stand in the message, and some of them are nobody's business. */
function wordsOf({ status, body }: HttpResponse): string {
  const said = parsed(body);
  const reason = textAt(said, 'reason');
  const causes = objectsAt(at(said, 'details'), 'causes');
  if (status === 422 || reason === 'Invalid') {
    const places = causes.map((cause) => `${textAt(cause, 'field') ?? '?'} (${textAt(cause, 'reason') ?? 'invalid'})`);
    return places.length === 0 ? ': it calls the request invalid' : `: invalid at ${places.slice(0, 10).join(', ')}`;
  }
  const message = textAt(said, 'message');
  if (message === null) return reason === null ? '' : `: ${printable(reason)}`;
  return `: ${printable(message)}`;
}

function parsed(body: string): JsonValue {
  try {
    return JSON.parse(body) as JsonValue;
  } catch {
    return null; // something in between answers in its own words, and they are not repeated
  }
}

function printable(text: string): string {
  return text
    .replaceAll(/[^\P{C} ]+/gu, ' ')
    .trim()
    .slice(0, 300);
}
