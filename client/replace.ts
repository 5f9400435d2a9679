/** Makes room for a newer rollout of the same service: the running one is told to hand over, and its end is waited for. */

import { setTimeout as delay } from 'node:timers/promises';
import type { ControlInput, RolloutResult } from '../workflows/messages.ts';
import { describe, resultOf, type Described } from './describe.ts';
import { ClientError } from './errors.ts';
import { raise } from './messages.ts';
import type { Session } from './session.ts';

/** `free`: nobody was there. `left`: how the one before ended; `null` when it ended without an outcome. */
export type Room = { readonly kind: 'free' } | { readonly kind: 'left'; readonly result: RolloutResult | null };

const lookMs = 300;

/** Takes as long as going back takes. Throws `ClientError` rejected (no role), timed-out, no-worker, unreachable, denied. */
export async function makeRoom(session: Session, rollout: string, input: ControlInput): Promise<Room> {
  if ((await find(session, rollout)) === null) return { kind: 'free' };
  try {
    const receipt = await raise(session, rollout, 'supersede', input);
    const now = receipt.state === 'ignored' ? await find(session, rollout) : null;
    // One that is going back already makes room without being told.
    if (now !== null && now.state !== 'rolling-back')
      throw new ClientError({ code: 'rejected', reason: receipt.detail });
  } catch (error) {
    if (!(error instanceof ClientError) || error.code !== 'finished') throw error;
  }
  while ((await find(session, rollout)) !== null) await delay(lookMs);
  return { kind: 'left', result: await resultOf(session, rollout) };
}

async function find(session: Session, rollout: string): Promise<Described | null> {
  try {
    const described = await describe(session, rollout);
    return described.open ? described : null;
  } catch (error) {
    if (error instanceof ClientError && error.code === 'not-found') return null;
    throw error;
  }
}
