/** After zero the watch goes on until the release is gone: whoever gives it traffic again sees it taken back at once. */

import { nameOf } from '../plan/release.ts';
import { formatBp } from '../plan/units.ts';
import type { WatchCheckpoint, WatchInput, WatchReport } from '../activities/contract.ts';
import type { Drift } from './drift.ts';
import { inSegments, watchInput } from './guard.ts';
import type { Run } from './run.ts';
import { toZero } from './zero.ts';

export interface Kept {
  /** Ends the watch; a zero that is under way is waited for. */
  stop(): Promise<void>;
}

/** Needs nothing but the target. What the watch before had found out about the release stays as it is in the state. */
export function keepAtZero(run: Run): Kept {
  let isOver = false;
  let checkpoint: WatchCheckpoint | null = null;
  let zeroing = Promise.resolve();
  const inputFor = (): WatchInput => ({ ...watchInput(run), goal: { kind: 'zero' }, clock: 'stopped', checkpoint });
  const onReport = async (report: WatchReport) => {
    checkpoint = report.checkpoint;
    if (isOver) return;
    if (report.kind === 'way-back') tellBlindness(run, report.sentence);
    if (report.kind !== 'drift') return;
    zeroing = takeBack(run, report);
    await zeroing;
  };
  void inSegments(run, () => !isOver, inputFor, onReport);
  return {
    async stop() {
      isOver = true;
      run.restartWatch();
      await zeroing;
    },
  };
}

async function takeBack(run: Run, { acceptedBp }: Drift): Promise<void> {
  const name = nameOf(run.plan.release);
  const found = `somebody gave ${name} ${formatBp(acceptedBp)} after it was taken to zero`;
  run.state.acceptedBp = acceptedBp;
  run.state.exposed = true;
  run.note('drift', found);
  void run.announce(
    'P0',
    `given-again-${String(run.state.fence)}`,
    `${run.plan.title}: ${found}`,
    'taken back at once',
  );
  await toZero(run, found, false);
}

function tellBlindness(run: Run, sentence: string): void {
  const name = nameOf(run.plan.release);
  const text = `nobody can see whether ${name} still has no traffic: ${sentence}`;
  run.note('warning', text);
  void run.announce('P1', `blind-${String(run.state.fence)}`, `${run.plan.title}: ${name} cannot be watched`, text);
}
