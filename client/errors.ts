/** Everything a door can be told instead of an answer: one union of facts, and one sentence made from them. */

import { rolloutName } from './ids.ts';

/** An attribute that exists with another type than Sluice needs. */
export interface WrongAttribute {
  readonly name: string;
  readonly expected: string;
  readonly found: string;
}

export type ClientFacts =
  | { readonly code: 'unreachable'; readonly address: string; readonly detail: string }
  | { readonly code: 'denied'; readonly address: string; readonly detail: string }
  /** The connection profile or its environment variables are wrong. */
  | { readonly code: 'profile'; readonly detail: string }
  | { readonly code: 'not-found'; readonly what: string }
  /** `detail`: what that means for the call that was made. */
  | { readonly code: 'no-worker'; readonly taskQueue: string; readonly detail: string }
  | {
      readonly code: 'already-running';
      readonly rollout: string;
      readonly release: string | null;
      readonly state: string | null;
      readonly requester: string | null;
      readonly startedAt: number | null;
    }
  | { readonly code: 'rejected'; readonly reason: string }
  /** `updateId`: sending again with this id cannot apply it twice; `null` when nothing was sent. */
  | { readonly code: 'timed-out'; readonly doing: string; readonly updateId: string | null }
  | {
      readonly code: 'finished';
      readonly rollout: string;
      readonly outcome: string | null;
      readonly closedAt: number | null;
    }
  | {
      readonly code: 'setup-missing';
      readonly namespace: string;
      readonly missing: readonly string[];
      readonly wrong: readonly WrongAttribute[];
    };

export type ClientErrorCode = ClientFacts['code'];

/** The only error that this room throws on purpose; the message is one line. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly facts: ClientFacts;

  constructor(facts: ClientFacts, cause?: unknown) {
    super(sentenceOf(facts), cause === undefined ? undefined : { cause });
    this.facts = facts;
  }

  get code(): ClientErrorCode {
    return this.facts.code;
  }
}

function sentenceOf(facts: ClientFacts): string {
  switch (facts.code) {
    case 'unreachable':
      return `Temporal is not reachable at ${facts.address}: ${facts.detail}`;
    case 'denied':
      return `Temporal at ${facts.address} refused the credentials: ${facts.detail}`;
    case 'profile':
      return `connection profile: ${facts.detail}`;
    case 'not-found':
      return `there is no ${facts.what.startsWith('rollout/') ? 'rollout ' : ''}${rolloutName(facts.what)}`;
    case 'no-worker':
      return `no worker answers on task queue "${facts.taskQueue}": ${facts.detail}`;
    case 'already-running':
      return runningSentence(facts);
    case 'rejected':
      return `refused: ${facts.reason}`;
    case 'timed-out':
      return facts.updateId === null
        ? `${facts.doing}: no answer in time`
        : `${facts.doing}: not confirmed in time; it may still be applied. Send it again with --update-id ${facts.updateId} to learn the answer without applying it twice`;
    case 'finished':
      return `${rolloutName(facts.rollout)} has already finished${facts.outcome === null ? '' : `: ${facts.outcome}`}`;
    case 'setup-missing':
      return setupSentence(facts);
  }
}

function runningSentence(facts: Extract<ClientFacts, { code: 'already-running' }>): string {
  const what = facts.release === null ? '' : ` with release ${facts.release}`;
  const where = facts.state === null ? '' : `, ${facts.state}`;
  const who = facts.requester === null ? '' : `, started by ${facts.requester}`;
  return `${rolloutName(facts.rollout)} is already running${what}${where}${who}`;
}

function setupSentence(facts: Extract<ClientFacts, { code: 'setup-missing' }>): string {
  const parts = [
    ...(facts.missing.length === 0 ? [] : [`search attributes not registered: ${facts.missing.join(', ')}`]),
    ...facts.wrong.map(({ name, expected, found }) => `search attribute ${name} has type ${found}, needs ${expected}`),
  ];
  const advice = facts.wrong.length === 0 ? '; run `sluice setup`' : '; remove it or use another namespace';
  return `namespace "${facts.namespace}": ${parts.join('; ')}${advice}`;
}
