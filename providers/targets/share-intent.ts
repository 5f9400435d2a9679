/** What a wish for a share means where it meets a target: the same rule for every target, decided on what was read for its write. */

import type { Claim, Order, Stage } from '../../plan/target.ts';
import { sameStage } from './claim-form.ts';
import type { Intent } from './effects.ts';

export interface ShareWish {
  readonly order: Order;
  readonly stage: Stage;
  /** Of the canary, in basis points, 0 to 10,000. */
  readonly canaryBp: number;
}

export interface ShareFound {
  /** What the canary has at present, in basis points. */
  readonly presentBp: number;
  /** The target shows all of what is wished for. */
  readonly isSet: boolean;
}

export interface ShareIntent extends Intent {
  /** Said by the claim and shown by the target: it has been so since the claim says. */
  readonly isSame: boolean;
}

/** `own` is the claim as far as it is of this order's run. */
export function shareIntent(
  own: Claim | null,
  { order, stage, canaryBp }: ShareWish,
  { presentBp, isSet }: ShareFound,
): ShareIntent {
  // Raise: more than the canary has now, or more than this rollout ever asked for.
  const direction = canaryBp > Math.min(presentBp, own?.canaryBp ?? presentBp) ? 'raise' : 'lower';
  const isRepeat = own !== null && sameStage(own.stage, stage) && own.canaryBp === canaryBp;
  return {
    direction,
    // A raise that was written once and changed by somebody else since is drift: not ours to raise again unasked.
    done: isRepeat && own.fence === order.fence && (direction === 'raise' || isSet),
    lowered: own !== null && !isRepeat && presentBp < own.canaryBp,
    forward: stage.kind !== 'back',
    isSame: isRepeat && isSet,
  };
}
