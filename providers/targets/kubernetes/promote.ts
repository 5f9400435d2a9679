/** The release becomes stable: its own Deployment gets it while the canary's pods serve, then the traffic, and the old release stays warm. */

import type { Release } from '../../../plan/release.ts';
import { nameOf } from '../../../plan/release.ts';
import type { Order } from '../../../plan/target.ts';
import { ProviderError } from '../../errors.ts';
import type { Call } from './api.ts';
import { untilReady } from './capacity.ts';
import { admitted, change, ownClaim } from './change.ts';
import type { StoredClaim } from './claim.ts';
import { giveCanary, giveStable } from './give.ts';
import { imageOf } from './image.ts';
import { editInWords, isEdited, sharesInWords } from './reading.ts';
import { move } from './shares.ts';
import { bpOf, contentsOf, placeAt, placesAt, type Scene, type Site } from './site.ts';
import { untilAccepted } from './taken-up.ts';
import type { Workload } from './workload.ts';

const betweenMs = 1_000;

export async function promote(site: Site, order: Order, call: Call): Promise<void> {
  const doing = `promote ${order.canary.label}`;
  const claim = await begin(site, order, doing, call);
  if (claim === null) return;
  const { canary, stable } = order;
  const pods = Math.max(claim.recorded.replicas, 1);
  if (site.plan.promotion === 'direct') {
    const gift = { order, claim, release: canary, image: imageOf(canary), replicas: claim.recorded.replicas };
    const mayReplace = (found: Workload) => {
      mustBeStable(found.release, order, doing);
      if (!isEdited(site, claim, 'stable', found)) return;
      throw new ProviderError({ code: 'fenced', doing, detail: editInWords(site, 'stable') });
    };
    await giveStable(site, { ...gift, direction: 'raise', doing }, mayReplace, call);
  } else {
    await untilGiven(site, order, doing, call);
  }
  await untilReady(site, { place: 'stable', release: canary, pods, doing }, call);
  const home = (own: StoredClaim): StoredClaim => ({ ...own, places: { ...own.places, stable: canary } });
  await move(site, order, { atCanary: 0, doing, claim: home }, call);
  await untilAccepted(site, 0, doing, call);
  await site.clock.sleep(site.plan.drainMs, call.signal);
  const warm = { order, claim: home(claim), release: stable, replicas: pods, direction: 'claim' as const, doing };
  await giveCanary(site, warm, call);
  await untilReady(site, { place: 'canary', release: stable, pods, doing }, call);
  const since = site.clock.now();
  const end = (own: StoredClaim): StoredClaim => ({
    ...own,
    places: { stable: canary, canary: stable },
    stage: { kind: 'promoted' },
    canaryBp: 10_000,
    promoting: false,
    since,
  });
  await move(site, order, { atCanary: 0, doing, claim: end }, call);
}

/** The claim says that it has begun, before anything of stable is touched; `null` when it has ended already. */
async function begin(site: Site, order: Order, doing: string, call: Call): Promise<StoredClaim | null> {
  const contents = contentsOf(await placesAt(site, call));
  let isDone = false as boolean;
  const decide = (scene: Scene) => {
    const own = ownClaim(scene.claim, order);
    isDone = own?.fence === order.fence && own.stage.kind === 'promoted';
    const done = isDone || (own?.fence === order.fence && own.promoting);
    if (!admitted(site.router.ref, scene.route, order, { direction: 'raise', done }, doing) || own === null)
      return null;
    if (bpOf(scene, contents, order.canary.digest) !== 10_000) {
      const detail = `it must have all traffic first; there is ${sharesInWords(scene)}`;
      throw new ProviderError({ code: 'conflict', doing, detail });
    }
    return { claim: { ...own, fence: order.fence, promoting: true }, ops: [] };
  };
  const { claim } = await change(site, order, doing, decide, call);
  if (isDone) return null;
  if (claim !== null && claim.fence === order.fence) return claim;
  throw new ProviderError({ code: 'fenced', doing, detail: 'the claim on the route was changed meanwhile' });
}

/** Somebody gave it another release meanwhile: that is theirs to explain, and not ours to overwrite. */
function mustBeStable(found: Release | null, { stable }: Order, doing: string): void {
  if (found?.digest === stable.digest) return;
  const there = found === null ? 'an image without a digest' : nameOf(found);
  const detail = `stable's Deployment was changed by somebody else: it has ${there}, not ${nameOf(stable)}`;
  throw new ProviderError({ code: 'fenced', doing, detail });
}

/** Whoever owns the Deployment in Git gives it the release. */
async function untilGiven(site: Site, order: Order, doing: string, call: Call): Promise<void> {
  for (;;) {
    const { workload } = await placeAt(site, 'stable', call);
    const found = workload?.release ?? null;
    if (found?.digest === order.canary.digest) return;
    mustBeStable(found, order, doing);
    await site.clock.sleep(betweenMs, call.signal);
  }
}
