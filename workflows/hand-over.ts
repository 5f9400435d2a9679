/** Making room: for a newer rollout of the same service, or for a person who takes the weights into their own hands. */

import { ActivityFailure } from '@temporalio/common';
import { patched } from '@temporalio/workflow';
import type { Outcome } from '../plan/phases.ts';
import type { ControlReceipt, Stopped } from '../plan/status.ts';
import { nameOf } from '../plan/release.ts';
import { formatBp } from '../plan/units.ts';
import { sentenceOf } from './effects.ts';
import { stopWatch } from './guard.ts';
import type { ControlInput } from './messages.ts';
import { moving } from './proxies.ts';
import { raise } from './raise.ts';
import { confirmReceipts } from './receipts.ts';
import { goBack } from './revert.ts';
import type { Run } from './run.ts';

/**
 * A release that is being tried goes back; one that goes back already is not kept for a look; one that is promoted stays,
 * and its watch ends. Never throws.
 */
export function supersede(run: Run, raw: unknown): Promise<ControlReceipt> {
  return raise(run, raw, {
    message: 'supersede',
    receipt: 'seen',
    blocked: () => handedOver(run),
    apply: (who) => {
      if (run.state.turn !== null) {
        run.state.superseded = stopped(who, 'retire the release');
        run.note('superseded', `${who.by} asks for room: ${who.reason}`);
        return 'going back already; the release is not kept for a look';
      }
      if (run.state.stage.kind !== 'promoted') {
        run.turnBack({ kind: 'superseded', ...who });
        return 'going back to stable to make room';
      }
      run.state.superseded = stopped(who, 'complete');
      run.state.watched = true;
      run.note('superseded', `superseded by ${who.by}: ${who.reason}`);
      run.restartWatch();
      return `${nameOf(run.plan.release)} stays; its watch ends now`;
    },
  });
}

/** Never throws. */
export function detach(run: Run, raw: unknown): Promise<ControlReceipt> {
  return raise(run, raw, {
    message: 'detach',
    receipt: 'seen',
    blocked: () => ended(run),
    apply: (who) => {
      run.state.detached = stopped(who, 'leave the weights as they are');
      run.note('detached', `detached by ${who.by}: ${who.reason}`);
      return `letting go at ${formatBp(run.state.acceptedBp ?? run.state.requestedBp)}; nobody watches it from now on`;
    },
  });
}

/** What was under way is finished, then nothing is touched any more; a reason to go back that comes first still counts. */
export async function letGo(run: Run, interrupted: Promise<Outcome | null>): Promise<Outcome | 'full'> {
  await interrupted;
  await stopWatch(run);
  if (run.state.turn === null) await giveBack(run);
  if (run.state.turn !== null) return goBack(run, interrupted);
  confirmReceipts(run, `let go at ${formatBp(run.state.acceptedBp ?? run.state.requestedBp)}`);
  return 'detached';
}

/** What was held of stable for the way back, such as its autoscaler's floor; whoever let go is told when that fails. */
async function giveBack(run: Run): Promise<void> {
  const { plan, state } = run;
  if (!state.claimed || !plan.capabilities.scales || !patched('let-go')) return;
  const summary = 'give back what was held of stable';
  try {
    await moving.letGo.executeWithOptions({ summary }, [run.sameEffect()]);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    const text = `what was held of stable was not given back: ${sentenceOf(error)}; see to its autoscaler's floor by hand`;
    state.warnings = [...state.warnings, text];
    run.note('warning', text);
    void run.announce('P1', 'still-held', `${plan.title}: stable's size is still held`, text);
  }
}

function ended(run: Run): string | null {
  return run.state.turn === null ? handedOver(run) : 'the rollout is going back';
}

function handedOver({ state }: Run): string | null {
  if (state.outcome !== null) return `already ended: ${state.outcome}`;
  if (state.superseded !== null) return `already told to make room by ${state.superseded.by}`;
  return state.detached === null ? null : `already detached by ${state.detached.by}`;
}

function stopped({ by, reason }: ControlInput, then: string): Stopped {
  return { by, reason, since: Date.now(), until: null, then };
}
