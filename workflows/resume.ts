/** Going on after a pause or a hold: what a person's `resume` does for each reason the rollout stands still. */

import type { ControlReceipt } from '../plan/status.ts';
import { applyPlannedWeight } from './drift.ts';
import { sentenceOf } from './effects.ts';
import { parseResume } from './parse.ts';
import { proving } from './proxies.ts';
import { giveReceipt } from './receipts.ts';
import type { Run } from './run.ts';
import type { Hold } from './state.ts';

/** Raises exposure in the end, so the sender must be somebody the directory knows. Never throws. */
export async function resume(run: Run, raw: unknown): Promise<ControlReceipt> {
  const { validUntil, ...who } = parseResume(raw);
  const refuse = (reason: string): ControlReceipt => {
    run.ignore('resume', who.by, reason);
    return giveReceipt(run, 'resume', who, 'ignored', reason);
  };
  if (validUntil !== null && Date.now() > validUntil) return refuse('came after its own time limit');
  if (run.state.paused === null && run.state.held === null) return refuse('nothing is paused or held');
  try {
    const proof = await proving.prove.executeWithOptions({ summary: `who is ${who.by}? (resume)` }, [who.by]);
    if (!proof.known) return refuse(`the directory does not know ${who.by}`);
    if (proof.roles.length === 0) return refuse(`${who.by} holds no role, and resuming raises exposure in the end`);
  } catch (error) {
    return refuse(`the directory could not be asked: ${sentenceOf(error)}; send it again`);
  }
  const { paused, held } = run.state;
  if (paused === null && held === null) return refuse('somebody else resumed first');
  try {
    if (held !== null) await release(run, held);
  } catch (error) {
    return refuse(`the planned weight could not be applied: ${sentenceOf(error)}`);
  }
  run.state.paused = null;
  run.note('resumed', `resumed by ${who.by}: ${who.reason}`);
  run.restartWatch();
  return giveReceipt(run, 'resume', who, 'confirmed', 'going on');
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
      break;
    case 'way-back':
    case 'expired':
      break;
  }
  state.held = null;
}
