/** Finds one run of a rollout among all that Temporal still has: people name it by the beginning of its id. */

import { describe, type Described } from './describe.ts';
import { ClientError } from './errors.ts';
import { rolloutName } from './ids.ts';
import { quoted } from './quoted.ts';
import { call, serverCallMs, type Session } from './session.ts';

/** The latest run, or the last of the chain in which one begins with `run`. Throws `ClientError` as `describe` does, and rejected. */
export async function describeRun(session: Session, rollout: string, run?: string): Promise<Described> {
  if (run === undefined) return describe(session, rollout);
  const found = await findRun(session, rollout, run);
  if (found === null) throw new ClientError({ code: 'not-found', what: `run ${run} of ${rolloutName(rollout)}` });
  return describe(session, rollout, found);
}

interface Known {
  readonly run: string;
  readonly startedAt: number;
  readonly goesOn: boolean;
}

/** Lags by up to a second, like everything that is searched for. */
async function findRun(session: Session, rollout: string, beginning: string): Promise<string | null> {
  const runs = await call(session, serverCallMs, () => runsOf(session, rollout));
  const ends = new Set(runs.flatMap(({ run }, index) => (run.startsWith(beginning) ? [endOf(runs, index)] : [])));
  if (ends.size > 1) {
    const reason = `${String(ends.size)} runs of ${rolloutName(rollout)} begin with ${beginning}: give more of the id, see sluice list`;
    throw new ClientError({ code: 'rejected', reason });
  }
  return [...ends][0] ?? null;
}

async function runsOf(session: Session, rollout: string): Promise<readonly Known[]> {
  const runs: Known[] = [];
  for await (const { runId, startTime, status } of session.client.workflow.list({
    query: `WorkflowId = ${quoted(rollout)}`,
  }))
    runs.push({ run: runId, startedAt: startTime.getTime(), goesOn: status.name === 'CONTINUED_AS_NEW' });
  return runs.sort((one, other) => one.startedAt - other.startedAt);
}

/** Runs of one id follow each other, so what continues a run is the next one. */
function endOf(runs: readonly Known[], index: number): string {
  const rest = runs.slice(index);
  const end = rest.find(({ goesOn }) => !goesOn) ?? rest.at(-1);
  return end?.run ?? '';
}
