/** Which release is in which slot: by our claim, by the deploy door, and in which of the two we believe when. */

import type { Release } from '../../../plan/release.ts';
import { ProviderError } from '../../errors.ts';
import type { StoredClaim } from './claim.ts';
import { type BySlot, type SlotName, slotNames } from './connection.ts';
import type { Slots } from './door.ts';
import type { Scene, Site } from './site.ts';

/** What the deploy door said, or why it said nothing. */
export type DoorAnswer =
  { readonly kind: 'slots'; readonly slots: Slots } | { readonly kind: 'silent'; readonly reason: ProviderError };

/** For questions that must not fail with the door. */
export async function askDoor(site: Site, signal?: AbortSignal, timeoutMs?: number): Promise<DoorAnswer> {
  try {
    return { kind: 'slots', slots: await site.door.slots(signal, timeoutMs) };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { kind: 'silent', reason: error };
  }
}

/** While a rollout holds the route its claim says what the slots were given; afterwards the host knows better. */
export function contentsOf(claim: StoredClaim | null, door: DoorAnswer | null): BySlot<Release | null> {
  const said = door?.kind === 'slots' ? door.slots : null;
  const of = (slot: SlotName): Release | null => {
    const claimed = claim?.slots[slot] ?? null;
    if (said === null) return claimed;
    return claim !== null && !claim.released && claimed !== null ? claimed : said[slot].release;
  };
  return { a: of('a'), b: of('b') };
}

/** Contents for resolving digests: the door is asked only when the claim does not know both, so that going back needs no door. */
export async function contentsFor(
  site: Site,
  scene: Scene,
  digests: readonly string[],
  signal?: AbortSignal,
): Promise<BySlot<Release | null>> {
  const claimed = contentsOf(scene.claim, null);
  const isHeld = scene.claim !== null && !scene.claim.released;
  if (isHeld && digests.every((digest) => slotOf(claimed, digest, scene) !== null)) return claimed;
  return contentsOf(scene.claim, { kind: 'slots', slots: await site.door.slots(signal) });
}

/** The slot of a digest; when both hold it, the one with more traffic. */
export function slotOf(contents: BySlot<Release | null>, digest: string, scene: Scene): SlotName | null {
  const { bySlot } = scene.shares;
  const order: readonly SlotName[] = bySlot.b > bySlot.a ? ['b', 'a'] : slotNames;
  return order.find((slot) => contents[slot]?.digest === digest) ?? null;
}
