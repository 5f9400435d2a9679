/** A thin client of the API server for testbed and tests: plain JSON, one token, lists that stay up to date. */

import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAll } from '../recording/exchange.ts';
import { type KubeObject, objectPath } from './objects.ts';

/** What a client needs to know of a cluster. */
export interface ClusterAccess {
  /** `https://127.0.0.1:port`. */
  readonly server: string;
  /** Certificate that the server is trusted by, PEM. */
  readonly ca: string;
  readonly token: string;
}

export interface KubeAnswer {
  readonly status: number;
  readonly body: unknown;
}

export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface AskKube {
  /** Sent as JSON. */
  readonly json?: unknown;
  /** @default 'application/json' */
  readonly type?: string;
  /** @default 30_000: a machine may be busy */
  readonly timeoutMs?: number;
}

type Change<T> = { readonly kind: 'here' | 'gone'; readonly object: T };

export interface KubeApi {
  readonly access: ClusterAccess;
  /** Any status is an answer; only a failed exchange throws. */
  ask(method: string, path: string, options?: AskKube): Promise<KubeAnswer>;
  /** Throws a `KubeError` unless the answer is 2xx. */
  read<T>(path: string): Promise<T>;
  /** `null` when there is none. */
  find<T>(path: string): Promise<T | null>;
  create<T = unknown>(collection: string, object: unknown): Promise<T>;
  /** Server-side apply, by force: makes an object or puts ours over it. */
  apply<T = unknown>(object: KubeObject): Promise<T>;
  /** JSON merge patch. */
  merge<T = unknown>(path: string, change: unknown): Promise<T>;
  /** No complaint when it is not there. */
  remove(path: string, options?: unknown): Promise<void>;
  /** Tells what is in a collection, then what changes, over cuts and restarts of the server, until it is aborted. */
  follow<T extends KubeObject>(
    collection: string,
    tell: (change: Change<T>) => void,
    signal: AbortSignal,
  ): Promise<void>;
  close(): void;
}

const patches = {
  apply: 'application/apply-patch+yaml',
  merge: 'application/merge-patch+json',
};

export function createApi(access: ClusterAccess): KubeApi {
  const agent = new Agent({ keepAlive: true, ca: access.ca, maxSockets: 32 });
  const ask = async (method: string, path: string, options: AskKube = {}): Promise<KubeAnswer> => {
    const { timeoutMs = 30_000 } = options;
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const answer = await send(access, agent, method, path, { ...options, signal });
      const text = (await readAll(answer)).toString('utf8');
      return { status: answer.statusCode ?? 0, body: text.startsWith('{') ? (JSON.parse(text) as unknown) : text };
    } catch (error) {
      throw signal.aborted ? new Error(`no answer to ${method} ${path} within ${timeoutMs} ms`) : error;
    }
  };
  const demand = async <T>(method: string, path: string, options?: AskKube): Promise<T> => {
    const { status, body } = await ask(method, path, options);
    if (status >= 200 && status < 300) return body as T;
    throw new KubeError(status, `${method} ${path}: ${status} ${messageOf(body)}`);
  };
  return {
    access,
    ask,
    read: (path) => demand('GET', path),
    find: async <T>(path: string) => {
      const { status, body } = await ask('GET', path);
      if (status === 404) return null;
      if (status === 200) return body as T;
      throw new KubeError(status, `GET ${path}: ${status} ${messageOf(body)}`);
    },
    create: (collection, object) => demand('POST', collection, { json: object }),
    apply: (object) =>
      demand('PATCH', `${objectPath(object)}?fieldManager=testbed&force=true`, { json: object, type: patches.apply }),
    merge: (path, change) => demand('PATCH', path, { json: change, type: patches.merge }),
    remove: async (path, options) => {
      const { status, body } = await ask('DELETE', path, { json: options });
      if (status !== 404 && status >= 300) throw new KubeError(status, `DELETE ${path}: ${status} ${messageOf(body)}`);
    },
    follow: (collection, tell, signal) => follow(access, agent, ask, collection, tell, signal),
    close: () => agent.destroy(),
  };
}

function messageOf(body: unknown): string {
  const { message } = (typeof body === 'object' ? body : {}) as { message?: string };
  return message ?? String(body);
}

const bodyHeaders = (body: string, type = 'application/json') => ({
  'content-type': type,
  'content-length': Buffer.byteLength(body), // Node would send none with a DELETE
});

async function send(
  access: ClusterAccess,
  agent: Agent,
  method: string,
  path: string,
  options: AskKube & { readonly signal: AbortSignal },
): Promise<IncomingMessage> {
  const body = options.json === undefined ? null : JSON.stringify(options.json);
  const headers = {
    authorization: `Bearer ${access.token}`,
    accept: 'application/json',
    ...(body === null ? {} : bodyHeaders(body, options.type)),
  };
  const { signal } = options;
  return new Promise((resolve, reject) => {
    const call = request(`${access.server}${path}`, { method, headers, agent, ca: access.ca, signal }, resolve);
    call.once('error', (error: NodeJS.ErrnoException) => {
      // The server had gone before it saw the request on this old connection.
      if (call.reusedSocket && error.code === 'ECONNRESET') resolve(send(access, agent, method, path, options));
      else reject(error);
    });
    call.end(body ?? undefined);
  });
}

interface List<T> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly T[];
}

async function follow<T extends KubeObject>(
  access: ClusterAccess,
  agent: Agent,
  ask: KubeApi['ask'],
  collection: string,
  tell: (change: Change<T>) => void,
  signal: AbortSignal,
): Promise<void> {
  const known = new Map<string, T>();
  const over = () => signal.aborted;
  while (!over()) {
    try {
      const { status, body } = await ask('GET', collection);
      if (status !== 200) throw new KubeError(status, messageOf(body));
      const { metadata, items } = body as List<T>;
      const listed = new Set(items.map((item) => item.metadata.uid ?? ''));
      for (const [uid, object] of known) {
        if (listed.has(uid)) continue;
        known.delete(uid);
        tell({ kind: 'gone', object });
      }
      for (const object of items) {
        known.set(object.metadata.uid ?? '', object);
        tell({ kind: 'here', object });
      }
      await watch(
        access,
        agent,
        `${collection}?watch=1&resourceVersion=${metadata.resourceVersion}`,
        signal,
        (change: Change<T>) => {
          if (change.kind === 'gone') known.delete(change.object.metadata.uid ?? '');
          else known.set(change.object.metadata.uid ?? '', change.object);
          tell(change);
        },
      );
    } catch (error) {
      if (over()) return;
      process.stderr.write(`${collection}: ${error instanceof Error ? error.message : String(error)}\n`);
      await sleep(100); // the server is away: ask until it is back
    }
  }
}

async function watch<T>(
  access: ClusterAccess,
  agent: Agent,
  path: string,
  signal: AbortSignal,
  tell: (change: Change<T>) => void,
): Promise<void> {
  const answer = await send(access, agent, 'GET', path, { signal });
  if (answer.statusCode !== 200) {
    answer.resume();
    throw new KubeError(answer.statusCode ?? 0, `watch answered with ${answer.statusCode ?? 'nothing'}`);
  }
  for await (const line of lines(answer)) {
    const { type, object } = JSON.parse(line) as { type: string; object: T };
    if (type === 'ADDED' || type === 'MODIFIED') tell({ kind: 'here', object });
    else if (type === 'DELETED') tell({ kind: 'gone', object });
    else if (type === 'ERROR') return; // history has been compacted: list again
  }
}

/** Throws when the answer is cut, which `node:readline` would wait for in vain. */
async function* lines(answer: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of answer.setEncoding('utf8')) {
    const parts = (rest + (chunk as string)).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
}
