/** What is kept of a message that changed nothing: at most 1 KB, whatever was sent. */

import { utf8ToBytes } from '@noble/hashes/utils.js';
import type { IgnoredMessage } from '../plan/status.ts';

/** Of each text, bytes as JSON; with the names of the fields the sum stays below 1 KB. */
const most = { message: 130, by: 130, reason: 650 } as const;

export function ignoredMessage({ at, message, by, reason }: IgnoredMessage): IgnoredMessage {
  return { at, message: kept(message, most.message), by: kept(by, most.by), reason: kept(reason, most.reason) };
}

function kept(text: string, bytes: number): string {
  let cut = text.slice(0, bytes);
  while (utf8ToBytes(JSON.stringify(cut)).length - 2 > bytes) cut = cut.slice(0, Math.floor(0.9 * cut.length));
  return cut;
}
