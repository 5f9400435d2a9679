/** The claim as the API stores it: one line of letters and digits, which no API changes on the way. */

import type { Claim } from '../../../plan/target.ts';
import type { JsonValue } from '../../../plan/plan.ts';
import { plainClaimSchema } from '../claim-form.ts';

/** `foreign`: something else stands there. */
export type ClaimReading =
  { readonly kind: 'none' } | { readonly kind: 'foreign' } | { readonly kind: 'claim'; readonly claim: Claim };

const mark = 'sluice1.';

export function writtenClaim(claim: Claim): string {
  return mark + Buffer.from(JSON.stringify(claim)).toString('base64url');
}

/** Nothing, `null` and an empty text are no claim. */
export function readClaim(stored: JsonValue | undefined): ClaimReading {
  if (stored === undefined || stored === null || stored === '') return { kind: 'none' };
  if (typeof stored !== 'string' || !stored.startsWith(mark)) return { kind: 'foreign' };
  try {
    const text = Buffer.from(stored.slice(mark.length), 'base64url').toString('utf8');
    const parsed = plainClaimSchema.safeParse(JSON.parse(text));
    return parsed.success ? { kind: 'claim', claim: parsed.data } : { kind: 'foreign' };
  } catch {
    return { kind: 'foreign' };
  }
}
