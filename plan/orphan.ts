/** A rollout whose workflow is gone or stuck: what is known of it, and whose the target is that it left. */

import type { Plan } from './plan.ts';
import type { Release } from './release.ts';
import type { Claim } from './target.ts';

/** Why an open run does not go on. */
export type Standstill =
  /** Its workflow task fails again and again. `why` is the server's word, empty when it has none. */
  | { readonly kind: 'failing'; readonly attempts: number; readonly why: string }
  /** `task` is due since then, epoch ms, and no worker takes it. */
  | { readonly kind: 'untaken'; readonly since: number; readonly task: string };

/** What a run's history tells, whether it has ended or not. */
export interface Origin {
  readonly plan: Plan;
  readonly planDigest: string;
  readonly requester: string;
  /** First runs of the chains whose claims are its own, those that it took over included. */
  readonly chains: readonly string[];
  /** What served when it began; `null` when it did not get so far. */
  readonly stable: Release | null;
  /** The largest fence that it has issued. */
  readonly fence: number;
  /** The target may carry its claim. */
  readonly claimed: boolean;
  /** Its release may have had traffic. */
  readonly exposed: boolean;
  /** How it ended, completing "its workflow …"; `null` while it is open. */
  readonly end: string | null;
}

/** What a revert starts with. */
export interface RevertInput extends Omit<Origin, 'fence'> {
  /** Absent in what the first guardians started. */
  readonly fence?: number;
  /** Why the guardian took it over, for people. */
  readonly sentence: string;
  /** Where it stood, by its last word; `null` when it never said. */
  readonly state: string | null;
  readonly notifies: boolean;
  /** Whether its record is to be kept. */
  readonly archives: boolean;
  /** State of the run before; `null` at the start. */
  readonly carried: unknown;
}

/** What is found at the target of a rollout that left it. */
export interface Left {
  readonly claim: Claim | null;
  /** The largest fence on any object. */
  readonly fence: number;
  /** Share of the release under test, basis points. */
  readonly canaryBp: number;
}

export type Holding =
  /** Its claim stands there. */
  | 'ours'
  /** It had reached its end and gave its claim back. */
  | 'given-back'
  /** Another rollout's claim, held or given back: whatever was ours is no more. */
  | 'another'
  /** The claim of an earlier run of the same service, which nobody has given back. */
  | 'earlier'
  /** No claim: nothing was ever written, or the proxy forgot it. */
  | 'nobody';

export function holdingOf(claim: Claim | null, rollout: string, { chains }: Pick<Origin, 'chains'>): Holding {
  if (claim === null) return 'nobody';
  const isOurs = claim.rollout === rollout && chains.includes(claim.run);
  if (isOurs) return claim.released ? 'given-back' : 'ours';
  return claim.rollout === rollout && !claim.released ? 'earlier' : 'another';
}

/** Whether its release has traffic that it answers for. */
export function hasTraffic(left: Left, rollout: string, origin: Origin): boolean {
  const holding = holdingOf(left.claim, rollout, origin);
  return left.canaryBp > 0 && (holding === 'ours' || (holding === 'nobody' && origin.claimed));
}
