/** One exchange with the upstream of a recorder: what came, what was sent on, what was answered, and its entry in the record. */

import { Agent, type IncomingMessage, request } from 'node:http';
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

// A stale connection of ours must never look like the upstream's fault.
const agent = new Agent({ keepAlive: false });

/** Connections are ours on both sides; everything else passes unchanged. */
const perConnection = ['connection', 'keep-alive'];

const secret = ['authorization', 'proxy-authorization', 'cookie', 'set-cookie'];

export async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Sends a call on, headers and body as they came. Rejects when the exchange breaks. */
export async function sendOn(upstream: URL, call: Call): Promise<UpstreamAnswer> {
  // The upstream must see its own name: Caddy's admin API refuses any other. Only a signed call names its host for good.
  const { 'x-amz-date': signed, host: named } = call.incoming.headers;
  const name = signed === undefined ? upstream.host : (named ?? '');
  const headers = ['Host', name, ...passed(call.incoming.rawHeaders, ['host']), 'Connection', 'close'];
  return new Promise((resolve, reject) => {
    const { method, path } = call;
    const { hostname: host, port } = upstream;
    const outgoing = request({ host, port, method, path, agent, headers }, (incoming) => {
      const { statusCode: status = 502, rawHeaders } = incoming;
      const facts = { status, headers: passed(rawHeaders, []), shownHeaders: shown(incoming.headers) };
      readAll(incoming).then((body) => resolve({ ...facts, body }), reject);
    });
    outgoing.once('error', reject);
    outgoing.end(call.body);
  });
}

export function entryOf(call: Call, answer: UpstreamAnswer | null, fault: Fault | null, error: string | null): Entry {
  return {
    number: call.number,
    at: call.at,
    ms: Date.now() - call.at,
    method: call.method,
    path: call.path,
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
