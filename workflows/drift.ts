/** Drift: somebody else changed the weight. Below plan it stops and asks; above plan it is put back once. */

import { condition } from '@temporalio/workflow';
import { formatBp } from '../plan/units.ts';
import type { WatchReport } from '../activities/contract.ts';
import { sentenceOf } from './effects.ts';
import { evidenceTurnedWorse } from './gate.ts';
import { moving } from './proxies.ts';
import type { Run } from './run.ts';

/** Below plan: stop and ask. Above plan: put back once, announced; a second time go back. */
export async function onDrift(run: Run, drift: Extract<WatchReport, { kind: 'drift' }>): Promise<void> {
  const found = `somebody set ${formatBp(drift.acceptedBp)} where ${formatBp(drift.plannedBp)} was planned`;
  run.state.acceptedBp = drift.acceptedBp;
  run.note('drift', found);
  evidenceTurnedWorse(run, found);
  if (drift.direction === 'below') {
    const hold = { by: 'rule', since: Date.now(), until: null, then: 'keep holding', fence: null } as const;
    run.hold({ ...hold, kind: 'drift-below', reason: `${found}; resume applies the plan's weight again` });
    return;
  }
  if (run.state.putBack > 0) {
    run.turnBack({ kind: 'drift', sentence: `${found}, for the second time` });
    return;
  }
  run.state.putBack += 1;
  void run.announce('P1', 'drift', `${run.plan.title}: weight changed by somebody else`, `${found}; put back once`);
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
  try {
    const { stage, requestedBp } = run.state;
    const input = { ...run.effect(), canaryBp: requestedBp, stage };
    const shifted = await moving.shift.executeWithOptions({ summary: `${why}: ${formatBp(requestedBp)}` }, [input]);
    run.state.acceptedBp = shifted.acceptedBp;
    const applied = `${why}: ${formatBp(shifted.acceptedBp)} accepted`;
    run.note('shifted', applied);
    evidenceTurnedWorse(run, applied); // what people said meanwhile was about the foreign weight
  } finally {
    run.moving = false;
  }
}
