/** Drift: somebody else changed the weight. Below plan it stops and asks; above plan it is put back once, under watch. */

import { condition } from '@temporalio/workflow';
import { formatBp } from '../plan/units.ts';
import type { WatchReport } from '../activities/contract.ts';
import { fenceFound, sentenceOf } from './effects.ts';
import { evidenceTurnedWorse } from './gate.ts';
import { moving } from './proxies.ts';
import type { Run } from './run.ts';

export type Drift = Extract<WatchReport, { kind: 'drift' }>;

/** Below plan: stop and ask. Above plan: put back once, announced; a second time go back. */
export function onDrift(run: Run, reported: Drift): void {
  const drift = againstPlan(run, reported);
  if (drift === null) return;
  const found = foundOf(drift);
  run.state.acceptedBp = drift.acceptedBp;
  if (drift.acceptedBp > 0) run.state.exposed = true;
  run.note('drift', found);
  evidenceTurnedWorse(run, found);
  if (drift.direction === 'below') {
    const hold = { by: 'rule', since: Date.now(), until: null, then: 'keep holding', fence: null } as const;
    run.hold({ ...hold, kind: 'drift-below', reason: `${found}; ${wayOn(drift)}` });
    return;
  }
  if (run.state.putBack > 0) {
    run.turnBack({ kind: 'drift', sentence: `${found}, for the second time` });
    return;
  }
  run.state.putBack += 1;
  void run.announce('P1', 'drift', `${run.plan.title}: weight changed by somebody else`, `${found}; put back once`);
  run.puttingBack = putBack(run);
}

function foundOf({ acceptedBp, plannedBp, forgotten, outage }: Drift): string {
  if (outage === true) return `somebody left neither release any traffic where ${formatBp(plannedBp)} was planned`;
  const weights = `${formatBp(acceptedBp)} where ${formatBp(plannedBp)} was planned`;
  return forgotten === true ? `the target has forgotten this rollout and has ${weights}` : `somebody set ${weights}`;
}

/** What a person can do about less than planned. */
function wayOn({ forgotten, plannedBp }: Drift): string {
  if (forgotten !== true || plannedBp === 0) return "resume applies the plan's weight again";
  return 'was it restarted without its last state? Nothing may rise there any more: abort goes back to stable';
}

/** Without a claim the watch knows only what it was told when it began: what was written or asked for since counts. */
function againstPlan(run: Run, drift: Drift): Drift | null {
  const { plan, state } = run;
  // What the target has forgotten the watch may never have read there.
  if (drift.forgotten === true && !run.moving) return { ...drift, plannedBp: plannedBp(run) };
  if (plan.capabilities.unclaimed !== true) return drift;
  const { acceptedBp } = drift;
  const present = run.moving ? state.requestedBp : plannedBp(run);
  const planned = state.stepBackTo === null ? present : (plan.steps[state.stepBackTo]?.weightBp ?? 0);
  if (acceptedBp === planned) return null;
  return { ...drift, plannedBp: planned, direction: acceptedBp > planned ? 'above' : 'below' };
}

async function putBack(run: Run): Promise<void> {
  try {
    await applyPlannedWeight(run, 'put the planned weight back');
  } catch (error) {
    run.turnBack({ kind: 'failed', during: 'putting the planned weight back', sentence: sentenceOf(error) });
  }
}

/** Writes the present stage's weight again with a new fence; waits for an effect that is under way. */
export async function applyPlannedWeight(run: Run, why: string): Promise<void> {
  await condition(() => !run.moving);
  if (run.state.turn !== null) return;
  run.moving = true;
  const { plan } = run;
  const effect = run.effect();
  try {
    const canaryBp = plannedBp(run);
    const input = { ...effect, canaryBp, stage: run.state.stage };
    const shifted = await moving.shift.executeWithOptions({ summary: `${why}: ${formatBp(canaryBp)}` }, [input]);
    if (run.isTurning()) return;
    run.state.acceptedBp = shifted.acceptedBp;
    if (plan.capabilities.unclaimed === true) run.restartWatch(); // the same change by hand once more is another one
    const applied = `${why}: ${formatBp(shifted.acceptedBp)} accepted`;
    run.note('shifted', applied);
    evidenceTurnedWorse(run, applied); // what people said meanwhile was about the foreign weight
  } catch (error) {
    // A later effect of our own was faster: what it wrote is the plan now.
    if (fenceFound(error) === null || run.state.fence === effect.order.fence) throw error;
  } finally {
    run.moving = false;
  }
}

/** The weight of the stage that the target was brought to; a shift that has yet to come asks for another one. */
export function plannedBp({ plan, state }: Run): number {
  switch (state.stage.kind) {
    case 'step':
      return plan.steps[state.stage.index]?.weightBp ?? 0;
    case 'promoted':
      return 10_000;
    case 'deployed':
    case 'back':
      return 0;
  }
}
