/** What went wrong on the network, as one of our errors and in words without anything secret. */

import { ProviderError } from './errors.ts';
import type { HttpRequest } from './ports.ts';

/** Text is built from codes only: axios' own errors hold the whole request with its credentials. */
export function networkFailure(request: Pick<HttpRequest, 'method' | 'url'>, error: unknown): ProviderError {
  const doing = `${request.method} ${originOf(request.url)}`;
  if (typeof error === 'string') return new ProviderError({ code: 'unreachable', doing, detail: error });
  const code = codeOf(error);
  const invalid = invalidCodes.has(code) || originOf(request.url) === 'an unreadable address';
  return new ProviderError({ code: invalid ? 'invalid' : 'unreachable', doing, detail: wordsFor(code) });
}

const invalidCodes = new Set([
  'ERR_INVALID_URL',
  'ERR_INVALID_CHAR',
  'ERR_INVALID_HTTP_TOKEN',
  'ERR_INVALID_PROTOCOL',
  'ERR_UNESCAPED_CHARACTERS',
]);

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset, whether it had an effect is unknown',
  EPIPE: 'connection reset, whether it had an effect is unknown',
  ERR_STREAM_PREMATURE_CLOSE: 'the answer broke off',
  ENOTFOUND: 'host name not found',
  EAI_AGAIN: 'host name could not be looked up',
  ETIMEDOUT: 'connection timed out',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
};

/** What a machine-readable code means. */
export function wordsFor(code: string): string {
  return words[code] ?? `the exchange failed (${code})`;
}

/** The first machine-readable code in the chain of causes; axios' own `ERR_BAD_RESPONSE` and the like say less. */
export function codeOf(error: unknown): string {
  let generic = 'no code';
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = (at as NodeJS.ErrnoException).code;
    if (typeof code !== 'string' || !/^[A-Z0-9_]{1,60}$/.test(code)) continue;
    if (!code.startsWith('ERR_BAD_')) return code;
    generic = code;
  }
  return generic;
}

/** Path and query stay out: webhook addresses and tokens live there. */
function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : 'an unreadable address';
}
