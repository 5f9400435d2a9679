/** Going on after a pause or a hold: what a person's `resume` does for each reason the rollout stands still. */

import type { ControlReceipt } from '../plan/status.ts';
import { applyPlannedWeight } from './drift.ts';
import { raise } from './raise.ts';
import { beginAgain, takeOver } from './returned.ts';
import type { Run } from './run.ts';
import type { Hold } from './state.ts';

/** Never throws. */
export function resume(run: Run, raw: unknown): Promise<ControlReceipt> {
  const isStanding = () => run.state.paused !== null || run.state.held !== null;
  return raise(run, raw, {
    message: 'resume',
    receipt: 'confirmed',
    blocked: () => (isStanding() ? null : 'nothing is paused or held'),
    apply: async (who) => {
      const { held } = run.state;
      if (held !== null) await release(run, held);
      run.state.paused = null;
      run.note('resumed', `resumed by ${who.by}: ${who.reason}`);
      run.restartWatch();
      return run.state.frozen === null ? 'going on' : 'going on as far as the freeze allows';
    },
  });
}

async function release(run: Run, held: Hold): Promise<void> {
  const { state } = run;
  switch (held.kind) {
    case 'bake':
      // A bake that did not become clean is baked anew, from its beginning.
      state.clockTo = 0;
      break;
    case 'drift-below':
      await applyPlannedWeight(run, "resumed: apply the plan's weight again");
      break;
    case 'fenced':
      state.fence = Math.max(state.fence, held.fence ?? 0);
      await takeOver(run);
      break;
    case 'returned':
      state.fence = Math.max(state.fence, held.fence ?? 0);
      await beginAgain(run);
      break;
    case 'way-back':
    case 'expired':
      break;
  }
  state.held = null;
}
