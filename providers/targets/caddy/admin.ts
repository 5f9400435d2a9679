/** Caddy's admin API: reads with their ETag, one conditional write, and its errors as ours. */

import type { JsonValue } from '../../../plan/plan.ts';
import { ProviderError } from '../../errors.ts';
import type { Clock, Http, HttpRequest, HttpResponse } from '../../ports.ts';

const timeoutMs = 5_000;
const maxBytes = 16 * 1024 * 1024;
/** Waits between tries of a read: Caddy drops admin connections while it changes its configuration. */
const readWaits = [20, 60, 180, 400];

interface Versioned {
  readonly value: JsonValue;
  /** For `If-Match`: holds the path and the hash of what was read. */
  readonly etag: string;
}

export interface CaddyAdmin {
  /** `null` when nothing stands at the path or no object has the id. */
  get(path: string, signal?: AbortSignal): Promise<Versioned | null>;
  /** Replaces what stands at the path, unless what `etag` was read from has changed: `conflict`. */
  replace(path: string, etag: string, value: JsonValue, signal?: AbortSignal): Promise<void>;
}

export function createAdmin(base: string, http: Http, clock: Clock): CaddyAdmin {
  const root = base.replace(/\/+$/, '');
  const send = (request: Pick<HttpRequest, 'method' | 'headers' | 'body'>, path: string, signal?: AbortSignal) =>
    http.send({
      ...request,
      url: `${root}${path}`,
      // A kept connection is cut by the next change of configuration, and nobody would know what became of the request.
      headers: { ...request.headers, connection: 'close' },
      timeoutMs,
      maxBytes,
      ...(signal && { signal }),
    });

  return {
    async get(path, signal) {
      const answer = await patiently(clock, signal, () => send({ method: 'GET' }, path, signal));
      if (answer.status === 404 || isNoPath(answer)) return null;
      const doing = `read ${path} from Caddy`;
      if (answer.status !== 200) throw failure(answer, doing);
      return { value: parse(answer.body, doing), etag: answer.headers['etag'] ?? '' };
    },

    async replace(path, etag, value, signal) {
      const headers = { 'content-type': 'application/json', 'if-match': etag };
      const answer = await send({ method: 'PATCH', headers, body: JSON.stringify(value) }, path, signal);
      if (answer.status !== 200) throw failure(answer, `replace ${path} in Caddy`);
    },
  };
}

/** Only for reads: a lost answer of a write says nothing about its effect. */
async function patiently(
  clock: Clock,
  signal: AbortSignal | undefined,
  read: () => Promise<HttpResponse>,
): Promise<HttpResponse> {
  for (const wait of readWaits) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof ProviderError && error.code === 'unreachable')) throw error;
      await clock.sleep(wait, signal);
    }
  }
  return read();
}

/** A path through something that does not exist is a 400 to Caddy, e.g. servers without an http app. */
function isNoPath(answer: HttpResponse): boolean {
  return answer.status === 400 && answer.body.includes('invalid traversal path');
}

function failure(answer: HttpResponse, doing: string): ProviderError {
  const detail = `HTTP ${answer.status}: ${messageOf(answer.body)}`;
  if (answer.status === 412) return new ProviderError({ code: 'conflict', doing, detail });
  if (answer.status === 401 || answer.status === 403) return new ProviderError({ code: 'denied', doing, detail });
  if (answer.status === 404) return new ProviderError({ code: 'conflict', doing, detail });
  // Caddy says 500 for a configuration that it refuses, and keeps the old one.
  const refused = answer.status === 400 || answer.body.includes('loading new config');
  return new ProviderError({ code: refused ? 'invalid' : 'unreachable', doing, detail });
}

/** The innermost reason: the end of Caddy's chain of wrapped errors. Quoted values of the configuration are left out. */
function messageOf(body: string): string {
  const text = /"error":"((?:[^"\\]|\\.)*)"/.exec(body)?.[1] ?? 'no reason given';
  return text.slice(-300).replaceAll(/\\".*?\\"/g, '…');
}

function parse(body: string, doing: string): JsonValue {
  try {
    return JSON.parse(body) as JsonValue;
  } catch {
    throw new ProviderError({ code: 'unreachable', doing, detail: 'the answer is no JSON' });
  }
}
