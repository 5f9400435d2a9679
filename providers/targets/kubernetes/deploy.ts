/** The canary's start: the objects claimed, its Deployment and Service beside stable's, its pods ready at 0 %. */

import type { Instance, Order } from '../../../plan/target.ts';
import { ProviderError } from '../../errors.ts';
import type { Call } from './api.ts';
import { pinFloor } from './autoscaler.ts';
import { canTakeAll, untilReady } from './capacity.ts';
import { admitted, change, ownClaim } from './change.ts';
import { claimFor, type StoredClaim } from './claim.ts';
import { hold } from './fences.ts';
import { giveCanary } from './give.ts';
import { contentInWords, sharesInWords } from './reading.ts';
import { type Place, placesAt, type Scene, type Site, writable } from './site.ts';
import { untilAccepted } from './taken-up.ts';
import { templateMark } from './template.ts';

export async function deploy(site: Site, order: Order, call: Call): Promise<Instance> {
  const doing = `deploy ${order.canary.label}`;
  const claim = await claimRoute(site, order, doing, call);
  for (const ref of writable(site)) await hold(site, ref, order, claim, call);
  await pinFloor(site, order, claim, call);
  const { replicas } = site.plan.canary;
  const gift = { order, claim, release: order.canary, replicas, direction: 'claim' as const, doing };
  await giveCanary(site, gift, call);
  const place = await untilReady(site, { place: 'canary', release: order.canary, pods: replicas, doing }, call);
  await showRoute(site, order, claim, place, doing, call);
  const detail = `${place.endpoints.ready} pods are ready`;
  return { name: 'canary Deployment', release: order.canary, ready: true, detail };
}

async function claimRoute(site: Site, order: Order, doing: string, call: Call): Promise<StoredClaim> {
  const decide = async (scene: Scene) => {
    const own = ownClaim(scene.claim, order);
    const done = own?.fence === order.fence && own.stage.kind === 'deployed';
    if (!admitted(site.router.ref, scene.route, order, { direction: 'claim', done }, doing)) return null;
    const recorded = own?.recorded ?? (await recordStable(site, order, scene, doing, call));
    const places = { stable: order.stable, canary: order.canary };
    const claim = claimFor(order, site.clock.now(), { stage: { kind: 'deployed' }, canaryBp: 0, places, recorded });
    return { claim, ops: [] };
  };
  const { claim } = await change(site, order, doing, decide, call);
  if (claim !== null && ownClaim(claim, order) !== null) return claim;
  throw new ProviderError({ code: 'conflict', doing, detail: 'the claim is gone again' });
}

/** Stable serves alone, with the release that was recorded, or nobody would know the way back. */
async function recordStable(
  site: Site,
  order: Order,
  scene: Scene,
  doing: string,
  call: Call,
): Promise<StoredClaim['recorded']> {
  const { stable } = await placesAt(site, call);
  const refuse = (detail: string): never => {
    throw new ProviderError({ code: 'invalid', doing, detail });
  };
  if (scene.split.fault !== null || scene.split.canaryBp !== 0) {
    return refuse(`stable must have all traffic first; there is ${sharesInWords(scene)}`);
  }
  const { workload } = stable;
  if (workload?.image == null || workload.release?.digest !== order.stable.digest) {
    return refuse(`${contentInWords(stable)} serves, not ${order.stable.label}`);
  }
  if (!canTakeAll(stable.endpoints.ready, workload.replicas)) {
    return refuse(`only ${stable.endpoints.ready} of stable's ${workload.replicas} pods are ready`);
  }
  const templates = { stable: templateMark(site.plan, workload.object), canary: null };
  const route = site.router.record(scene.route);
  return { image: workload.image, replicas: workload.replicas, route, templates };
}

/** The canary's Service stands in the route at 0 %, with the preview, and the gateway has taken it up. */
async function showRoute(
  site: Site,
  order: Order,
  claim: StoredClaim,
  { workload }: Place,
  doing: string,
  call: Call,
): Promise<void> {
  const mark = workload === null ? null : templateMark(site.plan, workload.object);
  const { preview } = site.plan;
  const decide = (scene: Scene) => {
    const own = ownClaim(scene.claim, order);
    const intent = { direction: 'claim' as const, done: false };
    if (!admitted(site.router.ref, scene.route, order, intent, doing) || own === null) return null;
    const { recorded } = own;
    const isShown = scene.split.present && scene.split.preview === (preview !== null);
    if (isShown && recorded.templates.canary === mark) return null;
    const canaryBp = scene.split.canaryBp;
    if (canaryBp > 0)
      throw new ProviderError({ code: 'conflict', doing, detail: 'somebody gave it traffic meanwhile' });
    return {
      claim: { ...own, recorded: { ...recorded, templates: { ...recorded.templates, canary: mark } } },
      ops: site.router.write(scene.route, { canaryBp: 0, canary: 'present', preview, before: claim.recorded.route }),
    };
  };
  await change(site, order, doing, decide, call);
  // At 1 bp of attention: its Service must be found, or its share would silently go elsewhere.
  await untilAccepted(site, 1, doing, call);
}
