/** A bounded stream of requests to a loopback address, counted by the release that answered and by status. */

import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { loadHeader } from './demo-service/request-log.ts';

export interface LoadOptions {
  /** A `http:` URL on loopback; anything else is refused. */
  readonly url: string;
  /** Requests per second, 1–2,000. */
  readonly ratePerSecond: number;
  /** The load ends by itself after this time, 1–3,600 s. */
  readonly maxSeconds: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface LoadCounts {
  readonly sent: number;
  readonly answered: number;
  /** Requests that got no answer. */
  readonly failed: number;
  /** Left out because too many were still unanswered. */
  readonly skipped: number;
  /** Release label (header `x-release`) → status → answers; `''` when the answer named no release. */
  readonly byRelease: Readonly<Record<string, Readonly<Record<number, number>>>>;
}

export interface Load {
  /** Sent with each request as `x-load-id`. */
  readonly id: string;
  /** Counts of the requests sent in `[from, to)`, epoch ms; of all by default. */
  counts(from?: number, to?: number): LoadCounts;
  /** Resolves when it has ended by itself or was stopped, and every answer is in. */
  readonly done: Promise<void>;
  stop(): Promise<void>;
}

interface Shot {
  readonly at: number;
  /** `null` while unanswered. */
  result: { readonly release: string; readonly status: number } | 'failed' | 'skipped' | null;
}

const mostInFlight = 256;

export function startLoad(options: LoadOptions): Load {
  const url = checked(options);
  const id = randomUUID();
  const agent = new Agent({ keepAlive: true, maxSockets: mostInFlight });
  const headers = { ...options.headers, [loadHeader]: id };
  const shots: Shot[] = [];
  const open = new Set<Promise<void>>();
  const began = Date.now();

  const shoot = () => {
    const shot: Shot = { at: Date.now(), result: null };
    shots.push(shot);
    if (open.size >= mostInFlight) return void (shot.result = 'skipped');
    const answered = fire(url, agent, headers, shot).finally(() => open.delete(answered));
    open.add(answered);
  };
  let finish: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (finish = resolve));
  const ticking = setInterval(() => {
    const seconds = (Date.now() - began) / 1000;
    const due = Math.floor(Math.min(seconds, options.maxSeconds) * options.ratePerSecond);
    // After a stall it catches up in small portions instead of one burst.
    for (let portion = Math.ceil(options.ratePerSecond / 20); portion > 0 && shots.length < due; portion--) shoot();
    if (seconds >= options.maxSeconds) finish();
  }, 10);
  const done = ended.then(async () => {
    clearInterval(ticking);
    await Promise.all(open);
    agent.destroy();
  });
  return {
    id,
    counts: (from = 0, to = Number.POSITIVE_INFINITY) => count(shots.filter(({ at }) => at >= from && at < to)),
    done,
    stop: () => {
      finish();
      return done;
    },
  };
}

function checked(options: LoadOptions): URL {
  const url = new URL(options.url);
  const loopback = /^(127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url.protocol !== 'http:' || !loopback) throw new Error(`load goes to loopback only, not to ${url.origin}`);
  within('ratePerSecond', options.ratePerSecond, 2_000);
  within('maxSeconds', options.maxSeconds, 3_600);
  return url;
}

function within(name: string, value: number, most: number): void {
  if (!(value >= 1 && value <= most)) throw new RangeError(`${name} is ${value}; it must be between 1 and ${most}`);
}

async function fire(url: URL, agent: Agent, headers: Record<string, string>, shot: Shot): Promise<void> {
  return new Promise((resolve) => {
    const call = request(url, { agent, headers, timeout: 10_000 }, (answer) => {
      answer.resume();
      answer.once('close', () => {
        const release = String(answer.headers['x-release'] ?? '');
        shot.result = answer.complete ? { release, status: answer.statusCode ?? 0 } : 'failed';
        resolve();
      });
    });
    call.once('timeout', () => call.destroy());
    call.once('error', (error: NodeJS.ErrnoException) => {
      // The server had closed this idle connection before it saw the request: every client tries again.
      if (call.reusedSocket && error.code === 'ECONNRESET') {
        resolve(fire(url, agent, headers, shot));
        return;
      }
      shot.result ??= 'failed';
      resolve();
    });
    call.end();
  });
}

function count(shots: readonly Shot[]): LoadCounts {
  const byRelease: Record<string, Record<number, number>> = {};
  const tally = { sent: 0, answered: 0, failed: 0, skipped: 0 };
  for (const { result } of shots) {
    if (result !== 'skipped') tally.sent++;
    if (result === 'skipped' || result === 'failed') tally[result]++;
    else if (result !== null) {
      tally.answered++;
      const statuses = (byRelease[result.release] ??= {});
      statuses[result.status] = (statuses[result.status] ?? 0) + 1;
    }
  }
  return { ...tally, byRelease };
}
