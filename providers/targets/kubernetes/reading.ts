/** What the cluster says about itself: claim, accepted shares, places; and whether an asked share is live. */

import type { Release } from '../../../plan/release.ts';
import { nameOf } from '../../../plan/release.ts';
import type { Instance, Liveness, Order, Reading, Share } from '../../../plan/target.ts';
import { formatBp } from '../../../plan/units.ts';
import { ProviderError } from '../../errors.ts';
import { isOwn } from '../effects.ts';
import type { Call } from './api.ts';
import { canTakeAll } from './capacity.ts';
import { type ByPlace, claimOn, plainClaim, type PlaceName, placeNames, type StoredClaim } from './claim.ts';
import { nameOfRef } from './refs.ts';
import { bpAt, bpOf, contentsOf, look, type Place, placesAt, type Scene, type Site } from './site.ts';
import { templateMark } from './template.ts';
import type { Workload } from './workload.ts';

/** Empty shares when the route is not there. */
export async function read(site: Site, call: Call): Promise<Reading> {
  const [scene, places] = await Promise.all([look(site, call), placesAt(site, call)]);
  return scene === null ? withoutRoute(places) : readingOf(site, scene, places);
}

/** The reading that answers a write. */
export async function readingAfter(site: Site, scene: Scene, call: Call): Promise<Reading> {
  return readingOf(site, scene, await placesAt(site, call));
}

export async function readingWithoutRoute(site: Site, call: Call): Promise<Reading> {
  return withoutRoute(await placesAt(site, call));
}

function withoutRoute(places: ByPlace<Place>): Reading {
  const claims = claimsOn(places);
  const instances = placeNames.flatMap((name) => instanceOf(places[name], null));
  return { claim: null, fence: largest(claims), shares: [], instances, unknownBp: 0 };
}

function readingOf(site: Site, scene: Scene, places: ByPlace<Place>): Reading {
  const contents = contentsOf(places);
  const shares: Share[] = [];
  let unknownBp = scene.split.fault === null ? 0 : 10_000;
  for (const name of placeNames) {
    const bp = bpAt(scene, name);
    const digest = contents[name]?.digest;
    if (bp === 0) continue;
    if (digest === undefined) unknownBp += bp;
    else shares.push({ digest, bp });
  }
  const claims = claimsOn(places);
  const claim = decisive(scene.claim, claims);
  return {
    claim: claim && plainClaim(claim),
    fence: largest(scene.claim === null ? claims : [...claims, scene.claim]),
    shares: merged(shares),
    instances: placeNames.flatMap((name) => instanceOf(places[name], scene.claim)),
    unknownBp,
    ...(scene.split.fault !== null && scene.split.present && { outage: true as const }),
    ...(scene.claim?.promoting === true && { restorable: true as const }),
    ...changeOf(site, scene.claim, places),
  };
}

/** Until it is promoted, stable's Deployment is its owner's, and has to stay what it was; the canary's is what it was made as. */
function changeOf(
  site: Site,
  claim: StoredClaim | null,
  places: ByPlace<Place>,
): Pick<Reading, 'stableChanged' | 'edited'> {
  const isUnderWay = claim !== null && !claim.released && !claim.promoting;
  if (!isUnderWay || (claim.stage.kind !== 'deployed' && claim.stage.kind !== 'step')) return {};
  const { workload } = places.stable;
  if (workload !== null && workload.release?.digest !== claim.stable.digest) {
    const found = `${site.deployments.stable.name} has ${contentInWords(places.stable)}`;
    return { stableChanged: `stable's Deployment was changed by somebody else: ${found}, not ${nameOf(claim.stable)}` };
  }
  const edited = placeNames.find((name) => {
    const found = places[name].workload;
    return found?.release?.digest === claim[name].digest && isEdited(site, claim, name, found);
  });
  return edited === undefined ? {} : { edited: editInWords(site, edited) };
}

/** Its pods are made from something else than they were when the rollout began, whatever their release. */
export function isEdited(site: Site, { recorded }: StoredClaim, name: PlaceName, { object }: Workload): boolean {
  const mark = recorded.templates[name];
  return mark !== null && mark !== templateMark(site.plan, object);
}

export function editInWords({ deployments }: Site, name: PlaceName): string {
  const whose = name === 'stable' ? "stable's" : "the canary's";
  return `${whose} Deployment was changed by somebody else: the template of ${deployments[name].name} has more than another image`;
}

/** The route's, unless nobody holds it and somebody holds a Deployment: then that is in the way. */
function decisive(ofRoute: StoredClaim | null, others: readonly StoredClaim[]): StoredClaim | null {
  if (ofRoute !== null && !ofRoute.released) return ofRoute;
  return others.find(({ released, rollout }) => !released && rollout !== ofRoute?.rollout) ?? ofRoute;
}

function claimsOn(places: ByPlace<Place>): readonly StoredClaim[] {
  return placeNames.flatMap((name) => claimOn(places[name].workload?.object ?? null) ?? []);
}

function largest(claims: readonly StoredClaim[]): number {
  return Math.max(0, ...claims.map(({ fence }) => fence));
}

/** Both places may run the same release. */
function merged(shares: readonly Share[]): readonly Share[] {
  const byDigest = new Map<string, number>();
  for (const { digest, bp } of shares) byDigest.set(digest, (byDigest.get(digest) ?? 0) + bp);
  return [...byDigest].map(([digest, bp]) => ({ digest, bp }));
}

/** Stable is ready when it can take everything; the canary when one of its pods is. */
function instanceOf({ name, workload, endpoints }: Place, claim: StoredClaim | null): readonly Instance[] {
  if (workload === null) return [];
  const { release, replicas, progress } = workload;
  const asBefore = claim !== null && !claim.released && release?.digest === claim.stable.digest;
  const ready = asBefore ? canTakeAll(endpoints.ready, claim.recorded.replicas) : endpoints.ready > 0;
  const going = progress.kind === 'done' ? '' : `; ${progress.detail}`;
  const wanted = asBefore ? claim.recorded.replicas : replicas;
  const detail = `${endpoints.ready} of ${wanted} pods are ready${going}`;
  return [{ name: `${name} Deployment`, release, ready, detail }];
}

/** The release with all traffic. Throws `missing` with the reason why nobody knows. */
export async function stable(site: Site, call: Call): Promise<Release> {
  const doing = `find the release that serves ${nameOfRef(site.router.ref)}`;
  const refuse = (detail: string): never => {
    throw new ProviderError({ code: 'missing', doing, detail });
  };
  const [scene, places] = await Promise.all([look(site, call), placesAt(site, call)]);
  if (scene === null) return refuse('it does not exist');
  if (scene.split.fault !== null) return refuse(scene.split.fault);
  const serving = placeNames.find((name) => bpAt(scene, name) === 10_000);
  if (serving === undefined) return refuse(`no Service has all traffic: ${sharesInWords(scene)}`);
  const { workload } = places[serving];
  if (workload === null) return refuse(`Deployment ${site.deployments[serving].name} does not exist`);
  if (workload.image === null) return refuse(`its Deployment has no container ${site.plan.container}`);
  return workload.release ?? refuse(`its image ${workload.image} names no digest`);
}

/** A Gateway needs a moment to take up a change: it is asked again, less and less often, before a caller has to wait. */
const moments = [15, 30, 60, 120, 240, 480];

/** `unknown`: the API server does not answer, or our claim is gone. */
export async function confirm(
  site: Site,
  order: Order,
  canaryBp: number,
  signal: AbortSignal | undefined,
): Promise<Liveness> {
  for (const moment of moments) {
    const liveness = await livenessNow(site, order, canaryBp, signal);
    if (liveness.kind !== 'pending') return liveness;
    await site.clock.sleep(moment, signal);
  }
  return livenessNow(site, order, canaryBp, signal);
}

async function livenessNow(
  site: Site,
  order: Order,
  canaryBp: number,
  signal: AbortSignal | undefined,
): Promise<Liveness> {
  const call: Call = { signal, urgent: canaryBp === 0 };
  try {
    const [scene, places] = await Promise.all([look(site, call), placesAt(site, call)]);
    if (scene !== null) return livenessOf(site, scene, places, order, canaryBp);
    if (canaryBp === 0) return { kind: 'live' }; // without a route nobody reaches it
    return { kind: 'unknown', reason: `${nameOfRef(site.router.ref)} does not exist` };
  } catch (error) {
    const isAway = error instanceof ProviderError && ['unreachable', 'throttled'].includes(error.code);
    if (isAway) return { kind: 'unknown', reason: error.message };
    throw error;
  }
}

function livenessOf(site: Site, scene: Scene, places: ByPlace<Place>, order: Order, canaryBp: number): Liveness {
  const { claim, claimReading } = scene;
  if (claim === null) {
    const gone = claimReading.kind === 'damaged' ? 'the claim there cannot be read' : 'no claim stands there';
    return { kind: 'unknown', reason: `${nameOfRef(site.router.ref)}: ${gone}` };
  }
  if (!isOwn(claim, order)) return { kind: 'rejected', reason: `it is claimed by ${claim.rollout} (run ${claim.run})` };
  if (claim.fence < order.fence) {
    return { kind: 'pending', reason: `fence ${claim.fence} stands there, not yet ${order.fence}` };
  }
  const acceptedBp = bpOf(scene, contentsOf(places), order.canary.digest);
  if (acceptedBp !== canaryBp || scene.split.uneven || scene.split.fault !== null) {
    return { kind: 'drifted', acceptedBp, reason: `asked ${formatBp(canaryBp)}, there is ${sharesInWords(scene)}` };
  }
  const acceptance = site.router.acceptance(scene.route, canaryBp);
  if (acceptance.kind !== 'accepted') return acceptance;
  return canaryBp === 0 ? { kind: 'live' } : behindServices(scene, places);
}

/** A share that nobody stands behind is answered with errors. */
function behindServices(scene: Scene, places: ByPlace<Place>): Liveness {
  const empty = placeNames.find((name) => bpAt(scene, name) > 0 && places[name].endpoints.ready === 0);
  if (empty === undefined) return { kind: 'live' };
  return {
    kind: 'pending',
    reason: `no pod is ready behind the ${empty} Service, which has ${formatBp(bpAt(scene, empty))}`,
  };
}

export function sharesInWords({ split }: Scene): string {
  const { fault, stableBp, canaryBp, uneven } = split;
  if (fault !== null) return fault;
  return `${formatBp(stableBp)} to stable's Service, ${formatBp(canaryBp)} to the canary's${uneven ? ', not in all rules alike' : ''}`;
}

/** What a place runs, in words. */
export function contentInWords({ workload }: Place): string {
  if (workload === null) return 'nothing';
  return workload.release === null
    ? `an image without a digest (${workload.image ?? 'none'})`
    : nameOf(workload.release);
}
