/** What `pause`, `abort` and `step-back` share: send, wait for the receipt, say what came of it. */

import type { ControlAnswer, ControlMessage } from '../../client/index.ts';
import { rolloutName } from '../../client/ids.ts';
import type { Context } from '../context.ts';
import type { Exit } from '../exit-codes.ts';
import { receiptText } from '../render/receipts.ts';

export async function sendControl(context: Context, rollout: string, message: ControlMessage): Promise<Exit> {
  const answer = await context.withSession((session, client) => client.control(session, rollout, message));
  await context.print(answer, () => renderAnswer(rollout, message, answer));
  return exitOf(answer);
}

function exitOf(answer: ControlAnswer): Exit {
  if (answer.kind === 'stored') return 'no-worker';
  return answer.receipt.state === 'ignored' ? 'ignored' : 'ok';
}

function renderAnswer(rollout: string, message: ControlMessage, answer: ControlAnswer): string {
  const name = rolloutName(rollout);
  if (answer.kind === 'receipt') {
    const later = answer.receipt.state === 'seen' ? `\nnot confirmed yet; follow it with: sluice watch ${name}` : '';
    return `${name}: ${receiptText(answer.receipt)}${later}`;
  }
  return `${name}: ${message.kind} is stored and takes effect as soon as a worker is there\n${answer.why}`;
}
