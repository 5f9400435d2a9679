/** The `Http` and `Clock` of a simulated worker: travel takes time, some of it goes wrong, and what was sent arrives. */

import { asyncLocalStorage } from '@temporalio/activity';
import { ProviderError } from '../../providers/errors.ts';
import type { Clock, Http, HttpRequest, HttpResponse, Sockets } from '../../providers/ports.ts';
import type { Floor } from './floor.ts';
import { quiet } from './schedule.ts';
import { socketsOver } from './sockets.ts';
import type { SimulatedWorker } from './worker.ts';
import { refused } from './worlds/host.ts';
import type { Answer, Host } from './worlds/host.ts';

/** What can happen to one exchange. */
export type Fate =
  /** Refused before it had an effect. */
  | 'reset-before'
  /** It had its effect, the answer was lost. */
  | 'reset-after'
  /** Nobody answers, and nothing happens. */
  | 'hang'
  /** It has its effect at once, and nobody answers. */
  | 'hang-after'
  /** A status of a failing server, without effect. */
  | 'error'
  /** A 412, without effect. */
  | 'conflict'
  /** A 200, without effect. */
  | 'no-effect';

export interface Fault {
  readonly what: Fate;
  /** 0..1 */
  readonly chance: number;
  /** For `error`; 503 when absent. */
  readonly status?: number;
}

export interface Way {
  /** One direction, ms. */
  readonly usual: readonly [number, number];
  /** The heavy tail. */
  readonly slow: { readonly chance: number; readonly ms: readonly [number, number] };
  /** Drawn one after the other; the first that is met decides. */
  readonly faults: readonly Fault[];
}

export const calmWay: Way = { usual: [1, 6], slow: { chance: 0, ms: [0, 0] }, faults: [] };

export interface Arrival {
  readonly request: HttpRequest;
  readonly origin: string;
  /** When the attempt began that sent it, epoch ms. */
  readonly attemptAt: number;
}

export interface Surroundings {
  host(origin: string): Host | undefined;
  way(origin: string, method: string): Way;
  /** A request has had its effect on its host. */
  onEffect(arrival: Arrival, answer: HttpResponse): void;
}

export function createSimulatedClock(floor: Floor, worker: SimulatedWorker): Clock {
  return {
    now: () => floor.schedule.now + worker.skewMs,
    sleep: (ms, signal) =>
      worker.park<undefined>((settle) => {
        floor.schedule.in(ms, () => settle.resolve(undefined));
      }, signal),
  };
}

export function createSimulatedHttp(floor: Floor, worker: SimulatedWorker, around: Surroundings): Http {
  return { send: (request) => exchange(floor, worker, around, request) };
}

export function createSimulatedSockets(floor: Floor, worker: SimulatedWorker, around: Surroundings): Sockets {
  return socketsOver((request) => exchange(floor, worker, around, request), createSimulatedClock(floor, worker));
}

function exchange(floor: Floor, worker: SimulatedWorker, around: Surroundings, request: HttpRequest): Promise<Answer> {
  if (request.signal?.aborted === true) return Promise.reject(request.signal.reason as Error);
  const attemptAt = asyncLocalStorage.getStore()?.info.currentAttemptScheduledTimestampMs ?? floor.schedule.now;
  const copy = { ...request, headers: { ...request.headers } };
  return worker.park<Answer>((settle) => {
    const late = `no complete answer within ${String(request.timeoutMs)} ms`;
    const limit = floor.schedule.in(request.timeoutMs, () => settle.reject(failure(copy, late)));
    travel(floor, around, copy, attemptAt, {
      answer: (response) => {
        limit.cancel();
        settle.resolve({ ...response, headers: { ...response.headers } });
      },
      fail: (detail) => {
        limit.cancel();
        settle.reject(failure(copy, detail));
      },
    });
  }, request.signal);
}

interface Traveller {
  answer(response: Answer): void;
  fail(detail: string): void;
}

const reset = 'connection reset, whether it had an effect is unknown';

/** There, the effect, and back; what is drawn here decides what the sender hears of it. */
function travel(floor: Floor, around: Surroundings, request: HttpRequest, attemptAt: number, back: Traveller): void {
  const origin = new URL(request.url).origin;
  const way = around.way(origin, request.method);
  const host = around.host(origin);
  const met = drawFault(floor, way.faults);
  floor.schedule.in(leg(floor, way), () => {
    if (host === undefined || met?.what === 'reset-before') return fail('connection refused');
    if (met?.what === 'hang') return quiet;
    const response = answerOf(host);
    if (response instanceof ProviderError) return fail(response.detail);
    if (met?.what === 'hang-after') return quiet;
    const backMs = leg(floor, way) + (response.tookMs ?? 0);
    floor.schedule.in(backMs, () => (met?.what === 'reset-after' ? back.fail(reset) : back.answer(response)));
    return quiet;
  });

  function fail(detail: string): null {
    back.fail(detail);
    return null;
  }

  function answerOf(at: Host): Answer | ProviderError {
    if (at.listens?.(floor.schedule.now) === false) return refused(request);
    if (met?.what === 'error') return plain(met.status ?? 503);
    if (met?.what === 'conflict') return plain(412);
    if (met?.what === 'no-effect') return plain(200);
    try {
      const answer = dated(at.answer(request, floor.schedule.now), floor.schedule.now);
      floor.trace.mix(`${request.method} ${request.url} ${String(answer.status)} ${answer.body}`);
      around.onEffect({ request, origin, attemptAt }, answer);
      return answer;
    } catch (error) {
      if (error instanceof ProviderError) return error;
      throw error;
    }
  }
}

/** Servers say what time it is, in whole seconds. */
function dated(answer: Answer, now: number): Answer {
  const second = Math.floor(now / 1_000);
  if (second !== said.second) said = { second, date: new Date(now).toUTCString() };
  return { ...answer, headers: { ...answer.headers, date: said.date } };
}

let said = { second: NaN, date: '' };

function plain(status: number): HttpResponse {
  return { status, headers: {}, body: '' };
}

function leg({ random }: Floor, { usual, slow }: Way): number {
  const draw = random('latency');
  return slow.chance > 0 && draw.chance(slow.chance) ? draw.between(...slow.ms) : draw.between(...usual);
}

function drawFault({ random }: Floor, faults: readonly Fault[]): Fault | null {
  const draw = random('fault');
  return faults.find(({ chance }) => draw.chance(chance)) ?? null;
}

/** In the words of the real door. */
function failure({ method, url }: HttpRequest, detail: string): ProviderError {
  return new ProviderError({ code: 'unreachable', doing: `${method} ${new URL(url).origin}`, detail });
}
