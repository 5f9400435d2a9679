/** Zero: the first act of going back, repeated whenever the release is found with traffic afterwards. */

import { sleep } from '@temporalio/workflow';
import { nameOf } from '../plan/release.ts';
import { formatBp, formatDuration, formatElapsed } from '../plan/units.ts';
import { reverting } from './proxies.ts';
import { confirmReceipts } from './receipts.ts';
import type { Run } from './run.ts';

const late = 'zero came late: going back took';

/** Steps 1 to 3 of going back, in one activity: fence, read, all traffic to stable, read back. */
export async function toZero(run: Run, reason: string, mayBeGone: boolean): Promise<'zero' | 'not-ours'> {
  const { state, plan } = run;
  const summary = `all traffic back to ${state.stable?.label ?? 'stable'}: ${reason}`.slice(0, 180);
  const zeroed = await reverting.zero.executeWithOptions({ summary }, [
    { ...run.effect(), reason, mayBeGone, withinMs: plan.rollback.withinMs },
  ]);
  state.fence = Math.max(state.fence, zeroed.fence);
  state.requestedBp = 0;
  state.acceptedBp = 0;
  run.stand({ kind: 'back' });
  confirmReceipts(run, `zero confirmed, down from ${formatBp(zeroed.fromBp)}${lateCalls(run)}`);
  run.note(
    'zero',
    zeroed.kind === 'zero'
      ? `${nameOf(plan.release)} receives no traffic any more (had ${formatBp(zeroed.fromBp)}), ${took(run)} after the decision`
      : `another rollout holds the target; ${nameOf(plan.release)} has no share there`,
  );
  return zeroed.kind;
}

/** From the decision until now; in the result for good when it was longer than the spec wants. */
function took({ plan, state }: Run): string {
  const tookMs = Date.now() - state.phaseSince;
  const { withinMs } = plan.rollback;
  const isTold = state.warnings.some((text) => text.startsWith(late));
  if (tookMs > withinMs && !isTold) {
    const text = `${late} ${formatElapsed(tookMs)}, longer than the ${formatDuration(withinMs)} of rollback.within`;
    state.warnings = [...state.warnings, text];
  }
  return formatElapsed(tookMs);
}

/**
 * I4 for a target that cannot refuse: when its last call can have no effect any more, zero is asserted again and read back.
 * To be called when no effect of the way forward is under way any more.
 */
export async function outlastLateCalls(run: Run): Promise<'zero' | 'not-ours'> {
  const { settlesMs } = run.plan.capabilities;
  if (settlesMs === undefined || !run.state.exposed) return 'zero';
  const summary = 'the target cannot refuse late calls: waiting until they have had their effect';
  await sleep(settlesMs, { summary });
  return toZero(run, 'asserted again, late calls included', false);
}

function lateCalls({ plan, state }: Run): string {
  const { settlesMs } = plan.capabilities;
  if (settlesMs === undefined || !state.exposed) return '';
  return `; the target cannot refuse a late call: asserted again after ${formatDuration(settlesMs)}`;
}
