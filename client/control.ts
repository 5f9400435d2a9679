/** Sends what lowers or stops: a Signal, stored at once even with no worker up, then its receipt is looked for. */

import { setTimeout as delay } from 'node:timers/promises';
import type { SignalDefinition } from '@temporalio/client';
import type { ControlReceipt, Status } from '../plan/status.ts';
import {
  abortSignal,
  flipSignal,
  freezeSignal,
  pauseSignal,
  statusQuery,
  stepBackSignal,
  type ControlInput,
  type FlipInput,
  type StepBackInput,
} from '../workflows/messages.ts';
import { describe, type Described } from './describe.ts';
import { ClientError } from './errors.ts';
import { finished } from './finished.ts';
import { ask } from './status.ts';
import { call, serverCallMs, type Session } from './session.ts';

export type ControlMessage =
  | { readonly kind: 'pause'; readonly input: ControlInput }
  | { readonly kind: 'freeze'; readonly input: ControlInput }
  | { readonly kind: 'abort'; readonly input: ControlInput }
  | { readonly kind: 'step-back'; readonly input: StepBackInput }
  | { readonly kind: 'flip'; readonly input: FlipInput };

/** In every case the message is stored and will be obeyed. */
export type ControlAnswer =
  /** `confirmed`: in effect and read back; `ignored`: changes nothing, and why. */
  | { readonly kind: 'receipt'; readonly receipt: ControlReceipt; readonly status: Status }
  /** No worker has seen it yet; `why` says what is known about workers. */
  | { readonly kind: 'stored'; readonly why: string };

export interface ControlOptions {
  /** How long to look for the receipt to be confirmed, ms. @default 15000 */
  readonly waitMs?: number;
}

const pollMs = 200;
const beforeMs = 300;

/** Throws `ClientError` not-found, finished, unreachable, denied. */
export async function control(
  session: Session,
  rollout: string,
  message: ControlMessage,
  { waitMs = 15_000 }: ControlOptions = {},
): Promise<ControlAnswer> {
  const described = await describe(session, rollout);
  if (!described.open) throw finished(described);
  const seenBefore = await lastReceipt(session, described);
  const handle = session.client.workflow.getHandle(rollout);
  try {
    await call(session, serverCallMs, () => handle.signal(signalOf(message), message.input));
  } catch (error) {
    throw await endedMeanwhile(session, rollout, error);
  }
  return receiptOf(session, described, message, seenBefore, Date.now() + waitMs);
}

function signalOf(message: ControlMessage): SignalDefinition<[unknown]> {
  switch (message.kind) {
    case 'pause':
      return pauseSignal;
    case 'freeze':
      return freezeSignal;
    case 'abort':
      return abortSignal;
    case 'step-back':
      return stepBackSignal;
    case 'flip':
      return flipSignal;
  }
}

/** Ids grow, so ours is larger than what is there; stopping never waits longer than this for the answer. */
async function lastReceipt(session: Session, described: Described): Promise<number> {
  const known = ask(session, described, statusQuery).then(
    (status) => Math.max(-1, ...status.receipts.map((receipt) => receipt.id)),
    () => -1, // no worker, or a stuck one: the signal is sent all the same
  );
  return Promise.race([known, delay(beforeMs, -1)]);
}

async function receiptOf(
  session: Session,
  described: Described,
  message: ControlMessage,
  seenBefore: number,
  until: number,
): Promise<ControlAnswer> {
  let found: { receipt: ControlReceipt; status: Status } | null = null;
  for (;;) {
    try {
      const status = await ask(session, await describe(session, described.rollout), statusQuery);
      const receipt = status.receipts.findLast((candidate) => isOurs(candidate, message, seenBefore));
      if (receipt !== undefined) found = { receipt, status };
      if (found !== null && found.receipt.state !== 'seen') return { kind: 'receipt', ...found };
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      if (found === null && error.code === 'no-worker') return { kind: 'stored', why: error.message };
    }
    if (Date.now() > until) break;
    await delay(pollMs);
  }
  return found === null
    ? { kind: 'stored', why: 'the worker has not confirmed that it saw it' }
    : { kind: 'receipt', ...found };
}

function isOurs(receipt: ControlReceipt, message: ControlMessage, seenBefore: number): boolean {
  return receipt.id > seenBefore && receipt.message === message.kind && receipt.by === message.input.by;
}

async function endedMeanwhile(session: Session, rollout: string, error: unknown): Promise<unknown> {
  if (!(error instanceof ClientError) || error.code !== 'not-found') return error;
  const described = await describe(session, rollout);
  return described.open ? error : finished(described);
}
