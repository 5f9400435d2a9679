/** The recorded stable: started beside what serves where it is not ready, then put back in its own Deployment. */

import { nameOf, type Release } from '../../../plan/release.ts';
import type { Instance, Order } from '../../../plan/target.ts';
import { ProviderError } from '../../errors.ts';
import type { Call } from './api.ts';
import { canTakeAll, untilReady } from './capacity.ts';
import { ownClaim } from './change.ts';
import { type ByPlace, type PlaceName, placeNames, type StoredClaim } from './claim.ts';
import { raiseEverywhere } from './fences.ts';
import { giveCanary, giveStable } from './give.ts';
import { move } from './shares.ts';
import { bpAt, bpOf, contentsOf, type Place, placeAt, placesAt, type Scene, see, type Site } from './site.ts';

const betweenMs = 500;
/** Traffic follows in parts of at least so much, basis points: each is a write of the route. */
const partBp = 1_000;

export async function restore(site: Site, order: Order, call: Call): Promise<Instance> {
  const doing = `restore ${order.stable.label}`;
  const scene = await raiseEverywhere(site, order, call);
  const places = await placesAt(site, call);
  if (scene === null) return withoutRoute(site, order, places, doing);
  const own = ownClaim(scene.claim, order);
  if (own === null) throw new ProviderError({ code: 'fenced', doing, detail: 'this rollout holds no claim there' });
  const isSafe = bpOf(scene, contentsOf(places), order.canary.digest) === 0;
  const found = warmPlace(places, order, own);
  const warm = found ?? (await beside(site, order, own, { scene, places, doing }, call));
  // Users come first: the way home is gone once the release under test has nothing any more.
  if (found === null && !isSafe) return readyAt(warm);
  if (warm === 'canary') await bringHome(site, order, own, doing, call);
  else await keepSize(site, order, own, doing, call);
  return readyAt('stable');
}

/** Where the recorded stable is ready to take everything; its own Deployment first. */
function warmPlace(places: ByPlace<Place>, { stable }: Order, { recorded }: StoredClaim): PlaceName | null {
  const contents = contentsOf(places);
  const isWarm = (name: PlaceName) =>
    contents[name]?.digest === stable.digest &&
    places[name].workload?.pure === true &&
    canTakeAll(places[name].endpoints.ready, recorded.replicas);
  return placeNames.find(isWarm) ?? null;
}

interface Found {
  readonly scene: Scene;
  readonly places: ByPlace<Place>;
  readonly doing: string;
}

/** In the Deployment that has less traffic, whose pods nobody misses; traffic follows as they become ready. */
async function beside(
  site: Site,
  order: Order,
  own: StoredClaim,
  { scene, places, doing }: Found,
  call: Call,
): Promise<PlaceName> {
  const contents = contentsOf(places);
  const isOurs = site.plan.promotion === 'direct' || bpAt(scene, 'canary') === 0;
  const idle = isOurs && bpAt(scene, 'stable') <= bpAt(scene, 'canary') ? 'stable' : 'canary';
  const name = placeNames.find((one) => contents[one]?.digest === order.stable.digest) ?? idle;
  await give(site, order, own, name, doing, call);
  const needed = Math.max(own.recorded.replicas, 1);
  for (;;) {
    const place = await placeAt(site, name, call);
    const isThere = place.workload?.release?.digest === order.stable.digest;
    // Pods of the old template still answer until the rollout is over: none of them may be counted.
    const ready = isThere && place.workload.pure ? place.endpoints.ready : 0;
    const bp = canTakeAll(ready, needed) ? 10_000 : Math.floor((10_000 * ready) / needed);
    const isWhole = bp === 10_000;
    if (isWhole || bp - bpAt(await see(site, call), name) >= partBp) await moveTo(site, order, name, bp, doing, call);
    if (isWhole) return name;
    await site.clock.sleep(betweenMs, call.signal);
  }
}

function readyAt(name: PlaceName): Instance {
  return { name: `${name} Deployment`, release: null, ready: true, detail: 'it can take all traffic' };
}

/** From our Deployment, where it serves, to its own; with traffic only once it is ready there. */
async function bringHome(site: Site, order: Order, own: StoredClaim, doing: string, call: Call): Promise<void> {
  await moveTo(site, order, 'canary', 10_000, doing, call);
  await give(site, order, own, 'stable', doing, call);
  const pods = Math.max(own.recorded.replicas, 1);
  await untilReady(site, { place: 'stable', release: order.stable, pods, doing }, call);
  await moveTo(site, order, 'stable', 10_000, doing, call);
}

/** It is ready in its own Deployment: its size is looked after, and that it is the one that serves. */
async function keepSize(site: Site, order: Order, own: StoredClaim, doing: string, call: Call): Promise<void> {
  await give(site, order, own, 'stable', doing, call);
  await moveTo(site, order, 'stable', 10_000, doing, call);
}

async function give(
  site: Site,
  order: Order,
  own: StoredClaim,
  name: PlaceName,
  doing: string,
  call: Call,
): Promise<void> {
  const { recorded } = own;
  const claim: StoredClaim = { ...own, fence: order.fence, stage: { kind: 'back' } };
  const gift = { order, claim, release: order.stable, direction: 'lower' as const, doing };
  if (name === 'stable' && site.plan.promotion === 'gitops') return mustHaveGivenBack(site, order, doing, call);
  if (name === 'canary') return giveCanary(site, { ...gift, replicas: Math.max(recorded.replicas, 1) }, call);
  const whole = { ...gift, image: recorded.image, replicas: recorded.replicas };
  return giveStable(site, whole, ({ release }) => mustBeOfOurs(site, release, order, doing), call);
}

/** Traffic is safe by then. What somebody else gave it meanwhile is not ours to overwrite. */
function mustBeOfOurs({ deployments }: Site, found: Release | null, { stable, canary }: Order, doing: string): void {
  if (found?.digest === stable.digest || found?.digest === canary.digest) return;
  const there = found === null ? 'an image without a digest' : nameOf(found);
  const { name } = deployments.stable;
  const detail = `Deployment ${name} was given ${there} by somebody else; ${nameOf(stable)} serves beside it. Give it ${stable.image}@${stable.digest} again, or start a rollout of what it has after that`;
  throw new ProviderError({ code: 'conflict', doing, detail });
}

/** Traffic is safe by then; the Deployment is its owner's. */
async function mustHaveGivenBack(site: Site, order: Order, doing: string, call: Call): Promise<void> {
  const { workload } = await placeAt(site, 'stable', call);
  if (workload?.release?.digest === order.stable.digest) return;
  const name = site.deployments.stable.name;
  const detail = `Deployment ${name} has another release in Git: give it ${order.stable.image}@${order.stable.digest} there again`;
  throw new ProviderError({ code: 'conflict', doing, detail });
}

/** The claim says which place has it; what the release under test keeps is written too. */
async function moveTo(site: Site, order: Order, name: PlaceName, bp: number, doing: string, call: Call): Promise<void> {
  const atCanary = name === 'canary' ? bp : 10_000 - bp;
  const claim = (own: StoredClaim): StoredClaim => ({
    ...own,
    stage: { kind: 'back' },
    canaryBp: 10_000 - bp,
    places: { ...own.places, [name]: order.stable },
    promoting: own.promoting && bp < 10_000,
    since: bp === 10_000 && own.canaryBp > 0 ? site.clock.now() : own.since,
  });
  await move(site, order, { atCanary, doing, claim }, call);
}

/** Nobody is served: stable's Deployment is made ready for whoever brings the route back. */
function withoutRoute(site: Site, order: Order, places: ByPlace<Place>, doing: string): Instance {
  if (contentsOf(places).stable?.digest === order.stable.digest) return readyAt('stable');
  const detail = `the route is gone, and with it what stable was: give Deployment ${site.deployments.stable.name} ${order.stable.label} by hand`;
  throw new ProviderError({ code: 'missing', doing, detail });
}
