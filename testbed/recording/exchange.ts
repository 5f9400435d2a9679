/** One exchange with the upstream of a recorder: what came, what was sent on, what was answered, and its entry in the record. */

import { Agent, type IncomingMessage, request } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { Fault } from './faults.ts';

/** One exchange, or a request that a fault kept from the upstream. */
export interface Entry {
  /** Order of arrival, from 1; repeats made by a fault share their number. */
  readonly number: number;
  /** Arrival of the request, epoch ms. */
  readonly at: number;
  /** From the arrival to the end of the upstream's answer. */
  readonly ms: number;
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** The client's port: the same for all calls of one connection. */
  readonly peer: number;
  /** Names in lower case, without credentials. */
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly requestBody: string;
  /** What the upstream answered, whatever the client was told; `null` when it was not asked or did not answer. */
  readonly status: number | null;
  readonly answerHeaders: Readonly<Record<string, string>>;
  readonly answerBody: string;
  readonly fault: Fault['kind'] | null;
  /** Why the upstream did not answer. */
  readonly error: string | null;
}

/** A request as it arrived. */
export interface Call {
  readonly number: number;
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly incoming: IncomingMessage;
  readonly body: Buffer;
}

/** What a client is told. */
export interface Told {
  readonly status: number;
  /** Raw list of names and values, in the order they came. */
  readonly headers: readonly string[];
  readonly body: Buffer | string;
}

interface UpstreamAnswer extends Told {
  readonly shownHeaders: Readonly<Record<string, string>>;
}

/** The API behind a recorder. */
export interface Upstream {
  readonly url: URL;
  /** How it is called; connections are never used twice: a stale one of ours must not look like the upstream's fault. */
  readonly call: (options: CallOptions, told: (incoming: IncomingMessage) => void) => ReturnType<typeof request>;
}

interface CallOptions {
  readonly host: string;
  readonly port: string;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
}

/** `ca`: what an `https:` URL is trusted by. */
export function upstreamAt(address: string, ca: string | null): Upstream {
  const url = new URL(address);
  if (url.protocol === 'http:') {
    const agent = new Agent({ keepAlive: false });
    return { url, call: (options, told) => request({ ...options, agent }, told) };
  }
  const agent = new TlsAgent({ keepAlive: false, ...(ca === null ? {} : { ca }) });
  return { url, call: (options, told) => tlsRequest({ ...options, agent }, told) };
}

/** Connections are ours on both sides; everything else passes unchanged. */
const perConnection = ['connection', 'keep-alive'];

const secret = ['authorization', 'proxy-authorization', 'cookie', 'set-cookie'];

export async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Sends a call on, headers and body as they came. Rejects when the exchange breaks. */
export async function sendOn(upstream: Upstream, call: Call): Promise<UpstreamAnswer> {
  const incoming = await open(upstream, call);
  return { ...headOf(incoming), body: await readAll(incoming) };
}

/** The same, but the answer's body is still to come. */
export async function open({ url, call: send }: Upstream, call: Call): Promise<IncomingMessage> {
  // The upstream must see its own name: Caddy's admin API refuses any other. Only a signed call names its host for good.
  const { 'x-amz-date': signed, host: named } = call.incoming.headers;
  const name = signed === undefined ? url.host : (named ?? '');
  const headers = ['Host', name, ...passed(call.incoming.rawHeaders, ['host']), 'Connection', 'close'];
  return new Promise((resolve, reject) => {
    const { method, path } = call;
    const { hostname: host, port } = url;
    const outgoing = send({ host, port, method, path, headers }, resolve);
    outgoing.once('error', reject);
    outgoing.end(call.body);
  });
}

export function headOf({
  statusCode: status = 502,
  rawHeaders,
  headers,
}: IncomingMessage): Omit<UpstreamAnswer, 'body'> {
  return { status, headers: passed(rawHeaders, []), shownHeaders: shown(headers) };
}

export function entryOf(call: Call, answer: UpstreamAnswer | null, fault: Fault | null, error: string | null): Entry {
  return {
    number: call.number,
    at: call.at,
    ms: Date.now() - call.at,
    method: call.method,
    path: call.path,
    peer: call.incoming.socket.remotePort ?? 0,
    requestHeaders: shown(call.incoming.headers),
    requestBody: call.body.toString('utf8'),
    status: answer?.status ?? null,
    answerHeaders: answer?.shownHeaders ?? {},
    answerBody: answer?.body.toString('utf8') ?? '',
    fault: fault?.kind ?? null,
    error,
  };
}

function passed(rawHeaders: readonly string[], without: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    if (![...perConnection, ...without].includes(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}

function shown(headers: IncomingMessage['headers']): Record<string, string> {
  const pairs = Object.entries(headers).map(([name, value]) => [name, String(value)] as const);
  return Object.fromEntries(pairs.map(([name, value]) => [name, secret.includes(name) ? '***' : value]));
}
