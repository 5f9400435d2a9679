/** How a run ends: the outcome is shown, told, kept and returned, and every message has had its answer. */

import { allHandlersFinished, condition, proxySinks } from '@temporalio/workflow';
import type { Outcome } from '../plan/phases.ts';
import type { RolloutResult } from './messages.ts';
import { isFlipping } from './flip.ts';
import { show } from './show.ts';
import type { ObserverSinks } from './sinks.ts';
import { keepRecord } from './record.ts';
import type { Run } from './run.ts';
import { outcomeReason } from './status.ts';

const { observer } = proxySinks<ObserverSinks>();

export async function finish(run: Run, outcome: Outcome): Promise<RolloutResult> {
  const { state } = run;
  state.outcome = outcome;
  state.phaseSince = Date.now();
  const reason = outcomeReason(state);
  closeReceipts(run, outcome);
  run.note(`outcome:${outcome}`, reason === null ? outcome : `${outcome}: ${reason}`);
  observer.ended({ outcome, tookMs: Date.now() - state.startedAt });
  run.restartWatch();
  await run.announce(outcome === 'completed' ? 'P2' : 'P1', 'outcome', `${run.plan.title}: ${outcome}`, reason ?? '');
  await condition(() => !isFlipping(run));
  await condition(allHandlersFinished);
  await keepRecord(run);
  await condition(allHandlersFinished);
  return { outcome, reason };
}

/** A message that came when everything was already decided is told so. */
function closeReceipts(run: Run, outcome: Outcome): void {
  run.state.receipts = run.state.receipts.map((receipt) =>
    receipt.state === 'seen' && receipt.message !== 'flip'
      ? { ...receipt, state: 'ignored', detail: `came too late: ${outcome}` }
      : receipt,
  );
  show(run);
}
