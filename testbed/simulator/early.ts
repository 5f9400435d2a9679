/** In what order and how early the SDK hands news to the workflow: with its task, or already for somebody's query. */

import type { Command, Job, Moment, SandboxRun } from './sandbox.ts';

/** News that the workflow took in early, and what it did about it; the task adds what came since. */
export interface Early {
  readonly jobs: readonly Job[];
  readonly commands: readonly Command[];
}

/** `null` when the workflow refuses, as it must: then the run is dropped and the task begins from the history. */
export async function askEarly(
  run: SandboxRun,
  jobs: readonly Job[],
  now: Moment,
  lastTask: Moment,
): Promise<Early | null> {
  const activated = await run.activate(jobs, { ...lastTask, historyLength: now.historyLength - 2 });
  return activated.kind === 'failed' ? null : { jobs, commands: activated.commands };
}

/** As Core sorts: the beginning, then messages as they came, then everything else. */
export function sorted(jobs: readonly Job[]): Job[] {
  const rank = (job: Job): number => {
    if (job.initializeWorkflow) return 0;
    if (job.updateRandomSeed) return 1;
    return job.signalWorkflow || job.doUpdate ? 2 : 3;
  };
  return jobs.toSorted((a, b) => rank(a) - rank(b));
}
