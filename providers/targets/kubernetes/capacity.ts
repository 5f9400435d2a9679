/** How many pods a share needs (I2), and waiting until they are ready. */

import type { Release } from '../../../plan/release.ts';
import { nameOf } from '../../../plan/release.ts';
import type { Order } from '../../../plan/target.ts';
import { formatBp } from '../../../plan/units.ts';
import { ProviderError } from '../../errors.ts';
import type { Call } from './api.ts';
import { holdCanary } from './canary-autoscaler.ts';
import { admitted, amend, ownClaim } from './change.ts';
import { claimOn, type PlaceName, type StoredClaim } from './claim.ts';
import { pointer } from './patch.ts';
import { type Place, placeAt, placeOf, see, type Site } from './site.ts';
import { troublesOf } from './troubles.ts';

/** Room above what stable had for the same share. */
const headroom = 1.2;
const betweenMs = 500;

/** Pods for a share of what stable was when the rollout began. */
export function podsFor(bp: number, stableReplicas: number, least: number): number {
  if (bp === 0) return 0;
  // In whole numbers: 0.25 * 1.2 * 10 is a little more than 3.
  return Math.max(least, Math.ceil((stableReplicas * bp * Math.round(headroom * 10)) / 100_000));
}

/** Stable has what it always had; a pod that is just being replaced is what the headroom is for. */
export function canTakeAll(ready: number, stableReplicas: number): boolean {
  return ready > 0 && ready >= Math.ceil(stableReplicas / headroom);
}

/** Grows the canary for a share and waits until it is ready for it; it shrinks only at the end. */
export async function ensureCapacity(site: Site, order: Order, canaryBp: number, call: Call): Promise<void> {
  if (canaryBp === 0) return;
  const doing = `give ${order.canary.label} capacity for ${formatBp(canaryBp)}`;
  const scene = await see(site, call);
  const own = ownClaim(scene.claim, order);
  if (own === null) throw new ProviderError({ code: 'fenced', doing, detail: 'this rollout holds no claim there' });
  const place = placeOf(own.places, order.canary.digest, scene);
  if (place === null) {
    throw new ProviderError({ code: 'missing', doing, detail: `${nameOf(order.canary)} runs in no Deployment` });
  }
  const needed = podsFor(canaryBp, own.recorded.replicas, site.plan.canary.replicas);
  if (place === 'canary') await grow(site, order, own, needed, doing, call);
  await untilReady(site, { place, release: order.canary, pods: needed, doing }, call);
}

/** Never shrinks. */
async function grow(
  site: Site,
  order: Order,
  claim: StoredClaim,
  pods: number,
  doing: string,
  call: Call,
): Promise<void> {
  const ref = site.deployments.canary;
  await holdCanary(site, { order, claim, direction: 'claim', pods, doing }, call);
  await amend(
    site,
    ref,
    {
      doing,
      decide(object) {
        admitted(ref, object, order, { direction: 'claim', done: false }, doing);
        const replicas = (object['spec'] as { replicas?: number } | undefined)?.replicas ?? 1;
        if (replicas >= pods) return null;
        const kept = claimOn(object) ?? claim;
        const ops = [{ op: 'replace' as const, path: pointer('spec', 'replicas'), value: pods }];
        return { claim: { ...kept, fence: Math.max(kept.fence, order.fence) }, ops };
      },
    },
    call,
  );
}

interface Wish {
  readonly place: PlaceName;
  readonly release: Release;
  readonly pods: number;
  readonly doing: string;
}

/** Throws `invalid` when the Deployment gives up, `missing` when another release is there. */
export async function untilReady(site: Site, wish: Wish, call: Call): Promise<Place> {
  for (;;) {
    const place = await placeAt(site, wish.place, call);
    const lack = await lackOf(site, place, wish, call);
    if (lack === null) return place;
    await site.clock.sleep(betweenMs, call.signal);
  }
}

async function lackOf(site: Site, place: Place, { release, pods, doing }: Wish, call: Call): Promise<string | null> {
  const { workload, endpoints } = place;
  const name = site.deployments[place.name].name;
  if (workload === null) throw new ProviderError({ code: 'missing', doing, detail: `Deployment ${name} is gone` });
  if (workload.release?.digest !== release.digest) {
    const found = workload.release === null ? 'a release without a digest' : nameOf(workload.release);
    throw new ProviderError({ code: 'missing', doing, detail: `Deployment ${name} runs ${found}` });
  }
  if (workload.progress.kind === 'failed') {
    const troubles = await troublesOf(site, workload.object, call);
    const detail = [`Deployment ${name}: ${workload.progress.detail}`, ...troubles].join('; ');
    throw new ProviderError({ code: 'invalid', doing, detail });
  }
  if (workload.progress.kind === 'going') return workload.progress.detail;
  return endpoints.ready >= pods ? null : `${endpoints.ready} of ${pods} pods are ready`;
}

/** Why a release has no ready capacity for a share now; `null` when it has. For a write that must not wait. */
export function shortage(place: Place, release: Release, pods: number): string | null {
  const found = place.workload?.release?.digest;
  if (found !== release.digest) return `${nameOf(release)} does not run there any more`;
  return place.endpoints.ready >= pods ? null : `${place.endpoints.ready} of ${pods} pods are ready`;
}
