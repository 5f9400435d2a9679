/** The claim as it stands in the `vars` handler of the route, written by us and read as if by an enemy. */

import { z } from 'zod';
import type { JsonValue } from '../../../plan/plan.ts';
import type { Claim, Order } from '../../../plan/target.ts';
import type { Release } from '../../../plan/release.ts';
import { plainClaimSchema, releaseSchema } from '../claim-form.ts';
import type { BySlot } from './connection.ts';
import { isObject, type JsonObject, objectsOf } from './json.ts';

/** A claim and which release each slot was given; `null` is a slot that nothing was put into. */
export interface StoredClaim extends Claim {
  readonly slots: BySlot<Release | null>;
}

/** `damaged`: something stands there that no version of Sluice wrote; its fence is lost. */
export type ClaimReading =
  { readonly kind: 'none' } | { readonly kind: 'damaged' } | { readonly kind: 'claim'; readonly claim: StoredClaim };

const claimSchema = plainClaimSchema.extend({
  slots: z.object({ a: releaseSchema.nullable(), b: releaseSchema.nullable() }),
});

/** Reads the claim of a route. Unknown keys are left out, anything else unexpected is `damaged`. */
export function readClaim(route: JsonObject): ClaimReading {
  const handler = objectsOf(route['handle']).find(isClaimHandler);
  if (handler === undefined) return { kind: 'none' };
  const parsed = claimSchema.safeParse(handler['sluice']);
  return parsed.success ? { kind: 'claim', claim: parsed.data } : { kind: 'damaged' };
}

export function isClaimHandler(handler: JsonObject): boolean {
  return handler['handler'] === 'vars' && handler['sluice'] !== undefined;
}

/** The handler list with our claim in it: in its old place, else first. */
export function withClaim(handlers: JsonValue | undefined, claim: StoredClaim): readonly JsonValue[] {
  const list: readonly JsonValue[] = Array.isArray(handlers) ? (handlers as readonly JsonValue[]) : [];
  const index = list.findIndex((item) => isObject(item) && isClaimHandler(item));
  const handler: JsonValue = { handler: 'vars', sluice: asJson(claim) };
  return index < 0 ? [handler, ...list] : list.map((old, at) => (at === index ? handler : old));
}

/** What the port shows: without our slots. */
export function plainClaim(stored: StoredClaim): Claim {
  const { rollout, run, fence, stage, canaryBp, since, released, stable, canary } = stored;
  return { rollout, run, fence, stage, canaryBp, since, released, stable, canary };
}

/** A first claim of an order, or the order's claim over an older one; `now` is used where nothing of the order stood yet. */
export function claimFor(
  order: Order,
  now: number,
  rest: Pick<StoredClaim, 'stage' | 'canaryBp' | 'slots'>,
): StoredClaim {
  const { rollout, run, fence, stable, canary } = order;
  return { rollout, run, fence, stable, canary, since: now, released: false, ...rest };
}

function asJson(claim: StoredClaim): JsonValue {
  const { stage, slots, stable, canary, rollout, run, fence, canaryBp, since, released } = claim;
  return {
    rollout,
    run,
    fence,
    canaryBp,
    since,
    released,
    stage: { ...stage },
    stable: { ...stable },
    canary: { ...canary },
    slots: { a: slots.a && { ...slots.a }, b: slots.b && { ...slots.b } },
  };
}
