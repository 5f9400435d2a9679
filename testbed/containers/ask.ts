/** Questions to a container engine past everything of ours: what tests believe. */

import { request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface EngineAnswer {
  readonly status: number;
  readonly body: string;
}

/** `body` is sent as JSON, bytes as a tar. */
export async function askEngine(
  socketPath: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<EngineAnswer> {
  const isTar = body instanceof Uint8Array;
  const sent = body === undefined ? null : isTar ? body : Buffer.from(JSON.stringify(body));
  const headers =
    sent === null
      ? {}
      : { 'content-type': isTar ? 'application/x-tar' : 'application/json', 'content-length': sent.length };
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method, path, headers, agent: false, timeout: 60_000 }, (answer) => {
      text(answer).then((said) => resolve({ status: answer.statusCode ?? 0, body: said }), reject);
    });
    call.once('timeout', () => call.destroy(new Error(`${method} ${path}: no answer`)));
    call.once('error', reject);
    call.end(sent ?? undefined);
  });
}
