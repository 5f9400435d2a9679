/** What went wrong at a container engine, as one of our errors. */

import { ProviderError, type ProviderErrorCode } from './errors.ts';
import { codeOf, wordsFor } from './network-failure.ts';

const longest = 400;

/** From what dockerode threw, or from a sentence of our own. */
export function engineFailure(doing: string, error: unknown): ProviderError {
  if (error instanceof ProviderError) return error;
  if (typeof error === 'string') return new ProviderError({ code: 'unreachable', doing, detail: error });
  const status = statusOf(error);
  if (status !== null) {
    return new ProviderError({ code: codeFor(status), doing, detail: `HTTP ${status}: ${saidBy(error)}` });
  }
  const code = codeOf(error);
  const why = socketWords[code] ?? wordsFor(code);
  return new ProviderError({ code: code === 'EACCES' ? 'denied' : 'unreachable', doing, detail: why });
}

/** Engines tell why a pull failed in words only. */
export function pullFailure(reference: string, said: string): ProviderError {
  const code = /unauthorized|denied|authentication required/i.test(said)
    ? 'denied'
    : /manifest unknown|not found|no such/i.test(said)
      ? 'missing'
      : 'unreachable';
  return new ProviderError({ code, doing: `pull ${reference}`, detail: said.slice(0, longest) });
}

/** The HTTP status in an error of dockerode; `null` when there was no answer. */
export function statusOf(error: unknown): number | null {
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : null;
  return typeof status === 'number' ? status : null;
}

const socketWords: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket: is the engine running?',
  EACCES: 'the socket may not be used by the user that runs this worker',
};

/** 500 is also what an engine says when it could not do a thing now, such as bind a port that is taken. */
function codeFor(status: number): ProviderErrorCode {
  switch (status) {
    case 400:
      return 'invalid';
    case 401:
    case 403:
      return 'denied';
    case 404:
      return 'missing';
    case 409:
      return 'conflict';
    case 429:
      return 'throttled';
    default:
      return status > 400 && status < 500 ? 'invalid' : 'unreachable';
  }
}

/** dockerode writes `(HTTP code 404) no such container - ` before what the engine said. */
function saidBy(error: unknown): string {
  const text = error instanceof Error ? error.message : '';
  return text
    .replace(/^\(HTTP code \d+\) [^-]* - /, '')
    .trim()
    .slice(0, longest);
}
