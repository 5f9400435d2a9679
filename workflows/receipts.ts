/** Receipts: proof to the sender of a lowering message that it was seen, and what came of it. */

import type { ControlReceipt } from '../plan/status.ts';
import { show } from './show.ts';
import type { Run } from './run.ts';

const kept = 50;

export function giveReceipt(
  run: Run,
  message: ControlReceipt['message'],
  who: { readonly by: string; readonly reason: string },
  state: ControlReceipt['state'],
  detail: string,
): ControlReceipt {
  const fromBp = run.state.acceptedBp ?? run.state.requestedBp;
  const { by, reason } = who;
  const receipt: ControlReceipt = {
    id: run.state.nextReceipt,
    message,
    by,
    reason,
    at: Date.now(),
    fromBp,
    state,
    detail,
  };
  run.state.nextReceipt += 1;
  run.state.receipts = bounded([...run.state.receipts, receipt]);
  show(run);
  return receipt;
}

/** However many messages come to nothing, the receipts of those that did something stay as long as there is room. */
function bounded(receipts: ControlReceipt[]): ControlReceipt[] {
  if (receipts.length <= kept) return receipts;
  const useless = receipts.findIndex(({ state }) => state === 'ignored');
  return receipts.filter((_, index) => index !== Math.max(0, useless));
}

/** The end of one that takes its own time. */
export function confirmReceipt(run: Run, id: number, state: ControlReceipt['state'], detail: string): void {
  run.state.receipts = run.state.receipts.map((receipt) =>
    receipt.id === id ? { ...receipt, state, detail } : receipt,
  );
  show(run);
}

/** What was seen has now been read back at the target. */
export function confirmReceipts(run: Run, detail: string): void {
  run.state.receipts = run.state.receipts.map((receipt) =>
    receipt.state === 'seen' && receipt.message !== 'flip' ? { ...receipt, state: 'confirmed', detail } : receipt,
  );
}
