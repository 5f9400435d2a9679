/** What stands behind the network of a simulated world: servers that answer at once, without any time of their own. */

import type { HttpRequest, HttpResponse } from '../../../providers/ports.ts';
import { ProviderError } from '../../../providers/errors.ts';

/** An answer, and how long the server itself took for it, in ms; travel times are the network's. */
export interface Answer extends HttpResponse {
  readonly tookMs?: number;
  /** After an accepted handshake, whose first message is the body: the code with which the server closes the socket. */
  readonly closes?: number;
}

/** One server of the simulated world. The effect happens at this moment; travel times and faults are the network's. Body and headers as on the wire. */
export interface Host {
  /** Throws `ProviderError` `unreachable`, as `Http` would, while nothing listens there: connection refused. */
  answer(request: HttpRequest, now: number): Answer;
  /** Whether anything listens at all, so that even a wrong answer can come from it. @default it does */
  readonly listens?: (now: number) => boolean;
}

export function json(status: number, value: unknown): HttpResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

/** A body as text; empty when there is none. */
export function textOf({ body = '' }: Pick<HttpRequest, 'body'>): string {
  return typeof body === 'string' ? body : Buffer.from(body).toString('utf8');
}

/** What the real `Http` says when nobody listens. */
export function refused(request: HttpRequest): ProviderError {
  const doing = `${request.method} ${urlOf(request.url).origin}`;
  return new ProviderError({ code: 'unreachable', doing, detail: 'connection refused' });
}

/** A header's value, whatever its case; empty when absent. */
export function headerOf(request: Pick<HttpRequest, 'headers'>, name: string): string {
  const found = Object.entries(request.headers ?? {}).find(([key]) => key.toLowerCase() === name);
  return found?.[1] ?? '';
}

const urls = new Map<string, URL>();

/** An address taken apart; the same few are asked for over and over. Not to be changed. */
export function urlOf(address: string): URL {
  const url = urls.get(address) ?? new URL(address);
  if (urls.size > 10_000) urls.clear();
  urls.set(address, url);
  return url;
}
