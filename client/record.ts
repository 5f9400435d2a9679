/** What is left of a rollout: its record. */

import type { RolloutRecord } from '../plan/record.ts';
import { recordQuery } from '../workflows/messages.ts';
import { describeRun } from './runs.ts';
import { ask } from './status.ts';
import type { Session } from './session.ts';

export interface FoundRecord {
  readonly record: RolloutRecord;
  /** Where it was found, in words. */
  readonly from: string;
}

/** Throws `ClientError` not-found, no-worker, rejected, unreachable, denied. */
export async function record(session: Session, rollout: string, run?: string): Promise<FoundRecord> {
  const described = await describeRun(session, rollout, run);
  return { record: await ask(session, described, recordQuery), from: 'the rollout itself' };
}
