/** A run that was reset: the target is further than it remembers, so it holds and asks, and repeats no old decision. */

import { formatBp } from '../plan/units.ts';
import { nameOf } from '../plan/release.ts';
import type { Returned, WatchReport } from '../activities/contract.ts';
import { applyPlannedWeight } from './drift.ts';
import type { Run } from './run.ts';
import type { Hold } from './state.ts';

/** Reset to its beginning: what its release still has is watched from here on, and only a person says how it goes on. */
export function holdReturned(run: Run, { stage, fence, plannedBp, canaryBp }: Returned): void {
  const { state } = run;
  Object.assign(state, { claimed: true, requestedBp: plannedBp, acceptedBp: canaryBp });
  if (canaryBp > 0 || stage.kind === 'step' || stage.kind === 'promoted') state.exposed = true;
  if (stage.kind === 'back') {
    run.turnBack({ kind: 'fenced', sentence: 'this run was reset while it went back: nothing rises any more' });
    return;
  }
  run.stand(stage);
  const left = `${nameOf(run.plan.release)} still has ${formatBp(canaryBp)} from before (fence ${String(fence)})`;
  hold(run, 'returned', fence, `this run was reset and begins again, but ${left}; resume takes it to 0 % first`);
}

/** Whether the target was brought further than this run remembers, by itself: it was reset to an earlier moment. */
export function isBehind(run: Run, { checkpoint }: WatchReport): boolean {
  return checkpoint.fence > run.state.fence && !run.moving && run.state.held === null && !run.isTurning();
}

export function holdBehind(run: Run, { checkpoint }: WatchReport): void {
  const { fence, observed } = checkpoint;
  const share = formatBp(observed.acceptedBp ?? observed.requestedBp);
  const found = `fence ${String(fence)} of ${run.rollout} stands there, this run has issued ${String(run.state.fence)}, its release has ${share}`;
  hold(run, 'fenced', fence, `the target is ahead of this rollout (${found}); resume takes it over`);
}

function hold(run: Run, kind: Hold['kind'], fence: number, what: string): void {
  const stop = { by: 'rule', since: Date.now(), until: null, then: 'keep holding' } as const;
  run.hold({ ...stop, kind, fence, reason: `${what}, abort goes back to stable` });
}

/** Resumed: from the beginning, at 0 %. */
export async function beginAgain(run: Run): Promise<void> {
  run.stand({ kind: 'deployed' });
  Object.assign(run.state, { step: -1, requestedBp: 0, bake: 'clean', checkpoint: null });
  await applyPlannedWeight(run, 'resumed: begin again');
}

/** Resumed: the target gets the weight of the stage that this run stands at, unless that would raise it. */
export async function takeOver(run: Run): Promise<void> {
  const { checkpoint, stage, requestedBp } = run.state;
  if (checkpoint === null || JSON.stringify(checkpoint.stage) === JSON.stringify(stage)) return;
  const presentBp = checkpoint.observed.acceptedBp ?? 0;
  if (presentBp < requestedBp) {
    const [has, planned] = [formatBp(presentBp), formatBp(requestedBp)];
    throw new Error(`the release has ${has} and this run stands at ${planned}: nothing rises by going on; abort it`);
  }
  await applyPlannedWeight(run, 'resumed: take the target over');
}
