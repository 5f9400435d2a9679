/** What every effect has in common: heartbeats while it runs, its result counted, provider errors as typed failures. */

import { Context, activityInfo, heartbeat } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { ProviderError } from '../providers/errors.ts';
import type { Ports } from './ports.ts';
import { attemptSignal } from './signal.ts';

const tickMs = 1_000;

/** Wraps the body of an activity; `doing` is shown as heartbeat details while it is under way. */
export function verb<Input, Answer>(
  ports: Ports,
  name: string,
  doing: (input: Input) => string,
  body: (input: Input, signal: AbortSignal) => Promise<Answer>,
): (input: Input) => Promise<Answer> {
  return async (input) => {
    const { workflowExecution, attempt } = activityInfo();
    const rollout = workflowExecution?.workflowId ?? 'unknown';
    const startedAt = ports.clock.now();
    const count = (result: Parameters<Ports['observer']['effect']>[2]) =>
      ports.observer.effect(name, rollout, result, ports.clock.now() - startedAt, attempt);
    try {
      const answer = await beating(ports, doing(input), (signal) => body(input, signal));
      count('done');
      return answer;
    } catch (error) {
      count(error instanceof ProviderError ? error.code : 'failed');
      throw failureOf(error);
    }
  };
}

/** A heartbeat every second, so that a dead worker is noticed and a cancellation heard. */
async function beating<Answer>(
  ports: Ports,
  summary: string,
  body: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const over = new AbortController();
  const context = Context.current();
  const tick = async () => {
    while (!over.signal.aborted) {
      context.heartbeat({ summary });
      await ports.clock.sleep(tickMs, over.signal);
    }
  };
  heartbeat({ summary });
  const ticking = tick().catch((error: unknown) => {
    if (!over.signal.aborted) throw error;
  });
  try {
    return await body(attemptSignal());
  } finally {
    over.abort(new Error('done'));
    await ticking;
  }
}

/** The union of provider errors as failure types that retry policies and the workflow know by name. */
export function failureOf(error: unknown): unknown {
  if (!(error instanceof ProviderError)) return error;
  return ApplicationFailure.create({
    message: error.message,
    type: error.code,
    details: [{ fence: error.fence }],
    ...(error.retryAfterMs === null ? {} : { nextRetryDelay: error.retryAfterMs }),
    cause: error,
  });
}
