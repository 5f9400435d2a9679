/** What a target needs of the object that divides traffic; all of it pure: objects in, patches out. */

import type { PreflightFinding } from '../../../ports.ts';
import type { StoredClaim } from '../claim.ts';
import type { JsonObject } from '../json.ts';
import type { PatchOp } from '../patch.ts';
import type { Ref } from '../refs.ts';

export interface Router {
  /** The object that divides traffic and carries the claim that decides. */
  readonly ref: Ref;
  /** The owner's object that `ref` is made after when a rollout begins; `null`: `ref` is the owner's. */
  readonly origin: Ref | null;
  /** What we make after it, at 0 %. */
  made(origin: JsonObject): JsonObject;
  /** Where its weights stand, for those who have to leave them alone. */
  readonly field: string;
  /** Smallest share that can be expressed, basis points. */
  readonly granularityBp: number;
  /** It can lead requests with a header to the canary. */
  readonly preview: boolean;
  /** What the object says now. */
  split(object: JsonObject): Split;
  /** The object with a division of ours. Throws `invalid` for a share that cannot be expressed in it. */
  write(object: JsonObject, wanted: Wanted): readonly PatchOp[];
  /** Has what is written been taken up? At zero it does not matter whether the canary's Service can be resolved. */
  acceptance(object: JsonObject, canaryBp: number): Acceptance;
  /** What the object needs to be left as it was. */
  record(object: JsonObject): StoredClaim['recorded']['route'];
  findings(object: JsonObject, weights: readonly number[]): readonly PreflightFinding[];
}

/** Shares of the two Services in what both have together. */
export interface Split {
  readonly stableBp: number;
  readonly canaryBp: number;
  /** The canary's Service stands in the object, at whatever weight. */
  readonly present: boolean;
  /** Requests with the header reach the canary. */
  readonly preview: boolean;
  /** Rules that divide the traffic differently; the share is that of the rule with most for the canary. */
  readonly uneven: boolean;
  /** Why there are no shares at all; `null` when there are. */
  readonly fault: string | null;
}

export interface Wanted {
  readonly canaryBp: number;
  /** `absent`: as it was before the rollout. */
  readonly canary: 'present' | 'absent';
  readonly preview: { readonly header: string; readonly value: string } | null;
  /** What `record` found. */
  readonly before: StoredClaim['recorded']['route'];
}

export type Acceptance =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'pending'; readonly reason: string }
  | { readonly kind: 'rejected'; readonly reason: string };
