/** The real `Http`: one exchange over axios, bounded in time and size, with errors that carry no secrets. */

import http from 'node:http';
import https from 'node:https';
import { addAbortSignal, type Readable } from 'node:stream';
import axios, { type AxiosInstance, type AxiosResponse } from 'axios';
import { ProviderError } from './errors.ts';
import type { Http, HttpRequest, HttpResponse } from './ports.ts';

const defaultMaxBytes = 1024 * 1024;
const late = 'late';

/**
 * Keeps connections alive, has no limit of sockets (so that a request that lowers exposure never queues behind another),
 * follows no redirects and uses no proxy from the environment.
 */
export function createHttp(): Http {
  const client = axios.create({
    adapter: 'http',
    httpAgent: new http.Agent({ keepAlive: true }),
    httpsAgent: new https.Agent({ keepAlive: true }),
    proxy: false,
    maxRedirects: 0,
    responseType: 'stream',
    validateStatus: () => true,
    transformRequest: [(body: unknown) => body],
  });
  return { send: (request) => exchange(client, request) };
}

async function exchange(client: AxiosInstance, request: HttpRequest): Promise<HttpResponse> {
  request.signal?.throwIfAborted();
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(late), request.timeoutMs);
  const cancel = (): void => stop.abort();
  request.signal?.addEventListener('abort', cancel, { once: true });
  try {
    const answer = await asked(client, request, stop.signal);
    const body = await readUpTo(answer.data, request.maxBytes ?? defaultMaxBytes, stop.signal);
    return { status: answer.status, headers: plainHeaders(answer), body };
  } catch (error) {
    request.signal?.throwIfAborted();
    const isLate = stop.signal.reason === late;
    throw failure(request, isLate ? `no complete answer within ${request.timeoutMs} ms` : error);
  } finally {
    clearTimeout(timer);
    request.signal?.removeEventListener('abort', cancel);
  }
}

/** A kept connection that the other side had already given up says nothing about it: a reading is asked anew. */
async function asked(
  client: AxiosInstance,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<AxiosResponse<Readable>> {
  try {
    return await ask(client, request, signal);
  } catch (error) {
    if (!isReading(request) || !wasGivenUp(error)) throw error;
    return ask(client, request, signal);
  }
}

function isReading({ method }: HttpRequest): boolean {
  return ['GET', 'HEAD'].includes(method.toUpperCase());
}

function wasGivenUp(error: unknown): boolean {
  if (!axios.isAxiosError(error) || !['ECONNRESET', 'EPIPE'].includes(codeOf(error))) return false;
  return error.request instanceof http.ClientRequest && error.request.reusedSocket;
}

function ask(client: AxiosInstance, request: HttpRequest, signal: AbortSignal): Promise<AxiosResponse<Readable>> {
  const headers: Record<string, string | false> = { 'user-agent': 'sluice', ...request.headers };
  // axios would otherwise call every body a form.
  if (!Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')) headers['content-type'] = false;
  return client.request<Readable>({
    method: request.method,
    url: request.url,
    headers,
    data: request.body,
    signal,
  });
}

/** Reads until `max` bytes and lets go of the connection when there is more. */
async function readUpTo(stream: Readable, max: number, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of addAbortSignal(signal, stream) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= max) break;
  }
  return Buffer.concat(chunks).subarray(0, max).toString('utf8');
}

function plainHeaders(answer: AxiosResponse): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    plain[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : String(value);
  }
  return plain;
}

/** Text is built from codes only: axios' own errors hold the whole request with its credentials. */
function failure(request: HttpRequest, error: unknown): ProviderError {
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

function wordsFor(code: string): string {
  return words[code] ?? `the exchange failed (${code})`;
}

/** The first machine-readable code in the chain of causes; axios' own `ERR_BAD_RESPONSE` and the like say less. */
function codeOf(error: unknown): string {
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
