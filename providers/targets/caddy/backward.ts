/** The way back and the end: stable restored beside what serves, the loser retired, the claim released. */

import type { Release } from '../../../plan/release.ts';
import type { Instance, Order } from '../../../plan/target.ts';
import { formatBp } from '../../../plan/units.ts';
import { ProviderError } from '../../errors.ts';
import { admitted, change, type Decision, ownClaim } from './change.ts';
import { claimFor, type StoredClaim } from './claim.ts';
import { type SlotName, slotNames } from './connection.ts';
import { contentsFor, slotOf } from './contents.ts';
import { persist } from './persist.ts';
import { start } from './places.ts';
import { sharesInWords } from './reading.ts';
import { type Scene, see, type Site } from './site.ts';

/** The recorded stable runs in its slot, or is started in the one without traffic; the host is told in any case. */
export async function restore(site: Site, order: Order, signal?: AbortSignal): Promise<Instance> {
  const doing = `restore ${order.stable.label}`;
  let slot: SlotName = 'a';
  const decide = async (scene: Scene): Promise<Decision> => {
    const contents = await contentsFor(site, scene, [order.stable.digest], signal);
    const found = slotOf(contents, order.stable.digest, scene);
    slot = found ?? freeSlot(scene, doing);
    const own = ownClaim(scene, order);
    const done = own !== null && own.slots[slot]?.digest === order.stable.digest;
    if (!admitted(site, scene, order, { direction: 'lower', done }, doing) || done) return null;
    const canarySlot = slotOf(contents, order.canary.digest, scene);
    const canaryBp = canarySlot === null ? 0 : scene.shares.bySlot[canarySlot];
    const base = own ?? claimFor(order, site.clock.now(), { stage: { kind: 'back' }, canaryBp, slots: contents });
    const claim: StoredClaim = { ...base, fence: order.fence, slots: { ...base.slots, [slot]: order.stable } };
    return { claim, shares: 'keep', preview: 'keep', urgent: true };
  };
  const scene = await change(site, { doing, decide }, signal);
  // Also when it is ready: the host learns the larger fence with it, and refuses a removal that is still on its way.
  const place = await start(site, slot, order, order.stable, signal);
  // A file that an earlier promotion wrote would bring the canary back at the next restart.
  if (scene.shares.bySlot[slot] === 10_000) await persist(site, signal);
  return place;
}

/** Beside what serves, never in its place. */
function freeSlot(scene: Scene, doing: string): SlotName {
  const free = slotNames.find((slot) => scene.shares.bySlot[slot] === 0);
  if (free !== undefined) return free;
  const detail = `it is in neither slot and both have traffic: ${sharesInWords(scene)}`;
  throw new ProviderError({ code: 'conflict', doing, detail });
}

/**
 * Waits until the loser has been without traffic for the drain time, stops it, and releases the claim; the fence stays.
 * Throws `conflict` while the loser has traffic.
 */
export async function retire(site: Site, order: Order, loser: Release, signal?: AbortSignal): Promise<void> {
  const doing = `retire ${loser.label}`;
  const before = await see(site, signal);
  const own = ownClaim(before, order);
  const done = own?.released === true && own.fence === order.fence;
  if (!admitted(site, before, order, { direction: 'lower', done }, doing)) return;
  const slot = slotOf(await contentsFor(site, before, [loser.digest], signal), loser.digest, before);
  // A rollout that ended before it claimed anything has nothing to give back.
  if (own === null && slot === null) return;
  if (slot !== null) {
    mustBeIdle(before, slot, doing);
    await drain(site, own, signal);
    mustBeIdle(await see(site, signal), slot, doing); // somebody may have given it traffic meanwhile
    await site.door.remove(slot, order, signal);
  }
  const decide = async (scene: Scene): Promise<Decision> => {
    const found = ownClaim(scene, order);
    const isDone = found?.released === true && found.fence === order.fence;
    if (!admitted(site, scene, order, { direction: 'lower', done: isDone }, doing)) return null;
    const contents = found?.slots ?? (await contentsFor(site, scene, [], signal));
    const base = found ?? claimFor(order, site.clock.now(), { stage: { kind: 'back' }, canaryBp: 0, slots: contents });
    const slots = { ...base.slots, ...(slot !== null && { [slot]: null }) };
    const claim: StoredClaim = { ...base, fence: order.fence, released: true, slots };
    return { claim, shares: 'keep', preview: null, urgent: false };
  };
  await change(site, { doing, decide }, signal);
  await persist(site, signal);
}

function mustBeIdle(scene: Scene, slot: SlotName, doing: string): void {
  const bp = scene.shares.bySlot[slot];
  if (bp === 0) return;
  throw new ProviderError({ code: 'conflict', doing, detail: `slot ${slot} still has ${formatBp(bp)} of the traffic` });
}

/** Requests in flight and upgraded connections end; a repeat does not wait anew. */
async function drain(site: Site, own: StoredClaim | null, signal?: AbortSignal): Promise<void> {
  const { drainMs } = site.plan;
  const left = own === null ? drainMs : own.since + drainMs - site.clock.now();
  if (left > 0) await site.clock.sleep(Math.min(left, drainMs), signal);
}
