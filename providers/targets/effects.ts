/** Who may still do what at a target: the admission of an effect by claim and fence (I1, I4), the same for every target. */

import type { Claim, Order } from '../../plan/target.ts';
import { formatBp } from '../../plan/units.ts';

/**
 * What an effect does to the canary's exposure.
 * `claim`: takes hold of the objects at 0 %; `raise`: the canary may get more than it has or was planned to have, or becomes
 * stable; `lower`: everything else, a fence without a weight included.
 */
export type Direction = 'claim' | 'raise' | 'lower';

export interface Intent {
  readonly direction: Direction;
  /** The target already says what this effect would write. For `raise` the claim's own words are enough. */
  readonly done: boolean;
  /** Somebody else has set less than the claim says, and this effect is not the one that puts it right. */
  readonly lowered?: boolean;
  /** It stands for a stage of the way forward: where the rollout is going back there is none any more, not even a lower one. */
  readonly forward?: boolean;
}

export type Admission =
  | { readonly kind: 'admitted' }
  /** A repeat of the same effect: nothing to write. */
  | { readonly kind: 'already-done' }
  /** Too late or not ours, for ever. `fence` is the one found, `null` when there is none. */
  | { readonly kind: 'fenced'; readonly fence: number | null; readonly sentence: string };

/** Decides on the claim that was read in the same compare-and-set as the write it is for. */
export function admit(claim: Claim | null, order: Order, intent: Intent): Admission {
  if (claim === null) return admitUnclaimed(intent);
  if (order.fence < claim.fence) {
    return fenced(claim, `fence ${claim.fence} of ${holder(claim)} stands there, this effect carries ${order.fence}`);
  }
  return isOwn(claim, order) ? admitOwn(claim, order, intent) : admitForeign(claim, order, intent);
}

/** The claim was written by this very run chain of this rollout. */
export function isOwn(claim: Claim, order: Order): boolean {
  return claim.rollout === order.rollout && claim.run === order.run;
}

/** Where the fence is gone nobody can tell whether an abort came before, so nothing may rise. */
function admitUnclaimed(intent: Intent): Admission {
  if (intent.direction !== 'raise') return { kind: 'admitted' };
  return {
    kind: 'fenced',
    fence: null,
    sentence: 'no claim stands there, the proxy forgot its fence (restarted without its last state?): nothing may rise',
  };
}

function admitOwn(claim: Claim, order: Order, intent: Intent): Admission {
  if (claim.fence === order.fence && intent.done) return { kind: 'already-done' };
  const isGoingBack = claim.stage.kind === 'back';
  if (isGoingBack && intent.forward === true)
    return fenced(claim, 'this rollout is going back, no stage comes any more');
  if (intent.direction === 'lower') return { kind: 'admitted' };
  if (claim.released) return fenced(claim, 'this rollout has released its claim');
  if (isGoingBack) return fenced(claim, 'this rollout is going back, nothing rises any more');
  if (intent.direction === 'claim') return { kind: 'admitted' };
  if (intent.lowered === true) {
    return fenced(claim, `somebody has set less than the ${formatBp(claim.canaryBp)} of this rollout`);
  }
  if (claim.fence === order.fence) return fenced(claim, `fence ${claim.fence} was already used for another effect`);
  return { kind: 'admitted' };
}

function admitForeign(claim: Claim, order: Order, intent: Intent): Admission {
  if (order.fence === claim.fence) {
    return fenced(claim, `fence ${claim.fence} was already used by ${holder(claim)}`);
  }
  if (claim.released) {
    if (intent.direction !== 'raise') return { kind: 'admitted' };
    return fenced(claim, 'this rollout holds no claim there, the proxy forgot it: nothing may rise');
  }
  // The rollout's id is the lock: where a new run of it lowers, the former run has ended.
  if (intent.direction === 'lower' && claim.rollout === order.rollout) return { kind: 'admitted' };
  // Preflight read exactly this claim and found that its rollout has ended without letting go.
  if (intent.direction === 'claim' && order.fence === claim.fence + 1) return { kind: 'admitted' };
  return fenced(claim, `it is held by ${holder(claim)}`);
}

function fenced(claim: Claim, sentence: string): Admission {
  return { kind: 'fenced', fence: claim.fence, sentence };
}

function holder(claim: Claim): string {
  return `${claim.rollout} (run ${claim.run})`;
}
