/** Going on in a new run when the history is full: nothing is lost on the way, and nobody is left unwatched meanwhile. */

import { allHandlersFinished, condition, makeContinueAsNewFunc, patched, workflowInfo } from '@temporalio/workflow';
import { stopWatch } from './guard.ts';
import type { RolloutInput } from './messages.ts';
import type { rollout } from './rollout.ts';
import type { Run } from './run.ts';
import { startWatch } from './steps.ts';

/** Messages that came while the watch was being stopped are given so long without one, ms. */
const unwatchedMs = 10_000;

/** Goes on in a new run with the same state; a message that came in between is handled first. */
export async function handOver(run: Run, input: RolloutInput, told: Promise<unknown>): Promise<void> {
  const isQuiet = told.then(() => settle(run));
  // A watch ends when it hears of it, seconds later: going back does not wait for that.
  await Promise.race([isQuiet, condition(() => run.state.turn !== null)]);
  if (!run.isTurning()) await goOnAsNew(run, input);
}

export async function goOnAsNew(run: Run, input: RolloutInput): Promise<never> {
  await condition(allHandlersFinished);
  const { memo } = workflowInfo(); // as it was changed here, not as it was at the start
  const goOn = makeContinueAsNewFunc<typeof rollout>(memo === undefined ? {} : { memo });
  return goOn({ ...input, plan: run.plan, planDigest: run.planDigest, carried: run.state });
}

/** A message that was accepted, or the planned weight on its way back, can be under way for minutes. */
export function isSettled(run: Run): boolean {
  return (allHandlersFinished() && !run.moving) || !patched('settled');
}

/** Until nothing is under way any more, the watch included; it ends last. */
async function settle(run: Run): Promise<void> {
  const isWatched = run.watch !== null;
  for (;;) {
    if (!isSettled(run)) await condition(() => isSettled(run) || run.isTurning());
    if (run.isTurning() && patched('settled')) return;
    await stopWatch(run);
    if (allHandlersFinished()) return;
    if (!patched('settled')) return condition(allHandlersFinished);
    if (await condition(allHandlersFinished, unwatchedMs, { summary: 'messages before the next run' })) return;
    if (isWatched) startWatch(run);
  }
}
