/** A small real HTTP server on loopback that answers as a test says and remembers what it was asked. */

import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly bytes: Buffer;
}

/** `null` breaks the connection without an answer, `'silence'` never answers. */
export type Answer =
  | { readonly status?: number; readonly headers?: Readonly<Record<string, string | string[]>>; readonly body?: string }
  | null
  | 'silence';

export interface Loopback {
  readonly url: string;
  readonly asked: readonly Asked[];
  stop(): Promise<void>;
}

export async function listen(answer: (asked: Asked, count: number) => Answer | Promise<Answer>): Promise<Loopback> {
  const asked: Asked[] = [];
  const server: Server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const one = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
        bytes: Buffer.concat(chunks),
      };
      asked.push(one);
      const said = await answer(one, asked.length);
      if (said === 'silence') return;
      if (said === null) return void request.socket.destroy();
      response.writeHead(said.status ?? 200, said.headers ?? {});
      response.end(said.body ?? '');
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    asked,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
