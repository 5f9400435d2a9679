/** What raising messages have in common: in time, of use, and from somebody whom the directory gives a role. */

import type { ControlReceipt } from '../plan/status.ts';
import { sentenceOf } from './effects.ts';
import type { ControlInput } from './messages.ts';
import { parseRaise } from './parse.ts';
import { proving } from './proxies.ts';
import { giveReceipt } from './receipts.ts';
import type { Run } from './run.ts';

export interface Raise {
  readonly message: 'resume' | 'lift' | 'supersede' | 'detach' | 'edit-plan';
  /** Why it would change nothing, or `null`; asked again when the sender is proven. */
  readonly blocked: () => string | null;
  /** `seen`: confirmed only when it has been read back, or has ended. */
  readonly receipt: 'seen' | 'confirmed';
  /** Does it, and says what came of it. */
  readonly apply: (who: ControlInput) => string | Promise<string>;
}

/** Never throws; what does not count is listed with its reason. */
export async function raise(
  run: Run,
  raw: unknown,
  { message, blocked, receipt, apply }: Raise,
): Promise<ControlReceipt> {
  const { validUntil, ...who } = parseRaise(raw);
  const refuse = (reason: string): ControlReceipt => {
    run.ignore(message, who.by, reason);
    return giveReceipt(run, message, who, 'ignored', reason);
  };
  if (validUntil !== null && Date.now() > validUntil) return refuse('came after its own time limit');
  const before = blocked();
  if (before !== null) return refuse(before);
  const stranger = await strangeness(run, message, who.by);
  if (stranger !== null) return refuse(stranger);
  if (validUntil !== null && Date.now() > validUntil)
    return refuse('its time limit passed while the sender was proven');
  const since = blocked();
  if (since !== null) return refuse(`${since}: somebody else was first`);
  try {
    return giveReceipt(run, message, who, receipt, await apply(who));
  } catch (error) {
    return refuse(sentenceOf(error));
  }
}

/** Why the sender may not raise exposure, or `null`. */
async function strangeness(run: Run, message: Raise['message'], by: string): Promise<string | null> {
  try {
    const summary = `who is ${by}? (${message})`;
    const proof = await proving.prove.executeWithOptions({ summary }, [by]);
    if (!proof.known) return `the directory does not know ${by}`;
    return proof.roles.length > 0 ? null : `${by} holds no role, and ${raises[message]}`;
  } catch (error) {
    return `the directory could not be asked: ${sentenceOf(error)}; send it again`;
  }
}

const raises: Readonly<Record<Raise['message'], string>> = {
  resume: 'resuming raises exposure in the end',
  lift: 'lifting a freeze raises exposure in the end',
  supersede: 'handing over ends the watch of this release',
  detach: 'letting go leaves traffic unwatched',
  'edit-plan': 'the plan decides about exposure',
};
