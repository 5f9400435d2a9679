/** What a list of shares asks for the release under test, checked the same way by every target. */

import type { Order, Share } from '../../plan/target.ts';
import { ProviderError } from '../errors.ts';

/** Absolute shares of exactly the order's releases, 10,000 in all. Throws `invalid`. */
export function canaryShare(order: Order, shares: readonly Share[]): number {
  const known = [order.stable.digest, order.canary.digest];
  const total = shares.reduce((sum, share) => sum + share.bp, 0);
  const isSound = shares.every(({ digest, bp }) => known.includes(digest) && Number.isInteger(bp) && bp >= 0);
  if (isSound && total === 10_000) {
    return shares.reduce((sum, { digest, bp }) => (digest === order.canary.digest ? sum + bp : sum), 0);
  }
  throw new ProviderError({
    code: 'invalid',
    doing: `set ${order.canary.label}'s share`,
    detail: 'shares must name the stable and the canary digest and be 10,000 basis points together',
  });
}
