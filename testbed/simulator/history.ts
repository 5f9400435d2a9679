/** The recorded past of a run: how long the server would say it is, and what a replay must do again. */

import { bytesOf, lineOf, refusedIn } from './commands.ts';
import type { Command, Job, Moment, SandboxRun } from './sandbox.ts';

/** One activation that was committed, or is about to be. */
export interface Recorded {
  readonly jobs: readonly Job[];
  readonly moment: Moment;
  /** In bytes that compare. */
  readonly commands: readonly string[];
  readonly patches: readonly string[];
}

export function recordOf(jobs: readonly Job[], moment: Moment, commands: readonly Command[]): Recorded {
  const refused = refusedIn(jobs, commands);
  const isRefusal = ({ updateResponse }: Command) => refused.has(updateResponse?.protocolInstanceId ?? '');
  return {
    jobs,
    moment,
    commands: commands.filter((command) => !isRefusal(command)).map(bytesOf),
    patches: commands.flatMap(({ setPatchMarker }) => setPatchMarker?.patchId ?? []),
  };
}

/** A rejected update leaves nothing in the history, and an activation that held nothing else neither. */
export function withoutRejected(records: readonly Recorded[], commands: readonly Command[]): Recorded[] {
  const refused = refusedIn(
    records.flatMap(({ jobs }) => jobs),
    commands,
  );
  return records
    .map((record) => ({
      ...record,
      jobs: record.jobs.filter(({ doUpdate }) => !refused.has(doUpdate?.protocolInstanceId ?? '')),
    }))
    .filter(({ jobs }) => jobs.length > 0);
}

/** Lives through everything recorded; throws when the workflow does anything else than before. */
export async function replay(run: SandboxRun, past: readonly Recorded[]): Promise<void> {
  for (const [index, { jobs, moment, commands, patches }] of past.entries()) {
    const known = [...patches.map((patchId) => ({ notifyHasPatch: { patchId } })), ...jobs.map(asReplayed)];
    const activated = await run.activate(known, { ...moment, isReplaying: true });
    if (activated.kind === 'failed') throw new Error(`replay fails at ${String(index)}: ${activated.why}`);
    const again = activated.commands.map(bytesOf);
    if (again.length === commands.length && again.every((command, at) => command === commands[at])) continue;
    const got = activated.commands.map(lineOf).join(' ');
    throw new Error(`replay differs at ${String(index)}: ${String(commands.length)} commands recorded, got ${got}`);
  }
}

function asReplayed(job: Job): Job {
  return job.doUpdate ? { doUpdate: { ...job.doUpdate, runValidator: false } } : job;
}
