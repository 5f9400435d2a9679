/** The canary's way forward: deployed at 0 %, given capacity, made stable. */

import { nameOf } from '../../../plan/release.ts';
import type { Instance, Order } from '../../../plan/target.ts';
import { formatBp } from '../../../plan/units.ts';
import { ProviderError } from '../../errors.ts';
import { admitted, change, type Decision, ownClaim } from './change.ts';
import { claimFor, type StoredClaim } from './claim.ts';
import { otherSlot, type SlotName, slotNames } from './connection.ts';
import { contentsFor, slotOf } from './contents.ts';
import { persist } from './persist.ts';
import { start, unreadiness } from './places.ts';
import { sharesInWords } from './reading.ts';
import { type Scene, see, type Site } from './site.ts';

/** Claims the route, then starts the canary in the slot without traffic. Throws `invalid` when there is none. */
export async function deploy(site: Site, order: Order, signal?: AbortSignal): Promise<Instance> {
  const doing = `deploy ${order.canary.label}`;
  const decide = async (scene: Scene): Promise<Decision> => {
    const own = ownClaim(scene, order);
    const done = own?.fence === order.fence && own.stage.kind === 'deployed';
    if (!admitted(site, scene, order, { direction: 'claim', done }, doing)) return null;
    const idle = await idleSlot(site, scene, order, doing, signal);
    const slots = { [idle]: order.canary, [otherSlot(idle)]: order.stable } as StoredClaim['slots'];
    const claim = claimFor(order, site.clock.now(), { stage: { kind: 'deployed' }, canaryBp: 0, slots });
    const shares = idle === 'a' ? { a: 0, b: 10_000 } : { a: 10_000, b: 0 };
    const preview = site.plan.preview && { ...site.plan.preview, slot: idle };
    return { claim, shares, preview, urgent: false };
  };
  const scene = await change(site, { doing, decide }, signal);
  const slot = scene.claim && slotOf(scene.claim.slots, order.canary.digest, scene);
  if (slot === null || scene.shares.bySlot[slot] > 0) {
    throw new ProviderError({
      code: 'conflict',
      doing,
      detail: `the route changed meanwhile: ${sharesInWords(scene)}`,
    });
  }
  return start(site, slot, order, order.canary, signal);
}

/** The slot that is not stable's. Refuses when it gets traffic or when stable does not have all of it. */
async function idleSlot(
  site: Site,
  scene: Scene,
  order: Order,
  doing: string,
  signal?: AbortSignal,
): Promise<SlotName> {
  const serving = slotNames.find((slot) => scene.shares.bySlot[slot] === 10_000);
  if (serving === undefined) {
    const detail = `a slot without traffic is needed; Caddy has ${sharesInWords(scene)}`;
    throw new ProviderError({ code: 'invalid', doing, detail });
  }
  const contents = await contentsFor(site, scene, [order.stable.digest], signal);
  if (contents[serving]?.digest === order.stable.digest) return otherSlot(serving);
  const serves = contents[serving];
  const detail = `${serves === null ? 'an unknown release' : nameOf(serves)} serves in slot ${serving}, not ${nameOf(order.stable)}`;
  throw new ProviderError({ code: 'invalid', doing, detail });
}

/** A slot has the capacity it has: the canary's must be ready. Throws `missing` when the canary is not in its slot, else `unreachable`. */
export async function ensureCapacity(site: Site, order: Order, canaryBp: number, signal?: AbortSignal): Promise<void> {
  if (canaryBp === 0) return;
  const doing = `give ${order.canary.label} capacity for ${formatBp(canaryBp)}`;
  const scene = await see(site, signal);
  const contents = await contentsFor(site, scene, [order.canary.digest], signal);
  const slot = slotOf(contents, order.canary.digest, scene);
  if (slot === null)
    throw new ProviderError({ code: 'missing', doing, detail: `${nameOf(order.canary)} is in neither slot` });
  const state = (await site.door.slots(signal))[slot];
  const unready = await unreadiness(site, slot, state, order.canary, signal);
  if (unready === null) return;
  const isThere = state.release?.digest === order.canary.digest;
  throw new ProviderError({ code: isThere ? 'unreachable' : 'missing', doing, detail: unready });
}

/** The canary has all traffic already; the claim says that it stays, and Caddy's file is told where that is declared. */
export async function promote(site: Site, order: Order, signal?: AbortSignal): Promise<void> {
  const doing = `promote ${order.canary.label}`;
  const decide = (scene: Scene): Decision => {
    const own = ownClaim(scene, order);
    const done = own?.fence === order.fence && own.stage.kind === 'promoted';
    if (!admitted(site, scene, order, { direction: 'raise', done }, doing) || own === null) return null;
    const slot = slotOf(own.slots, order.canary.digest, scene);
    if (slot === null || scene.shares.bySlot[slot] !== 10_000) {
      const detail = `it must have all traffic first; Caddy has ${sharesInWords(scene)}`;
      throw new ProviderError({ code: 'conflict', doing, detail });
    }
    const since = own.stage.kind === 'promoted' ? own.since : site.clock.now();
    const claim: StoredClaim = { ...own, fence: order.fence, stage: { kind: 'promoted' }, canaryBp: 10_000, since };
    return { claim, shares: 'keep', preview: 'keep', urgent: false };
  };
  await change(site, { doing, decide }, signal);
  await persist(site, signal);
}
