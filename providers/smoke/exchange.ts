/** Sends one smoke request and takes its answer; exchanges that break are tried again, answers never. */

import type { SmokeRequest } from '../../plan/plan.ts';
import { ProviderError } from '../errors.ts';
import type { HttpRequest, HttpResponse } from '../ports.ts';
import type { Run } from './run.ts';
import { shakeHands, talk } from './socket.ts';

/** Failed exchanges are tried again this often; a wrong answer, also none in time, never is. */
const retries = 2;
const retryAfterMs = 200;

export interface Answered {
  readonly response: HttpResponse;
  /** Of the exchange that was answered, without the tries before it. */
  readonly ms: number;
}

/** `onAnswer` hears of the answer before anything is held against it. */
export async function exchange(
  run: Run,
  { socket, cookies }: SmokeRequest,
  prepared: HttpRequest,
  onAnswer: (answered: Answered) => void,
): Promise<Answered> {
  const request = cookies === 'none' ? prepared : run.jar.addTo(prepared);
  const keep = ({ response }: Answered) => {
    if (cookies !== 'none') run.jar.keep(request, response);
  };
  if (socket === undefined) {
    const [response, ms] = await tried(run, request, () => run.http.send(request));
    const answered = { response, ms };
    keep(answered);
    onAnswer(answered);
    return answered;
  }
  const [shaken, ms] = await tried(run, request, () => shakeHands(run.sockets, request));
  keep({ response: shaken.response, ms });
  onAnswer({ response: shaken.response, ms });
  return { response: await talk(socket, shaken, request), ms };
}

async function tried<T>(run: Run, request: HttpRequest, send: () => Promise<T>): Promise<readonly [T, number]> {
  for (let left = retries; ; left -= 1) {
    const startedAt = run.clock.now();
    try {
      const answer = await send();
      return [answer, run.clock.now() - startedAt];
    } catch (error) {
      const inTime = run.clock.now() - startedAt < 0.95 * request.timeoutMs; // timers may fire a little early
      const isConnection = error instanceof ProviderError && error.code === 'unreachable' && inTime;
      if (left === 0 || !isConnection || request.signal?.aborted === true) throw error;
      await run.clock.sleep(retryAfterMs, request.signal);
    }
  }
}
