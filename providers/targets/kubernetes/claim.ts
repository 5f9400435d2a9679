/** The claim as it stands in an annotation of every object that a rollout touches, written by us and read as if by an enemy. */

import { z } from 'zod';
import type { Claim, Order } from '../../../plan/target.ts';
import type { Release } from '../../../plan/release.ts';
import { plainClaimSchema, releaseSchema } from '../claim-form.ts';
import { type JsonObject, textAt } from './json.ts';

/** The two Deployments: the owner's, and ours beside it. */
export const placeNames = ['stable', 'canary'] as const;
export type PlaceName = (typeof placeNames)[number];
export type ByPlace<Value> = Readonly<Record<PlaceName, Value>>;

export interface StoredClaim extends Claim {
  /** Which release each Deployment was given; `null`: none. */
  readonly places: ByPlace<Release | null>;
  /** Stable as it was when the rollout began. */
  readonly recorded: {
    /** As its owner wrote it. */
    readonly image: string;
    readonly replicas: number;
    /** What the router needs to leave its object as it was. */
    readonly route: Readonly<Record<string, string | number | null>>;
    /** Marks of what the pods of both are made from; `null`: not known. */
    readonly templates: ByPlace<string | null>;
  };
  /** Stable's own Deployment is being given the release. */
  readonly promoting: boolean;
}

/** `damaged`: something stands there that no version of Sluice wrote; its fence is lost. */
export type ClaimReading =
  { readonly kind: 'none' } | { readonly kind: 'damaged' } | { readonly kind: 'claim'; readonly claim: StoredClaim };

export const claimKey = 'sluice/claim';

const markSchema = z.string().max(64).nullable();

const storedSchema = plainClaimSchema.extend({
  places: z.object({ stable: releaseSchema.nullable(), canary: releaseSchema.nullable() }),
  recorded: z.object({
    image: z.string().min(1).max(1000),
    replicas: z.int().min(0),
    route: z.record(z.string().max(200), z.union([z.string().max(1000), z.number(), z.null()])),
    templates: z.object({ stable: markSchema, canary: markSchema }).default({ stable: null, canary: null }),
  }),
  promoting: z.boolean(),
});

export function readClaim(object: JsonObject | null): ClaimReading {
  const text = textAt(object ?? undefined, 'metadata', 'annotations', claimKey);
  if (text === null) return { kind: 'none' };
  try {
    const parsed = storedSchema.safeParse(JSON.parse(text));
    return parsed.success ? { kind: 'claim', claim: parsed.data } : { kind: 'damaged' };
  } catch {
    return { kind: 'damaged' };
  }
}

/** `null` when there is none or it cannot be read. */
export function claimOn(object: JsonObject | null): StoredClaim | null {
  const reading = readClaim(object);
  return reading.kind === 'claim' ? reading.claim : null;
}

export function written(claim: StoredClaim): string {
  return JSON.stringify(claim);
}

/** What the port shows: without what is only ours. */
export function plainClaim(stored: StoredClaim): Claim {
  const { rollout, run, fence, stage, canaryBp, since, released, stable, canary } = stored;
  return { rollout, run, fence, stage, canaryBp, since, released, stable, canary };
}

/** On an object that has just been made and starts no pod: whoever comes next may take it, so that one that is made late is in nobody's way. */
export function nobodys(claim: StoredClaim, { fence }: Order): StoredClaim {
  return { ...claim, run: 'nobody', fence: fence - 1, released: true };
}

/** A first claim of an order, or the order's claim over an older one. */
export function claimFor(
  order: Order,
  now: number,
  rest: Pick<StoredClaim, 'stage' | 'canaryBp' | 'places' | 'recorded'>,
): StoredClaim {
  const { rollout, run, fence, stable, canary } = order;
  return { rollout, run, fence, stable, canary, since: now, released: false, promoting: false, ...rest };
}
