/** Answers without an end: watches on a cluster's API, passed on as they come, cut or frozen when somebody says so. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Call, entryOf, headOf, open, type Entry, type Upstream } from './exchange.ts';

export interface Streams {
  /** Passes one on until either side ends it. */
  serve(call: Call, answer: ServerResponse): Promise<void>;
  /** Breaks those that are open; returns how many. */
  cut(path?: RegExp): number;
  /** From now on nothing more comes through those that are open, and nobody is told; returns how many. */
  freeze(path?: RegExp): number;
}

export const isWatch = (path: string) => /[?&]watch=(1|true)(&|$)/.test(path);

interface Stream {
  readonly path: string;
  readonly incoming: IncomingMessage;
  readonly answer: ServerResponse;
}

export function openStreams(upstream: Upstream, record: (entry: Entry) => void): Streams {
  const streams = new Set<Stream>();
  const matching = (path: RegExp | undefined) => [...streams].filter((one) => path?.test(one.path) !== false);
  return {
    serve: async (call, answer) => {
      const incoming = await open(upstream, call);
      const { status, headers, shownHeaders } = headOf(incoming);
      const stream = { path: call.path, incoming, answer };
      streams.add(stream);
      answer.writeHead(status, [...headers]).flushHeaders();
      incoming.pipe(answer);
      incoming.once('error', () => answer.destroy());
      answer.once('close', () => incoming.destroy());
      await new Promise<void>((resolve) => incoming.once('close', resolve));
      answer.destroy();
      streams.delete(stream);
      record(entryOf(call, { status, headers, shownHeaders, body: '' }, null, null));
    },
    cut: (path) => {
      const cut = matching(path);
      for (const { answer } of cut) answer.destroy();
      return cut.length;
    },
    freeze: (path) => {
      const frozen = matching(path);
      for (const { incoming, answer } of frozen) incoming.unpipe(answer).pause();
      return frozen.length;
    },
  };
}
