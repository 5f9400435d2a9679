/** Small HTTP questions to our own servers; `node:http`, because Caddy's admin API refuses what `fetch` sends. */

import { request } from 'node:http';

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface AskOptions {
  /** @default 'GET' */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** @default 5_000 */
  readonly timeoutMs?: number;
}

/** Any status is an answer; only a failed exchange throws. */
export async function ask(url: string, options: AskOptions = {}): Promise<Answer> {
  const body = options.json === undefined ? null : JSON.stringify(options.json);
  const headers = {
    ...(body === null ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
    ...options.headers,
  };
  return new Promise((resolve, reject) => {
    const timeoutMs = options.timeoutMs ?? 5_000;
    const signal = AbortSignal.timeout(timeoutMs);
    const fail = (error: Error) =>
      reject(signal.aborted ? new Error(`no answer of ${url} within ${timeoutMs} ms`) : error);
    const call = request(url, { method: options.method ?? 'GET', headers, agent: false, signal }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', fail);
      answer.on('end', () => {
        const pairs = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({
          status: answer.statusCode ?? 0,
          headers: Object.fromEntries(pairs) as Record<string, string>,
          body: text,
        });
      });
    });
    call.on('error', fail);
    call.end(body ?? undefined);
  });
}

/** Whether a URL answers with 200; a refused connection is a plain no. */
export async function isUp(url: string): Promise<boolean> {
  try {
    return (await ask(url, { timeoutMs: 1_000 })).status === 200;
  } catch {
    return false; // not up yet is the expected answer while a server starts
  }
}
