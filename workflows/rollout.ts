/** The story of one rollout, and how it is interrupted. */

import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import { ActivityFailure } from '@temporalio/common';
import type { Outcome } from '../plan/phases.ts';
import { begin } from './begin.ts';
import { sentenceOf } from './effects.ts';
import { gates } from './gate.ts';
import { stopWatch } from './guard.ts';
import { registerHandlers } from './handlers.ts';
import { finish } from './finish.ts';
import { letGo } from './hand-over.ts';
import type { RolloutInput, RolloutResult } from './messages.ts';
import { goOnAsNew, handOver } from './next-run.ts';
import { confirmReceipts } from './receipts.ts';
import { goBack } from './revert.ts';
import type { Run } from './run.ts';
import { stepBack } from './step-back.ts';
import {
  bake,
  capacity,
  confirm,
  deploy,
  prepare,
  promote,
  retire,
  shift,
  smoke,
  startWatch,
  watchOn,
} from './steps.ts';

/** What a release manager starts: ends with an outcome, whatever happens on the way. */
export async function rollout(input: RolloutInput): Promise<RolloutResult> {
  const run = begin(input);
  registerHandlers(run);
  return CancellationScope.nonCancellable(async () => {
    for (;;) {
      const forward = new CancellationScope({ cancellable: true });
      let isTold = false as boolean;
      const told = forward
        .run(() => story(run))
        .catch((error: unknown) => onFailure(run, error))
        .finally(() => (isTold = true));
      // What interrupts may be over before it is heard: a history that was full while the story waited, and it goes on.
      do await Promise.race([told, condition(() => isInterrupted(run))]);
      while (!isTold && !isInterrupted(run));
      if (!isInterrupted(run)) return finish(run, (await told) ?? 'aborted');
      forward.cancel();
      if (run.state.turn !== null) {
        const end = await goBack(run, told);
        return end === 'full' ? await goOnAsNew(run, input) : await finish(run, end);
      }
      if (run.state.detached !== null) {
        const end = await letGo(run, told);
        return end === 'full' ? await goOnAsNew(run, input) : await finish(run, end);
      }
      if (run.state.stepBackTo !== null) {
        if ((await stepBack(run, told)) === 'done') continue; // the story is told on from there
        await stopWatch(run);
        return goOnAsNew(run, input);
      }
      if (run.isEdited) await standAnew(run, told);
      else await handOver(run, input, told);
    }
  });
}

function isInterrupted(run: Run): boolean {
  return run.isTurning() || run.isEdited || run.isFull();
}

/** The way forward, told once from the top; what is already behind a continued or stepped-back run is passed over. */
async function story(run: Run): Promise<Outcome> {
  const { plan, state } = run;
  if (state.done.includes('deploy')) startWatch(run);
  await run.once('prepare', () => prepare(run));
  if (state.problems.length > 0) return 'refused';
  await run.once('gates:start', () => gates(run, { kind: 'start' }));
  await run.once('deploy', () => deploy(run));
  for (const [index, step] of plan.steps.entries()) {
    const key = String(index);
    await run.once(`gates:${key}`, () => gates(run, { kind: 'step', index }));
    await run.once(`capacity:${key}`, () => capacity(run, index, step));
    await run.once(`shift:${key}`, () => shift(run, index, step));
    await run.once(`confirm:${key}`, () => confirm(run, index, step));
    await run.once(`smoke:${key}`, () => smoke(run, step.smoke));
    await run.once(`bake:${key}`, () => bake(run));
  }
  await run.once('gates:promote', () => gates(run, { kind: 'promote' }));
  await run.once('promote', () => promote(run));
  await run.once('watch', () => watchOn(run));
  await run.once('retire', () => retire(run));
  if (run.state.superseded === null) return 'completed';
  confirmReceipts(run, 'has made room');
  return 'superseded';
}

/** A part of the way forward failed: the rollout goes back. Anything else is a defect, and the task is tried again. */
function onFailure(run: Run, error: unknown): null {
  if (isCancellation(error)) return null;
  if (!(error instanceof ActivityFailure)) throw error;
  run.turnBack({ kind: 'failed', during: run.state.phase, sentence: sentenceOf(error) });
  return null;
}

/** The plan was edited: what was told by the one before ends, and the story is told again by the plan of now. */
async function standAnew(run: Run, told: Promise<unknown>): Promise<void> {
  await told;
  run.isEdited = false;
}
