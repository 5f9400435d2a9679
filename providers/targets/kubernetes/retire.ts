/** The end: what no longer serves is removed, the route is as it was, the claim is given back; the fence stays. Or nothing but what was held. */

import type { Release } from '../../../plan/release.ts';
import type { Order } from '../../../plan/target.ts';
import { formatBp } from '../../../plan/units.ts';
import { ProviderError } from '../../errors.ts';
import type { Call } from './api.ts';
import { giveFloorBack, unlessDenied } from './autoscaler.ts';
import { canaryAutoscaler } from './canary-autoscaler.ts';
import { admitted, amend, change, ownClaim } from './change.ts';
import { claimOn, type StoredClaim } from './claim.ts';
import { backClaim } from './fences.ts';
import type { JsonObject } from './json.ts';
import { pointer } from './patch.ts';
import type { Ref } from './refs.ts';
import { sharesInWords } from './reading.ts';
import { bpOf, contentsOf, look, placesAt, type Scene, see, type Site, writable } from './site.ts';
import { untilAccepted } from './taken-up.ts';

const mostTries = 8;

/** Throws `conflict` while the loser has traffic, or while stable's own Deployment has not all of it. */
export async function retire(site: Site, order: Order, loser: Release, call: Call): Promise<void> {
  const doing = `retire ${loser.label}`;
  const before = await look(site, call);
  const own = before === null ? null : ownClaim(before.claim, order);
  if (before !== null) {
    const done = own?.released === true && own.fence === order.fence;
    if (!admitted(site.router.ref, before.route, order, { direction: 'lower', done }, doing)) return;
    await mustBeIdle(site, before, loser, doing, call);
    await drain(site, own, call);
    // Somebody may have given it traffic meanwhile.
    await mustBeIdle(site, await see(site, call), loser, doing, call);
  }
  const claim = { ...(own ?? (await backClaim(site, order, before, call))), fence: order.fence };
  if (before !== null) await leaveRoute(site, order, claim, doing, call);
  await giveFloorBack(site, order, claim, call);
  await removeCanary(site, order, claim, doing, call);
  for (const ref of writable(site)) await release(site, ref, order, claim, doing, call);
  if (before === null) return;
  await release(site, site.router.ref, order, claim, doing, call);
  if (site.router.origin !== null) await remove(site, site.router.ref, order, doing, call);
}

/** For who takes the weights into their own hands: the claim stays, so that `sluice zero` knows the way back. */
export async function letGo(site: Site, order: Order, call: Call): Promise<void> {
  const scene = await look(site, call);
  const own = ownClaim(scene?.claim ?? null, order) ?? (await backClaim(site, order, scene, call));
  // A floor is no exposure: whoever went further with this rollout by hand has not given it back.
  await giveFloorBack(site, { ...order, fence: Math.max(order.fence, own.fence) }, own, call);
}

async function mustBeIdle(site: Site, scene: Scene, loser: Release, doing: string, call: Call): Promise<void> {
  const contents = contentsOf(await placesAt(site, call));
  const bp = bpOf(scene, contents, loser.digest);
  const refuse = (detail: string): never => {
    throw new ProviderError({ code: 'conflict', doing, detail });
  };
  if (bp > 0) refuse(`it still has ${formatBp(bp)} of the traffic`);
  if (scene.split.canaryBp > 0)
    refuse(`stable's own Deployment must have all traffic; there is ${sharesInWords(scene)}`);
}

/** Requests in flight end; a repeat does not wait anew. */
async function drain(site: Site, own: StoredClaim | null, call: Call): Promise<void> {
  const { drainMs } = site.plan;
  const left = own === null ? drainMs : own.since + drainMs - site.clock.now();
  if (left > 0) await site.clock.sleep(Math.min(left, drainMs), call.signal);
}

/** The canary's Service leaves the route before it goes; the route is as its owner wrote it. */
async function leaveRoute(site: Site, order: Order, claim: StoredClaim, doing: string, call: Call): Promise<void> {
  const decide = (scene: Scene) => {
    if (!admitted(site.router.ref, scene.route, order, { direction: 'lower', done: false }, doing)) return null;
    if (scene.split.canaryBp > 0) {
      throw new ProviderError({ code: 'conflict', doing, detail: `there is ${sharesInWords(scene)}` });
    }
    if (!scene.split.present && !scene.split.preview) return null;
    const wanted = { canaryBp: 0, canary: 'absent' as const, preview: null, before: claim.recorded.route };
    return { claim, ops: site.router.write(scene.route, wanted) };
  };
  await change(site, order, doing, decide, call);
  await untilAccepted(site, 0, doing, call);
}

/** What may not be deleted is emptied and kept for the next rollout. */
async function removeCanary(site: Site, order: Order, claim: StoredClaim, doing: string, call: Call): Promise<void> {
  const deployment = site.deployments.canary;
  await unlessDenied(() => remove(site, canaryAutoscaler(site), order, doing, call));
  const empty = (object: JsonObject) => {
    admitted(deployment, object, order, { direction: 'lower', done: false }, doing);
    const ops = [{ op: 'add' as const, path: pointer('spec', 'replicas'), value: 0 }];
    return { claim: { ...claim, released: true }, ops };
  };
  await amend(site, deployment, { doing, decide: empty }, call);
  await remove(site, deployment, order, doing, call);
  await remove(site, site.services.canary, order, doing, call);
}

/** Only what carries a claim of ours, and is still what was read: its controller writes to it too. */
async function remove(site: Site, ref: Ref, order: Order, doing: string, call: Call): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const object = await site.api.get(ref, call);
    if (object === null || claimOn(object) === null) return;
    admitted(ref, object, order, { direction: 'lower', done: false }, doing);
    try {
      await site.api.remove(ref, object, call);
      return;
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      if (error.code === 'denied') return;
      if (error.code !== 'conflict' || tries === mostTries) throw error;
    }
    await site.clock.sleep(50 * tries, call.signal);
  }
}

async function release(
  site: Site,
  ref: Ref,
  order: Order,
  claim: StoredClaim,
  doing: string,
  call: Call,
): Promise<void> {
  const decide = (object: JsonObject) => {
    const own = ownClaim(claimOn(object), order);
    const done = own?.released === true && own.fence === order.fence;
    if (!admitted(ref, object, order, { direction: 'lower', done }, doing)) return null;
    return { claim: { ...claim, released: true }, ops: [] };
  };
  await amend(site, ref, { doing, decide }, call);
}
