/** What the API says: claim, shares, places; and whether an asked share is live. */

import type { Release } from '../../../plan/release.ts';
import { shortDigest } from '../../../plan/release.ts';
import type { Instance, Liveness, Order, Reading, Share } from '../../../plan/target.ts';
import { formatBp } from '../../../plan/units.ts';
import { ProviderError } from '../../errors.ts';
import { isOwn } from '../effects.ts';
import { make } from './call.ts';
import { storesClaims } from './connection.ts';
import { passes, type Place } from './find.ts';
import { bpOf, placesOf, type Scene, see, valuesFor } from './scene.ts';
import type { Site } from './site.ts';

export function readingOf(site: Site, scene: Scene): Reading {
  const { held, places } = scene;
  const digests = [...new Set(places.flatMap(({ digest }) => digest ?? []))];
  const shares: readonly Share[] = digests
    .map((digest) => ({ digest, bp: bpOf(scene, digest) }))
    .filter(({ bp }) => bp > 0);
  const known = shares.reduce((sum, { bp }) => sum + bp, 0);
  const all = places.reduce((sum, { bp }) => sum + bp, 0);
  const instances = places.map((place, index) => instanceOf(site, scene, place, index));
  return { claim: held, fence: held?.fence ?? 0, shares, instances, unknownBp: all - known };
}

function instanceOf(site: Site, scene: Scene, place: Place, index: number): Instance {
  const release = place.digest === null ? null : releaseOf(site, scene, place, place.digest);
  const name = `place ${index + 1}`;
  if (place.ready === null)
    return { name, release, ready: true, detail: 'the connection declares no way to tell whether it is ready' };
  return { name, release, ready: place.ready, detail: place.ready ? 'ready' : 'not ready' };
}

/** What the API does not name the claim may; at last the digest has to do for a label. */
function releaseOf({ plan }: Pick<Site, 'plan'>, { held }: Scene, place: Place, digest: string): Release {
  const claimed = [held?.stable, held?.canary].find((release) => release?.digest === digest);
  const label = place.label ?? claimed?.label ?? shortDigest(digest);
  return { digest, label, image: place.image ?? claimed?.image ?? plan.route };
}

/** The release with all traffic. Throws `missing` with the reason why nobody knows. */
export function stableOf(site: Site, scene: Scene): Release {
  const doing = `find the release that serves route ${site.plan.route}`;
  const serving = scene.places.find(({ digest }) => digest !== null && bpOf(scene, digest) === 10_000);
  if (serving?.digest != null) return releaseOf(site, scene, serving, serving.digest);
  throw new ProviderError({ code: 'missing', doing, detail: `no release has all traffic: ${sharesInWords(scene)}` });
}

/** Why a release cannot take traffic; `null` when it can, or nobody can tell. */
export function unready(scene: Scene, release: Release): string | null {
  const places = placesOf(scene, release.digest);
  const tells = scene.places.some(({ ready }) => ready !== null);
  if (!tells || places.some(({ ready }) => ready === true)) return null;
  return places.length === 0 ? `${release.label} is in no place of the API` : `${release.label} is not ready`;
}

/** `drifted`: another share is accepted than asked. `unknown`: the API does not answer, or our claim is gone. */
export async function confirm(site: Site, order: Order, canaryBp: number, signal?: AbortSignal): Promise<Liveness> {
  try {
    const scene = await see(site, signal);
    const liveness = livenessOf(site, scene, order, canaryBp);
    if (liveness.kind !== 'live') return liveness;
    const waits = canaryBp > 0 ? unready(scene, order.canary) : null;
    return waits === null ? await atDataPlane(site, order, canaryBp, signal) : { kind: 'pending', reason: waits };
  } catch (error) {
    if (error instanceof ProviderError && error.code === 'unreachable')
      return { kind: 'unknown', reason: error.message };
    throw error;
  }
}

function livenessOf(site: Site, scene: Scene, order: Order, canaryBp: number): Liveness {
  if (storesClaims(site.connection)) {
    const { held } = scene;
    if (held === null) return { kind: 'unknown', reason: 'no claim is stored there any more' };
    if (!isOwn(held, order)) return { kind: 'rejected', reason: `it is claimed by ${held.rollout} (run ${held.run})` };
    if (held.fence < order.fence)
      return { kind: 'pending', reason: `fence ${held.fence} stands there, not yet ${order.fence}` };
  }
  const acceptedBp = bpOf(scene, order.canary.digest);
  if (acceptedBp === canaryBp && bpOf(scene, order.stable.digest) === 10_000 - canaryBp) return { kind: 'live' };
  return { kind: 'drifted', acceptedBp, reason: `asked ${formatBp(canaryBp)}, there is ${sharesInWords(scene)}` };
}

async function atDataPlane(site: Site, order: Order, canaryBp: number, signal?: AbortSignal): Promise<Liveness> {
  const { confirm: call } = site.connection.calls;
  if (call === null) return { kind: 'live' };
  const answer = await make(site, 'confirm', call, valuesFor(site, order, canaryBp), signal);
  if (passes(call.live, answer)) return { kind: 'live' };
  return { kind: 'pending', reason: `the data plane does not serve ${formatBp(canaryBp)} yet` };
}

export function sharesInWords({ places }: Scene): string {
  const parts = places
    .filter(({ bp }) => bp > 0)
    .map(
      ({ digest, bp }) => `${formatBp(bp)} to ${digest === null ? 'a release without a digest' : shortDigest(digest)}`,
    );
  return parts.length === 0 ? 'no release has any traffic' : parts.slice(0, 10).join(', ');
}
