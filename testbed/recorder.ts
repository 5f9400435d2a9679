/** A transparent HTTP proxy in front of a control API: records every exchange, and disturbs those it is told to. */

import { appendFileSync, mkdirSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Call,
  type Entry,
  entryOf,
  readAll,
  sendOn,
  type Told,
  type Upstream,
  upstreamAt,
} from './recording/exchange.ts';
import { type Fault, type FaultRule, type Hold, type HoldRule, hold, switchboard } from './recording/faults.ts';
import { isWatch, openStreams } from './recording/streams.ts';
import { freePort } from './servers/ports.ts';

export type { Entry } from './recording/exchange.ts';
export type { Fault, FaultRule } from './recording/faults.ts';

export interface RecorderOptions {
  /** Base URL of the API, e.g. `http://127.0.0.1:2019`. */
  readonly upstream: string;
  /** The upstream's own certificate and key: the recorder trusts the first, and shows both to its clients in the upstream's place. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** One JSON object per line and exchange. */
  readonly logFile: string;
  /** Port on 127.0.0.1. @default a free one */
  readonly port?: number;
}

export interface Recorder {
  readonly url: string;
  /** All finished exchanges, in order of arrival. */
  entries(): readonly Entry[];
  /** Adds a fault; the returned function takes it away. */
  fault(rule: FaultRule): () => void;
  /** Holds calls back until they are let go: for faults that must not end before something else has happened. */
  hold(rule: HoldRule): Hold;
  /** Breaks the watches that are open (`?watch=true` of a cluster's API); returns how many. */
  cutWatches(path?: RegExp): number;
  /** Lets nothing more through those watches, without a word; returns how many. */
  freezeWatches(path?: RegExp): number;
  clearFaults(): void;
  /** Closes the door; the record stays readable. */
  stop(): Promise<void>;
}

/** Sends a call on and records what came of it; `null` when the exchange broke. */
type Ask = (call: Call, fault: Fault | null) => Promise<Told | null>;
type Record = (entry: Entry) => void;

export async function startRecorder(options: RecorderOptions): Promise<Recorder> {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const entries: Entry[] = [];
  const record = (entry: Entry) => {
    entries.push(entry);
    appendFileSync(options.logFile, `${JSON.stringify(entry)}\n`);
  };
  const { tls } = options;
  const upstream = upstreamAt(options.upstream, tls?.cert ?? null);
  const ask = asking(upstream, record);
  const streams = openStreams(upstream, record);
  const faults = switchboard();
  let arrived = 0;
  const listener: RequestListener = (incoming, answer) => {
    const facts = { number: ++arrived, at: Date.now(), method: incoming.method ?? 'GET', path: incoming.url ?? '/' };
    const serve = async () => {
      const call = { ...facts, incoming, body: await readAll(incoming) };
      const fault = faults.take(call);
      if (fault === null && isWatch(call.path)) return streams.serve(call, answer);
      const told = await play(call, fault, ask, record);
      if (told === null) answer.destroy();
      else answer.writeHead(told.status, [...told.headers]).end(told.body);
    };
    serve().catch(() => answer.destroy()); // the client hung up; what the upstream was told is in the record
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  const port = options.port ?? (await freePort());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http${tls === undefined ? '' : 's'}://127.0.0.1:${port}`,
    entries: () => entries.toSorted((one, other) => one.number - other.number),
    fault: (rule) => faults.add(rule),
    hold: (rule) => hold(faults, rule),
    cutWatches: (path) => streams.cut(path),
    freezeWatches: (path) => streams.freeze(path),
    clearFaults: () => faults.clear(),
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function asking(upstream: Upstream, record: Record): Ask {
  return async (call, fault) => {
    try {
      const answer = await sendOn(upstream, call);
      record(entryOf(call, answer, fault, null));
      return answer;
    } catch (error) {
      record(entryOf(call, null, fault, error instanceof Error ? error.message : String(error)));
      return null;
    }
  };
}

/** Plays one call through its fault, if it meets one; returns what the client is told, `null` for a broken connection. */
async function play(call: Call, fault: Fault | null, ask: Ask, record: Record): Promise<Told | null> {
  switch (fault?.kind) {
    case undefined:
      return ask(call, null);
    case 'delay': {
      if (fault.where === 'request') await sleep(fault.ms);
      const got = await ask(call, fault);
      if (fault.where === 'answer') await sleep(fault.ms);
      return got;
    }
    case 'hold': {
      if (fault.where === 'request') await fault.wait();
      const got = await ask(call, fault);
      if (fault.where === 'answer') await fault.wait();
      return got;
    }
    case 'drop':
      if (fault.where === 'answer') await ask(call, fault);
      else record(entryOf(call, null, fault, null));
      return null;
    case 'repeat': {
      const got = await ask(call, fault);
      for (let more = 0; more < fault.times; more++) await ask(call, fault);
      return got;
    }
    case 'falsify': {
      const got = await ask(call, fault);
      return got === null ? null : { status: fault.status ?? got.status, headers: [], body: fault.body ?? got.body };
    }
    case 'refuse':
      record(entryOf(call, null, fault, null));
      return { status: fault.status, headers: Object.entries(fault.headers ?? {}).flat(), body: fault.body ?? '' };
  }
}
