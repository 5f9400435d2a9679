/** Follows one rollout until its end, through restarts of workers and of Temporal; what cannot be read is said, not thrown. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Explanation, Status } from '../plan/status.ts';
import type { TimelineEvent } from '../plan/timeline.ts';
import { explainQuery, timelineQuery } from '../workflows/messages.ts';
import type { Described } from './describe.ts';
import { ClientError } from './errors.ts';
import { explainedAt } from './explanation.ts';
import { ask, readStatus } from './status.ts';
import type { Session } from './session.ts';

/** One look at a rollout. */
export interface Look {
  /** Epoch ms of the looker. */
  readonly at: number;
  /** Last known, which may be older than `at` while `trouble` is set. */
  readonly status: Status | null;
  readonly explanation: Explanation | null;
  readonly timeline: readonly TimelineEvent[];
  readonly described: Described | null;
  /** Why this look brought nothing new: no worker, or Temporal away. */
  readonly trouble: string | null;
  /** Over: closed at the server. Nothing follows. */
  readonly ended: boolean;
}

export interface FollowOptions {
  /** Time between two looks, ms. @default 1000 */
  readonly everyMs?: number;
  readonly signal?: AbortSignal;
}

const nothing: Omit<Look, 'at'> = {
  status: null,
  explanation: null,
  timeline: [],
  described: null,
  trouble: null,
  ended: false,
};

/** Ends after the look with `ended`, or when `signal` is aborted. Throws `ClientError` only for what waiting cannot mend. */
export async function* follow(session: Session, rollout: string, options: FollowOptions = {}): AsyncGenerator<Look> {
  const { everyMs = 1_000, signal } = options;
  let look: Look = { at: Date.now(), ...nothing };
  while (signal?.aborted !== true) {
    look = await next(session, rollout, look);
    yield look;
    if (look.ended) return;
    await delay(everyMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

async function next(session: Session, rollout: string, last: Look): Promise<Look> {
  try {
    const answer = await readStatus(session, rollout);
    const { described } = answer;
    if (answer.kind === 'described') {
      return { ...last, at: Date.now(), described, trouble: answer.why.message, ended: !described.open };
    }
    const [explanation, timeline] = await Promise.all([
      ask(session, described, explainQuery),
      ask(session, described, timelineQuery),
    ]);
    const { status } = answer;
    const at = Date.now();
    return {
      at,
      status,
      explanation: explainedAt(explanation, at),
      timeline,
      described,
      trouble: null,
      ended: !described.open,
    };
  } catch (error) {
    if (!(error instanceof ClientError) || !isPassing(error)) throw error;
    return { ...last, at: Date.now(), trouble: error.message };
  }
}

function isPassing(error: ClientError): boolean {
  return ['unreachable', 'no-worker', 'rejected', 'timed-out'].includes(error.code);
}
