/** What is left of a rollout: its record from the archive, where only the worker can look, or from the rollout itself. */

import type { ArchivedRow } from '../activities/contract.ts';
import { faultsOf, type RolloutRecord } from '../plan/record.ts';
import type { TimelineEvent } from '../plan/timeline.ts';
import { recordQuery, timelineQuery } from '../workflows/messages.ts';
import { ClientError } from './errors.ts';
import { inspect } from './inspect.ts';
import { describeRun } from './runs.ts';
import { ask, readStatus, type StatusAnswer } from './status.ts';
import type { Session } from './session.ts';

export interface FoundRecord {
  readonly record: RolloutRecord;
  /** Where it was found, in words. */
  readonly from: string;
  /** What does not fit together in it; empty for a whole one. */
  readonly faults: readonly string[];
}

/** An ended rollout's from the archive when it is there. Throws `ClientError` not-found, no-worker, rejected, unreachable, denied. */
export async function record(session: Session, rollout: string, run?: string): Promise<FoundRecord> {
  const described = await describeRun(session, rollout, run).catch(unlessForgotten);
  if (described instanceof ClientError) return fromArchive(session, rollout, run, described);
  if (!described.open) {
    const archived = await archivedRecord(session, rollout, described.chain).catch(unlessAway);
    if (typeof archived !== 'string') return archived;
  }
  const own = await ask(session, described, recordQuery);
  return { record: own, from: 'the rollout itself', faults: faultsOf(own) };
}

/** Oldest first; of a rollout that Temporal has forgotten, from the archive. Throws as `record` does. */
export async function timeline(session: Session, rollout: string, run?: string): Promise<readonly TimelineEvent[]> {
  try {
    return await ask(session, await describeRun(session, rollout, run), timelineQuery);
  } catch (error) {
    return whole(await fromArchive(session, rollout, run, unlessForgotten(error))).record.timeline;
  }
}

/** `archived`: Temporal has forgotten it. */
export type LastingAnswer = StatusAnswer | ({ readonly kind: 'archived' } & FoundRecord);

/** Throws as `record` does. */
export async function lastingStatus(session: Session, rollout: string, run?: string): Promise<LastingAnswer> {
  try {
    return await readStatus(session, rollout, run);
  } catch (error) {
    return { kind: 'archived', ...whole(await fromArchive(session, rollout, run, unlessForgotten(error))) };
  }
}

/** Newest first. Throws `ClientError` rejected when the archive cannot be read, no-worker, unreachable, denied. */
export async function archivedRows(
  session: Session,
  filter: {
    readonly environment?: string | undefined;
    readonly service?: string | undefined;
    readonly state?: string | undefined;
  },
  limit: number,
): Promise<{ readonly rows: readonly ArchivedRow[]; readonly complete: boolean }> {
  const { environment = null, service = null, state: outcome = null } = filter;
  const answer = await inspect<'records'>(session, { kind: 'records', environment, service, outcome, limit });
  if (answer.kind === 'problem') throw new ClientError({ code: 'rejected', reason: answer.message });
  return answer;
}

/** Nobody is shown a part of a record that was changed as if it were the truth. */
function whole(found: FoundRecord): FoundRecord {
  const [fault] = found.faults;
  if (fault === undefined) return found;
  const reason = `the record from ${found.from} is not whole: ${fault}; see it with sluice record`;
  throw new ClientError({ code: 'rejected', reason });
}

/** A record, or why there is none. */
async function archivedRecord(session: Session, rollout: string, run?: string): Promise<FoundRecord | string> {
  const [, environment = '', service = ''] = rollout.split('/');
  const answer = await inspect<'record'>(session, { kind: 'record', environment, service, run: run ?? null });
  if (answer.kind === 'problem') return answer.message;
  const { record: found, from } = answer;
  return found === null
    ? `nothing of it in the ${from}`
    : { record: found, from: `the ${from}`, faults: faultsOf(found) };
}

async function fromArchive(
  session: Session,
  rollout: string,
  run: string | undefined,
  error: ClientError,
): Promise<FoundRecord> {
  // Where nobody can look into the archive it is still true that Temporal does not know the rollout.
  const archived = await archivedRecord(session, rollout, run).catch(
    (away: unknown) => `nobody could look into the archive: ${unlessAway(away)}`,
  );
  if (typeof archived !== 'string') return archived;
  if (error.facts.code !== 'not-found') throw error;
  throw new ClientError({ code: 'not-found', what: `${error.facts.what} (${archived})` }, error);
}

/** What Temporal does not know any more the archive may. */
function unlessForgotten(error: unknown): ClientError {
  if (error instanceof ClientError && error.code === 'not-found' && !/namespace/.test(error.message)) return error;
  throw error;
}

function unlessAway(error: unknown): string {
  if (error instanceof ClientError) return error.message;
  throw error;
}
