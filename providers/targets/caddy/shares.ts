/** Moving traffic: shares of digests become weights of slots, with claim and preview, in one compare-and-set. */

import type { Release } from '../../../plan/release.ts';
import type { Order, Reading, Share, Stage } from '../../../plan/target.ts';
import { formatBp } from '../../../plan/units.ts';
import { ProviderError } from '../../errors.ts';
import { admitted, change, type Decision, ownClaim } from './change.ts';
import { canaryShare } from '../canary-share.ts';
import { shareIntent } from '../share-intent.ts';
import { claimFor, type StoredClaim } from './claim.ts';
import { type BySlot, otherSlot, type SlotName } from './connection.ts';
import { contentsFor, contentsOf, slotOf } from './contents.ts';
import { readingAfter } from './reading.ts';
import { ensureCapacity } from './forward.ts';
import type { Scene, Site } from './site.ts';
import { canSplit, type Preview } from './split.ts';

/** Both releases of an order by slot; `null` is a release that runs nowhere. */
interface Seats {
  readonly stable: SlotName | null;
  readonly canary: SlotName | null;
}

export async function setWeights(
  site: Site,
  order: Order,
  shares: readonly Share[],
  stage: Stage,
  signal?: AbortSignal,
): Promise<Reading> {
  const canaryBp = canaryShare(order, shares);
  const doing = `set ${order.canary.label} to ${formatBp(canaryBp)}`;
  const decide = async (scene: Scene): Promise<Decision> => {
    // Who may not even lower need not ask the host.
    admitted(site, scene, order, { direction: 'lower', done: false }, doing);
    const contents = await contentsFor(site, scene, [order.stable.digest, order.canary.digest], signal);
    const wanted = { order, stage, canaryBp, contents, doing };
    const decision = decideShares(site, scene, wanted);
    if (decision !== null && !decision.urgent) await ensureCapacity(site, order, canaryBp, signal);
    return decision;
  };
  const after = await change(site, { doing, decide }, signal);
  return readingAfter(site, after, signal);
}

interface Wanted {
  readonly order: Order;
  readonly stage: Stage;
  readonly canaryBp: number;
  readonly contents: BySlot<Release | null>;
  readonly doing: string;
}

function decideShares(site: Site, scene: Scene, wanted: Wanted): Decision {
  const { order, stage, canaryBp, contents, doing } = wanted;
  const seats: Seats = {
    stable: slotOf(contents, order.stable.digest, scene),
    canary: slotOf(contents, order.canary.digest, scene),
  };
  const shares = slotShares(seats, canaryBp, order, doing);
  const preview = previewFor(site, stage, seats);
  const own = ownClaim(scene, order);
  const isSet = sameShares(scene, shares) && scene.preview === (preview?.slot ?? null);
  const intent = shareIntent(own, wanted, { presentBp: presentOf(scene, seats), isSet });
  if (!admitted(site, scene, order, intent, doing)) return null;
  if (intent.direction === 'raise') mustBeSplittable(site, scene, doing);
  const slots = slotsAfter(contents, seats, order);
  const fresh = claimFor(order, site.clock.now(), { stage, canaryBp, slots });
  const kept = { since: own !== null && intent.isSame ? own.since : fresh.since, released: own?.released ?? false };
  return { claim: { ...fresh, ...kept }, shares, preview, urgent: intent.direction === 'lower' };
}

function presentOf({ shares }: Scene, { canary }: Seats): number {
  return canary === null ? 0 : shares.bySlot[canary];
}

function slotShares(seats: Seats, canaryBp: number, order: Order, doing: string): BySlot<number> {
  const { stable, canary } = seats;
  const lost =
    canaryBp > 0 && canary === null ? order.canary : canaryBp < 10_000 && stable === null ? order.stable : null;
  if (lost !== null) {
    throw new ProviderError({ code: 'missing', doing, detail: `${lost.label} is in neither slot` });
  }
  const canarySlot = canary ?? otherSlot(stable ?? 'a');
  return canarySlot === 'a' ? { a: canaryBp, b: 10_000 - canaryBp } : { a: 10_000 - canaryBp, b: canaryBp };
}

function slotsAfter(contents: BySlot<Release | null>, seats: Seats, order: Order): StoredClaim['slots'] {
  return {
    ...contents,
    ...(seats.stable !== null && { [seats.stable]: order.stable }),
    ...(seats.canary !== null && { [seats.canary]: order.canary }),
  };
}

/** Off while going back: in the same write that lowers the weight. */
function previewFor(site: Site, stage: Stage, seats: Seats): Preview | null {
  const { preview } = site.plan;
  return preview === null || stage.kind === 'back' || seats.canary === null ? null : { ...preview, slot: seats.canary };
}

function sameShares(scene: Scene, shares: BySlot<number>): boolean {
  const { bySlot, unknownBp } = scene.shares;
  return unknownBp === 0 && bySlot.a === shares.a && bySlot.b === shares.b;
}

/** Lowering gives what is no slot nothing; raising beside it would promise a split that it spoils. */
function mustBeSplittable(site: Site, scene: Scene, doing: string): void {
  if (canSplit(scene.seat.proxy, site.slots)) return;
  const detail = 'the proxy has upstreams that are no slot of this route: remove them';
  throw new ProviderError({ code: 'conflict', doing, detail });
}

/** Raises the fence and nothing else: weights, preview and stage stay byte for byte. */
export async function raiseFence(site: Site, order: Order, signal?: AbortSignal): Promise<Reading> {
  const doing = `raise the fence to ${order.fence}`;
  const decide = (scene: Scene): Decision => {
    const own = ownClaim(scene, order);
    const done = own?.fence === order.fence;
    if (!admitted(site, scene, order, { direction: 'lower', done }, doing)) return null;
    const claim = own === null ? backClaim(site, scene, order) : { ...own, fence: order.fence };
    return { claim, shares: 'keep', preview: 'keep', urgent: true };
  };
  const after = await change(site, { doing, decide }, signal);
  return readingAfter(site, after, signal);
}

/** Where no claim of ours stood, the only way on is back. */
function backClaim(site: Site, scene: Scene, order: Order): StoredClaim {
  const slots = contentsOf(scene.claim, null);
  const slot = slotOf(slots, order.canary.digest, scene);
  const canaryBp = slot === null ? 0 : scene.shares.bySlot[slot];
  return claimFor(order, site.clock.now(), { stage: { kind: 'back' }, canaryBp, slots });
}
