/** What came of a message, in one line. */

import type { ControlReceipt, IgnoredMessage } from '../../plan/status.ts';
import { formatBp } from '../../plan/units.ts';
import { clean } from './clean.ts';

export function receiptText(receipt: ControlReceipt): string {
  const { message, by, state, fromBp, detail } = clean(receipt);
  return `${message} by ${by} at ${formatBp(fromBp)} ${state}${detail === '' ? '' : `: ${detail}`}`;
}

export function ignoredText(ignored: IgnoredMessage): string {
  const { message, by, reason } = clean(ignored);
  return `${message} by ${by} ignored: ${reason}`;
}
