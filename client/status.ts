/** Asks a rollout about itself, and falls back on the server's own knowledge when no worker answers. */

import { setTimeout as delay } from 'node:timers/promises';
import { QueryNotRegisteredError, QueryRejectedError, type QueryDefinition } from '@temporalio/client';
import type { Explanation, Status } from '../plan/status.ts';
import { askAgain, explainQuery, planQuery, statusQuery, type RunningPlan } from '../workflows/messages.ts';
import type { Described } from './describe.ts';
import { ClientError } from './errors.ts';
import { explainedAt } from './explanation.ts';
import { withHeartbeat } from './heartbeat.ts';
import { rolloutName } from './ids.ts';
import { needWorkerOf, noWorkerOf, type Served } from './pollers.ts';
import { describeRun } from './runs.ts';
import { call, grpcCode, grpcStatus, type Session } from './session.ts';

/** `described`: no worker answered, so this is what the Temporal server knows; `why` says what is wrong. */
export type StatusAnswer =
  | { readonly kind: 'live'; readonly status: Status; readonly described: Described }
  | { readonly kind: 'described'; readonly described: Described; readonly why: ClientError };

/** Time that workers have to answer a query, all tries together, ms: a busy one replays up to a few hundred events first. */
const queryMs = 6_000;
const firstTryMs = 2_500;
const betweenMs = 200;

/**
 * Status with the watch's latest numbers, of the latest run or of the one whose id begins with `run`. Throws `ClientError`
 * not-found, unreachable, denied.
 */
export async function readStatus(session: Session, rollout: string, run?: string): Promise<StatusAnswer> {
  const described = await describeRun(session, rollout, run);
  try {
    // A worker of an older version does not tell of freezes.
    const status = Object.assign({ frozen: null }, await ask(session, described, statusQuery));
    return { kind: 'live', status: withHeartbeat(status, described.watch, described.watchAt), described };
  } catch (error) {
    if (error instanceof ClientError && (error.code === 'no-worker' || error.code === 'rejected')) {
      return { kind: 'described', described, why: error };
    }
    throw error;
  }
}

/** Throws `ClientError` not-found, no-worker, rejected (stuck rollout), unreachable, denied. */
export async function explain(session: Session, rollout: string, run?: string): Promise<Explanation> {
  return explainedAt(await ask(session, await describeRun(session, rollout, run), explainQuery), Date.now());
}

/** The plan that it goes by now, whatever it was started with. Throws as `explain` does. */
export async function runningPlan(session: Session, rollout: string): Promise<RunningPlan> {
  return ask(session, await describeRun(session, rollout), planQuery);
}

/** Asks exactly the described run. Throws `ClientError` no-worker when nobody has answered after some tries. */
export async function ask<Answer>(
  session: Session,
  described: Pick<Described, 'rollout' | 'run' | 'taskQueue' | 'pinnedTo' | 'open'>,
  definition: QueryDefinition<Answer>,
): Promise<Answer> {
  const { rollout, run } = described;
  await needWorkerOf(session, described);
  const handle = session.client.workflow.getHandle(rollout, run);
  try {
    return await patiently((ms) =>
      call(session, ms, () => silentIsNoWorker(session, described, () => handle.query(definition))),
    );
  } catch (error) {
    if (error instanceof ClientError) throw error; // what stands behind it has been told from
    if (error instanceof QueryNotRegisteredError || error instanceof QueryRejectedError || isStuck(error)) {
      const reason = grpcStatus(error)?.detail ?? (error as Error).message;
      throw new ClientError({ code: 'rejected', reason: `${rolloutName(rollout)} cannot answer: ${reason}` }, error);
    }
    throw error;
  }
}

/** A query may have gone to a worker that was killed a moment ago: another one answers the next try. */
async function patiently<Answer>(ask: (ms: number) => Promise<Answer>): Promise<Answer> {
  const until = Date.now() + queryMs;
  for (let ms: number = firstTryMs; ; ms = until - Date.now()) {
    try {
      return await ask(ms);
    } catch (error) {
      const isAway = error instanceof ClientError && error.code === 'no-worker';
      if (!isAway || Date.now() + betweenMs >= until) throw error;
    }
    await delay(betweenMs);
  }
}

/** What a query fails with while its worker goes away: late, withdrawn, or queued behind one that nobody takes. */
const passing: readonly number[] = [
  grpcCode.cancelled,
  grpcCode.deadlineExceeded,
  grpcCode.resourceExhausted,
  grpcCode.aborted,
  grpcCode.internal,
];

async function silentIsNoWorker<T>(session: Session, served: Served, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (isPassing(error)) throw noWorkerOf(session, served, queryMs, error);
    throw error;
  }
}

function isPassing(error: unknown): boolean {
  if (error instanceof QueryNotRegisteredError && error.message.includes(askAgain)) return true;
  const status = grpcStatus(error);
  return passing.includes(status?.code ?? -1) || /no poller seen|has no pollers/.test(status?.detail ?? '');
}

const failedPrecondition = 9;
const unknown = 2;

/** `Workflow Task in failed state` and the like. */
function isStuck(error: unknown): boolean {
  const code = grpcStatus(error)?.code;
  return code === failedPrecondition || code === unknown;
}
