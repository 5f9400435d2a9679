/** The real `Http`: one exchange over axios, bounded in time and size, with errors that carry no secrets. */

import http from 'node:http';
import https from 'node:https';
import { addAbortSignal, type Readable } from 'node:stream';
import axios, { type AxiosInstance, type AxiosResponse } from 'axios';
import { codeOf, networkFailure } from './network-failure.ts';
import type { Http, HttpRequest, HttpResponse } from './ports.ts';

const defaultMaxBytes = 1024 * 1024;
const late = 'late';

/** What a server is held against, and what we show it. */
export type Certificates = {
  readonly [
    Name in 'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'servername' | 'rejectUnauthorized'
  ]?: https.AgentOptions[Name];
};

/**
 * Keeps connections alive, has no limit of sockets (so that a request that lowers exposure never queues behind another),
 * follows no redirects and uses no proxy from the environment.
 */
export function createHttp(certificates: Certificates = {}): Http {
  const client = axios.create({
    adapter: 'http',
    httpAgent: new http.Agent({ keepAlive: true }),
    httpsAgent: new https.Agent({ keepAlive: true, ...stated(certificates) }),
    proxy: false,
    maxRedirects: 0,
    responseType: 'stream',
    validateStatus: () => true,
    transformRequest: [(body: unknown) => body],
  });
  return { send: (request) => exchange(client, request) };
}

/** An `undefined` is not the same as nothing said to Node's TLS. */
function stated(certificates: Certificates): https.AgentOptions {
  return Object.fromEntries(Object.entries(certificates).filter(([, value]) => value !== undefined));
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
    return { status: answer.status, ...headersOf(answer.headers), body };
  } catch (error) {
    request.signal?.throwIfAborted();
    const isLate = stop.signal.reason === late;
    throw networkFailure(request, isLate ? `no complete answer within ${request.timeoutMs} ms` : error);
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
    // axios sends bytes only as a buffer of Node's.
    data: request.body instanceof Uint8Array ? Buffer.from(request.body) : request.body,
    signal,
  });
}

/** Reads until `max` bytes and lets go of the connection when there is more. */
export async function readUpTo(stream: Readable, max: number, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of addAbortSignal(signal, stream) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= max) break;
  }
  return Buffer.concat(chunks).subarray(0, max).toString('utf8');
}

/** Headers in lower case, several of one name joined, cookies also one by one. */
export function headersOf(answered: Readonly<Record<string, unknown>>): Pick<HttpResponse, 'headers' | 'setCookies'> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(answered)) {
    headers[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : String(value);
  }
  const setCookies = answered['set-cookie'];
  return Array.isArray(setCookies) ? { headers, setCookies: setCookies.map(String) } : { headers };
}
