/** Stepping back: down to an earlier weight at once, and everything above it is asked and baked again. */

import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import { closeRequest } from '../approvals/request-life.ts';
import type { Stage } from '../plan/target.ts';
import { formatBp } from '../plan/units.ts';
import { holdIfFenced } from './effects.ts';
import { evidenceTurnedWorse } from './gate.ts';
import { isSettled } from './next-run.ts';
import { confirmReceipts } from './receipts.ts';
import { reverting, untilFenced } from './proxies.ts';
import type { Run } from './run.ts';

/**
 * `interrupted` is the part of the story that was under way: awaited only after the lower weight was asked for. `full`: the
 * history is, so the next run asks for it again.
 */
export async function stepBack(run: Run, interrupted: Promise<unknown>): Promise<'done' | 'full'> {
  const to = run.state.stepBackTo ?? -1;
  run.begins();
  const lowering = new CancellationScope({ cancellable: true });
  const lowered = lowering
    .run(() => lower(run, to))
    .catch((error: unknown) => {
      if (isCancellation(error) || run.state.turn !== null) return;
      run.state.stepBackTo = null;
      if (!holdIfFenced(run, error)) throw error;
    });
  const done = Promise.all([lowered, interrupted]).then(() => 'done' as const);
  const left = condition(() => run.state.turn !== null || (run.isFull() && isSettled(run))).then(() => 'left' as const);
  const end = await Promise.race([done, left]);
  if (end === 'left') lowering.cancel();
  await done;
  const { turn, step, stepBackTo } = run.state;
  if (end === 'left' && turn === null && stepBackTo !== null && step !== to) return 'full';
  run.state.stepBackTo = null;
  return 'done';
}

async function lower(run: Run, to: number): Promise<void> {
  const { state, plan } = run;
  const canaryBp = plan.steps[to]?.weightBp ?? 0;
  const stage: Stage = to < 0 ? { kind: 'deployed' } : { kind: 'step', index: to };
  const summary = `step back to ${formatBp(canaryBp)}`;
  const shifted = await reverting.shift.executeWithOptions({ summary, retry: untilFenced }, [
    { ...run.effect(), canaryBp, stage },
  ]);
  run.stand(stage);
  Object.assign(state, { step: to, requestedBp: canaryBp, acceptedBp: shifted.acceptedBp });
  state.bake = to < 0 ? 'clean' : 'baking';
  forgetAbove(run, to);
  evidenceTurnedWorse(run, `stepped back to ${formatBp(shifted.acceptedBp)}`);
  confirmReceipts(run, `${formatBp(shifted.acceptedBp)} read back`);
  run.note('stepped-back', `stepped back to ${formatBp(shifted.acceptedBp)}; gates above it ask again`);
}

/** Everything above the step, and the step's own bake, is ahead of us again. */
function forgetAbove(run: Run, to: number): void {
  const { state, plan } = run;
  const above = new Set(
    plan.gates
      .filter(({ point }) => point.kind === 'promote' || (point.kind === 'step' && point.index > to))
      .map((gate) => gate.id),
  );
  state.requests = state.requests.map((request) => (above.has(request.gate.id) ? closeRequest(request) : request));
  state.done = state.done.filter((key) => !isAhead(key, to));
}

/** Parts of the story after the write that stepped back: `bake:2`, `gates:promote`. */
function isAhead(key: string, to: number): boolean {
  const [part = '', where = ''] = key.split(':');
  if (where === '' || where === 'start') return false;
  if (where === 'promote') return true;
  const index = Number(where);
  return index > to || (index === to && ['confirm', 'smoke', 'bake'].includes(part));
}
