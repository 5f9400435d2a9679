/** Moving traffic: shares of digests become weights of the two Services, with claim and preview, in one compare-and-set. */

import type { Release } from '../../../plan/release.ts';
import type { Order, Reading, Share, Stage } from '../../../plan/target.ts';
import { formatBp } from '../../../plan/units.ts';
import { ProviderError } from '../../errors.ts';
import { canaryShare } from '../canary-share.ts';
import { shareIntent } from '../share-intent.ts';
import type { Call } from './api.ts';
import { podsFor, shortage } from './capacity.ts';
import { type Amendment, admitted, change, ownClaim } from './change.ts';
import { type ByPlace, claimFor, type PlaceName, type StoredClaim } from './claim.ts';
import { backClaim, fenceObjects, raiseEverywhere } from './fences.ts';
import { contentInWords, readingAfter, readingWithoutRoute } from './reading.ts';
import { bpOf, contentsOf, look, placeOf, placesAt, type Scene, type Site } from './site.ts';

interface Wanted {
  readonly order: Order;
  readonly stage: Stage;
  readonly canaryBp: number;
  readonly doing: string;
}

export async function setWeights(
  site: Site,
  order: Order,
  shares: readonly Share[],
  stage: Stage,
  signal: AbortSignal | undefined,
): Promise<Reading> {
  const canaryBp = canaryShare(order, shares);
  const wanted: Wanted = { order, stage, canaryBp, doing: `set ${order.canary.label} to ${formatBp(canaryBp)}` };
  const isBack = stage.kind === 'back';
  const call: Call = { signal, urgent: isBack };
  // Nobody reaches a release by a route that is gone; whoever brings it back finds the fence on the other objects.
  if (isBack && canaryBp === 0 && (await look(site, call)) === null) {
    await fenceObjects(site, order, call);
    return readingWithoutRoute(site, call);
  }
  let isFenced = false as boolean;
  const decide = async (scene: Scene): Promise<Amendment | null> => {
    admitted(site.router.ref, scene.route, order, { direction: 'lower', done: false }, wanted.doing);
    const own = ownClaim(scene.claim, order);
    // A promotion that is under way must not give stable another release once it is decided that stable takes everything.
    if (isBack && !isFenced && (own === null || own.promoting || own.canaryBp === 10_000)) {
      await fenceObjects(site, order, call);
      isFenced = true;
    }
    return decideShares(site, scene, wanted, call);
  };
  const after = await change(site, order, wanted.doing, decide, call);
  if (isBack && !isFenced) await fenceObjects(site, order, call);
  return readingAfter(site, after, call);
}

async function decideShares(site: Site, scene: Scene, wanted: Wanted, call: Call): Promise<Amendment | null> {
  const { order, stage, canaryBp, doing } = wanted;
  const own = ownClaim(scene.claim, order);
  const contents = await contentsFor(site, own, order, call);
  const seats = seatsOf(scene, contents, wanted);
  const atCanary = seats.canary === 'canary' ? canaryBp : 10_000 - canaryBp;
  const preview = stage.kind === 'back' || seats.canary !== 'canary' ? null : site.plan.preview;
  const isSet = isDivided(scene, atCanary) && scene.split.preview === (preview !== null);
  const intent = shareIntent(own, wanted, { presentBp: bpOf(scene, contents, order.canary.digest), isSet });
  if (!admitted(site.router.ref, scene.route, order, intent, doing)) return null;
  const base = own ?? (await backClaim(site, order, scene, call));
  if (intent.direction === 'raise') await mustBeReady(site, seats.canary ?? 'canary', base, wanted, call);
  const { recorded, promoting } = base;
  const fresh = claimFor(order, site.clock.now(), { stage, canaryBp, places: contents, recorded });
  const since = own !== null && intent.isSame ? own.since : fresh.since;
  const claim: StoredClaim = { ...fresh, since, released: own?.released ?? false, promoting };
  const ops = site.router.write(scene.route, {
    canaryBp: atCanary,
    canary: 'present',
    preview,
    before: recorded.route,
  });
  return { claim, ops: isSet ? [] : ops };
}

/** What the claim says, so that going back asks nothing else; the Deployments themselves while stable's is being changed. */
async function contentsFor(
  site: Site,
  own: StoredClaim | null,
  order: Order,
  call: Call,
): Promise<ByPlace<Release | null>> {
  if (own !== null && !own.released && !own.promoting) {
    const known = [own.places.stable?.digest, own.places.canary?.digest];
    if (known.includes(order.stable.digest) && known.includes(order.canary.digest)) return own.places;
  }
  return contentsOf(await placesAt(site, call));
}

interface Seats {
  readonly stable: PlaceName | null;
  readonly canary: PlaceName | null;
}

function seatsOf(scene: Scene, contents: ByPlace<Release | null>, { order, canaryBp, doing }: Wanted): Seats {
  const stable = placeOf(contents, order.stable.digest, scene);
  const found = placeOf(contents, order.canary.digest, scene);
  const lost =
    canaryBp > 0 && found === null ? order.canary : canaryBp < 10_000 && stable === null ? order.stable : null;
  if (lost !== null) throw new ProviderError({ code: 'missing', doing, detail: `${lost.label} runs in no Deployment` });
  return { stable, canary: found ?? (stable === 'canary' ? 'stable' : 'canary') };
}

export function isDivided({ split }: Scene, atCanary: number): boolean {
  const isThere = split.present || atCanary === 0;
  return isThere && split.fault === null && !split.uneven && split.canaryBp === atCanary;
}

async function mustBeReady(
  site: Site,
  name: PlaceName,
  { recorded }: StoredClaim,
  { order, canaryBp, doing }: Wanted,
  call: Call,
): Promise<void> {
  const pods = podsFor(canaryBp, recorded.replicas, site.plan.canary.replicas);
  const places = await placesAt(site, call);
  const lack = shortage(places[name], order.canary, pods);
  if (lack !== null) throw new ProviderError({ code: 'unreachable', doing, detail: lack });
  const home = places[name === 'canary' ? 'stable' : 'canary'];
  if (home.workload?.release?.digest === order.stable.digest) return;
  const detail = `${home.name}'s Deployment has ${contentInWords(home)}, not ${order.stable.label}: there would be no way back`;
  throw new ProviderError({ code: 'missing', doing, detail });
}

/** Weights, preview and stage stay byte for byte. */
export async function raiseFence(site: Site, order: Order, signal: AbortSignal | undefined): Promise<Reading> {
  const call: Call = { signal, urgent: true };
  const scene = await raiseEverywhere(site, order, call);
  return scene === null ? readingWithoutRoute(site, call) : readingAfter(site, scene, call);
}

/** All traffic to one place, or a part of it; the claim follows. Throws `fenced` when the order is not the last word any more. */
export async function move(
  site: Site,
  order: Order,
  wanted: { readonly atCanary: number; readonly doing: string; readonly claim: (own: StoredClaim) => StoredClaim },
  call: Call,
): Promise<Scene> {
  return change(
    site,
    order,
    wanted.doing,
    (scene) => {
      const own = ownClaim(scene.claim, order);
      if (own === null || own.fence !== order.fence) {
        const detail = own === null ? 'this rollout holds no claim there' : `fence ${own.fence} stands there`;
        const fence = scene.claim === null ? {} : { fence: scene.claim.fence };
        throw new ProviderError({ code: 'fenced', doing: wanted.doing, detail, ...fence });
      }
      const claim = wanted.claim(own);
      const isSet = isDivided(scene, wanted.atCanary) && !scene.split.preview;
      if (isSet && JSON.stringify(claim) === JSON.stringify(own)) return null;
      const ops = site.router.write(scene.route, {
        canaryBp: wanted.atCanary,
        canary: 'present',
        preview: null,
        before: own.recorded.route,
      });
      return { claim, ops: isSet ? [] : ops };
    },
    call,
  );
}
