/** A freeze: no weight rises, however clean, until somebody lifts it; going back is always allowed. */

import type { ControlReceipt } from '../plan/status.ts';
import { formatBp } from '../plan/units.ts';
import { parseControl } from './parse.ts';
import { raise } from './raise.ts';
import { giveReceipt } from './receipts.ts';
import type { Run } from './run.ts';

/** Lowers what may come, so it is obeyed whoever sends it. */
export function freeze(run: Run, raw: unknown): void {
  const who = parseControl(raw);
  const { frozen, requestedBp } = run.state;
  const useless = frozen === null ? run.isPausable() : `already frozen by ${frozen.by}`;
  if (useless !== null) return void giveReceipt(run, 'freeze', who, 'ignored', useless);
  run.state.frozen = { ...who, since: Date.now(), until: null, then: 'keep standing at the present weight' };
  run.note('frozen', `frozen by ${who.by}: ${who.reason}`);
  run.restartWatch();
  giveReceipt(run, 'freeze', who, 'confirmed', `nothing rises above ${formatBp(requestedBp)}; the bake clock stands`);
}

/** Never throws. */
export function lift(run: Run, raw: unknown): Promise<ControlReceipt> {
  return raise(run, raw, {
    message: 'lift',
    receipt: 'confirmed',
    blocked: () => (run.state.frozen === null ? 'nothing is frozen' : null),
    apply: (who) => {
      run.state.frozen = null;
      run.note('lifted', `freeze lifted by ${who.by}: ${who.reason}`);
      run.restartWatch();
      return 'going on';
    },
  });
}
