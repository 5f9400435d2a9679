/** What the target says about itself: claim, accepted shares, places; and whether an asked share is live. */

import type { Release } from '../../../plan/release.ts';
import type { Instance, Liveness, Order, Reading, Share } from '../../../plan/target.ts';
import { formatBp } from '../../../plan/units.ts';
import { ProviderError } from '../../errors.ts';
import { isOwn } from '../effects.ts';
import { plainClaim, type StoredClaim } from './claim.ts';
import { type BySlot, type SlotName, slotNames } from './connection.ts';
import { askDoor, contentsOf, type DoorAnswer, slotOf } from './contents.ts';
import { blindness, look, type Scene, type Site } from './site.ts';

/** How long a reading waits for the host: going back begins with one. */
const patienceMs = 1_000;

/** Empty shares when the route is not there. Throws `invalid` when several routes match. */
export async function read(site: Site, signal?: AbortSignal): Promise<Reading> {
  const [sight, door] = await Promise.all([look(site, signal), askDoor(site, signal, patienceMs)]);
  if (sight.kind === 'several') {
    throw new ProviderError({ code: 'invalid', doing: `read route ${site.plan.route}`, detail: blindness(sight) });
  }
  const claim = sight.kind === 'scene' ? sight.scene.claim : null;
  const instances = await instancesOf(site, claim, door, signal);
  const fence = largestFence(claim, door);
  if (sight.kind === 'none') return { claim: null, fence, shares: [], instances, unknownBp: 0 };
  return readingOf(sight.scene, fence, contentsOf(claim, door), instances);
}

/** The reading that answers a write. */
export async function readingAfter(site: Site, scene: Scene, signal?: AbortSignal): Promise<Reading> {
  const door = await askDoor(site, signal, patienceMs);
  const instances = await instancesOf(site, scene.claim, door, signal);
  return readingOf(scene, largestFence(scene.claim, door), contentsOf(scene.claim, door), instances);
}

/** The release with all traffic. Throws `missing` with the reason why nobody knows. */
export async function stable(site: Site, scene: Scene, signal?: AbortSignal): Promise<Release> {
  const door = await askDoor(site, signal);
  const contents = contentsOf(scene.claim, door);
  const doing = `find the release that serves route ${site.plan.route}`;
  const refuse = (detail: string): never => {
    throw new ProviderError({ code: 'missing', doing, detail });
  };
  const slot = slotNames.find((name) => scene.shares.bySlot[name] === 10_000);
  if (slot === undefined) return refuse(`no slot has all traffic: ${sharesInWords(scene)}`);
  const { name } = site.door.words;
  const why = door.kind === 'silent' ? `${name} cannot be asked: ${door.reason.detail}` : `${name} names none`;
  return contents[slot] ?? refuse(`slot ${slot} has all traffic and nobody knows its release; ${why}`);
}

function largestFence(claim: StoredClaim | null, door: DoorAnswer): number {
  const ofHost = door.kind === 'slots' ? slotNames.map((slot) => door.slots[slot].fence) : [];
  return Math.max(0, claim?.fence ?? 0, ...ofHost);
}

function readingOf(
  scene: Scene,
  fence: number,
  contents: BySlot<Release | null>,
  instances: readonly Instance[],
): Reading {
  const { bySlot, unknownBp } = scene.shares;
  const shares: Share[] = [];
  let nobodyKnows = unknownBp;
  for (const slot of slotNames) {
    const digest = contents[slot]?.digest;
    if (digest === undefined) nobodyKnows += bySlot[slot];
    else if (bySlot[slot] > 0) shares.push({ digest, bp: bySlot[slot] });
  }
  return { claim: scene.claim && plainClaim(scene.claim), fence, shares, instances, unknownBp: nobodyKnows };
}

/** The slots as places. A door that does not answer is no reason to call what answers itself dead: going back must not need it. */
async function instancesOf(
  site: Site,
  claim: StoredClaim | null,
  door: DoorAnswer,
  signal?: AbortSignal,
): Promise<readonly Instance[]> {
  if (door.kind === 'slots') {
    return slotNames.map((slot) => {
      const { release, ready, state, detail } = door.slots[slot];
      return { name: slot, release, ready, detail: detail === '' ? state : `${state}: ${detail}` };
    });
  }
  return Promise.all(
    slotNames.map(async (slot) => {
      const ready = await answers(site, slot, signal);
      const detail = `${site.door.words.name} cannot be asked (${door.reason.detail}); its address ${ready ? 'answers' : 'does not answer'}`;
      return { name: slot, release: claim?.slots[slot] ?? null, ready, detail };
    }),
  );
}

/** Any HTTP answer counts. Asked rarely: the service counts it as a request. */
export async function answers(site: Site, slot: SlotName, signal?: AbortSignal): Promise<boolean> {
  try {
    const url = `http://${site.slots[slot]}/`;
    await site.http.send({ method: 'GET', url, timeoutMs: patienceMs, maxBytes: 1024, ...(signal && { signal }) });
    return true;
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return false;
  }
}

export function sharesInWords({ shares: { bySlot, unknownBp } }: Scene): string {
  const unknown = unknownBp > 0 ? `, ${formatBp(unknownBp)} elsewhere` : '';
  return `slot a ${formatBp(bySlot.a)}, slot b ${formatBp(bySlot.b)}${unknown}`;
}

/** `drifted`: another share is accepted than asked. `unknown`: Caddy does not answer, or our claim is gone. */
export async function confirm(site: Site, order: Order, canaryBp: number, signal?: AbortSignal): Promise<Liveness> {
  try {
    const sight = await look(site, signal);
    if (sight.kind !== 'scene') return { kind: 'unknown', reason: blindness(sight) };
    const liveness = livenessOf(sight.scene, order, canaryBp);
    return liveness.kind === 'live' && canaryBp > 0 ? await whenReady(site, sight.scene, order, signal) : liveness;
  } catch (error) {
    if (error instanceof ProviderError && error.code === 'unreachable')
      return { kind: 'unknown', reason: error.message };
    throw error;
  }
}

function livenessOf(scene: Scene, order: Order, canaryBp: number): Liveness {
  const { claim, claimReading, shares } = scene;
  if (claim === null) {
    const gone =
      claimReading.kind === 'damaged' ? 'the claim on the route cannot be read' : 'no claim stands on the route';
    return { kind: 'unknown', reason: `${gone}: Caddy may have been restarted without its last state` };
  }
  if (!isOwn(claim, order))
    return { kind: 'rejected', reason: `the route is claimed by ${claim.rollout} (run ${claim.run})` };
  if (claim.fence < order.fence)
    return { kind: 'pending', reason: `fence ${claim.fence} stands there, not yet ${order.fence}` };
  const slot = slotOf(contentsOf(claim, null), order.canary.digest, scene);
  const acceptedBp = slot === null ? 0 : shares.bySlot[slot];
  if (acceptedBp === canaryBp && shares.unknownBp === 0) return { kind: 'live' };
  return { kind: 'drifted', acceptedBp, reason: `asked ${formatBp(canaryBp)}, Caddy has ${sharesInWords(scene)}` };
}

/** Live also means that something answers there. A door that cannot be asked is no reason for doubt. */
async function whenReady(site: Site, scene: Scene, order: Order, signal?: AbortSignal): Promise<Liveness> {
  const slot = slotOf(contentsOf(scene.claim, null), order.canary.digest, scene);
  const door = await askDoor(site, signal, patienceMs);
  if (slot === null || door.kind === 'silent' || door.slots[slot].ready) return { kind: 'live' };
  const { state, detail } = door.slots[slot];
  return { kind: 'pending', reason: `slot ${slot} is not ready: ${state} ${detail}`.trimEnd() };
}
