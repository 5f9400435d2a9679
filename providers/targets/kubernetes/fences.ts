/** The claim on the objects beside the route: written before anything of them is changed, raised on all of them when going back. */

import type { Order } from '../../../plan/target.ts';
import type { Call } from './api.ts';
import { pinnedAutoscaler } from './autoscaler.ts';
import { canaryAutoscalerThere } from './canary-autoscaler.ts';
import { admitted, amend, change, ownClaim } from './change.ts';
import { claimFor, claimOn, type StoredClaim } from './claim.ts';
import type { Ref } from './refs.ts';
import { contentsOf, look, type Place, placesAt, type Scene, type Site, writable } from './site.ts';

/** Throws `fenced`. Nothing for an object that does not exist. */
export async function hold(site: Site, ref: Ref, order: Order, claim: StoredClaim, call: Call): Promise<void> {
  const doing = `claim it for ${order.canary.label}`;
  const decide = (object: Parameters<typeof claimOn>[0] & object) => {
    const own = ownClaim(claimOn(object), order);
    const done = own?.fence === claim.fence;
    if (!admitted(ref, object, order, { direction: 'claim', done }, doing) || done) return null;
    return { claim, ops: [] };
  };
  await amend(site, ref, { doing, decide }, call);
}

/** The Deployments and what scales stable's; weights stay as they are. */
export async function fenceObjects(site: Site, order: Order, call: Call): Promise<void> {
  const [pinned, ours] = await Promise.all([pinnedAutoscaler(site, call), canaryAutoscalerThere(site, call)]);
  const refs = [...writable(site), ...[pinned, ours].filter((ref) => ref !== null)];
  const found = await look(site, call);
  await Promise.all(refs.map((ref) => fence(site, ref, order, ownClaim(found?.claim ?? null, order), call)));
}

async function fence(site: Site, ref: Ref, order: Order, ours: StoredClaim | null, call: Call): Promise<void> {
  const doing = `raise the fence to ${order.fence}`;
  await amend(
    site,
    ref,
    {
      doing,
      async decide(object) {
        const own = ownClaim(claimOn(object), order);
        const done = own?.fence === order.fence;
        if (!admitted(ref, object, order, { direction: 'lower', done }, doing) || done) return null;
        const base = own ?? ours ?? (await backClaim(site, order, null, call));
        return { claim: { ...base, fence: order.fence }, ops: [] };
      },
    },
    call,
  );
}

/** The route as well: its weights stay as they are. `null` when there is no route. */
export async function raiseEverywhere(site: Site, order: Order, call: Call): Promise<Scene | null> {
  const doing = `raise the fence to ${order.fence}`;
  const raise = async () => {
    const found = await look(site, call);
    if (found === null) return null;
    // Nothing is made again for whoever is too late.
    if (!found.there) await fenceObjects(site, order, call);
    return change(
      site,
      order,
      doing,
      async (scene) => {
        const own = ownClaim(scene.claim, order);
        const done = own?.fence === order.fence;
        if (!admitted(site.router.ref, scene.route, order, { direction: 'lower', done }, doing) || done) return null;
        const base = own ?? (await backClaim(site, order, scene, call));
        return { claim: { ...base, fence: order.fence }, ops: [] };
      },
      call,
    );
  };
  const [scene] = await Promise.all([raise(), fenceObjects(site, order, call)]);
  return scene;
}

/** Where no claim of ours stood, the only way on is back; what it knew is told by our claim on another object. */
export async function backClaim(site: Site, order: Order, scene: Scene | null, call: Call): Promise<StoredClaim> {
  const places = await placesAt(site, call);
  const elsewhere = [places.stable, places.canary].flatMap((place) => ownOn(place, order) ?? [])[0];
  const canaryBp = scene?.split.canaryBp ?? 0;
  const recorded = elsewhere?.recorded ?? {
    image: places.stable.workload?.image ?? 'unknown',
    replicas: places.stable.workload?.replicas ?? 1,
    route: {},
    templates: { stable: null, canary: null },
  };
  const contents = contentsOf(places);
  return claimFor(order, site.clock.now(), { stage: { kind: 'back' }, canaryBp, places: contents, recorded });
}

function ownOn({ workload }: Place, order: Order): StoredClaim | null {
  return ownClaim(claimOn(workload?.object ?? null), order);
}
