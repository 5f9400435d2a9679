/** What `resume`, `lift` and `detach` share: ask, wait for the answer, say what came of it. */

import type { RaiseMessage } from '../../client/index.ts';
import { rolloutName } from '../../client/ids.ts';
import type { Context } from '../context.ts';
import type { Exit } from '../exit-codes.ts';
import { receiptText } from '../render/receipts.ts';

export interface RaiseOptions {
  readonly by: string;
  readonly reason: string;
  readonly updateId?: string | undefined;
}

export async function sendRaise(
  context: Context,
  rollout: string,
  message: RaiseMessage,
  { by, reason, updateId }: RaiseOptions,
): Promise<Exit> {
  const receipt = await context.withSession((session, client) =>
    client.raise(session, rollout, message, { by, reason }, { updateId }),
  );
  await context.print({ receipt }, () => `${rolloutName(rollout)}: ${receiptText(receipt)}`);
  return receipt.state === 'ignored' ? 'ignored' : 'ok';
}
