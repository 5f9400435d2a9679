/** A release's life beside its traffic: started at 0 %, made stable, restored, retired, each by the declared call or by none. */

import type { Release } from '../../../plan/release.ts';
import { nameOf } from '../../../plan/release.ts';
import type { Instance, Order } from '../../../plan/target.ts';
import { formatBp } from '../../../plan/units.ts';
import { ProviderError } from '../../errors.ts';
import { make } from './call.ts';
import { admitted, change, type Decision, ownClaim } from './change.ts';
import type { Verb } from './connection.ts';
import { storesClaims } from './connection.ts';
import { sharesInWords, unready } from './reading.ts';
import { bpOf, releaseValues, type Scene, see, valuesFor } from './scene.ts';
import type { Site } from './site.ts';

const pollMs = 500;
/** Longer than this is given back to the caller, who may ask again. */
const patienceMs = 10 * 60_000;

/** Claims the route where claims are stored, starts the release where that is declared, and returns when it is ready. */
export async function deploy(site: Site, order: Order, signal?: AbortSignal): Promise<Instance> {
  const doing = `deploy ${order.canary.label}`;
  const decide = (scene: Scene): Decision => {
    const own = ownClaim(scene, order);
    const done = own?.fence === order.fence && own.stage.kind === 'deployed';
    if (!admitted(site, scene, order, { direction: 'claim', done }, doing)) return null;
    if (bpOf(scene, order.stable.digest) !== 10_000) {
      const detail = `${order.stable.label} must have all traffic; there is ${sharesInWords(scene)}`;
      throw new ProviderError({ code: 'invalid', doing, detail });
    }
    if (!storesClaims(site.connection)) return null;
    const stage = { kind: 'deployed' } as const;
    return { canaryBp: 0, stage, direction: 'claim', since: site.clock.now(), released: false };
  };
  await change(site, { doing, order, decide }, signal);
  await ask(site, 'deploy', order, 0, signal);
  return ready(site, order.canary, doing, signal);
}

/** Returns when the API has said yes. */
export async function ensureCapacity(site: Site, order: Order, canaryBp: number, signal?: AbortSignal): Promise<void> {
  if (canaryBp > 0) await ask(site, 'ensureCapacity', order, canaryBp, signal);
}

export async function promote(site: Site, order: Order, signal?: AbortSignal): Promise<void> {
  const doing = `promote ${order.canary.label}`;
  const decide = (scene: Scene): Decision => {
    const own = ownClaim(scene, order);
    const done = own?.fence === order.fence && own.stage.kind === 'promoted';
    if (!admitted(site, scene, order, { direction: 'raise', done }, doing)) return null;
    if (bpOf(scene, order.canary.digest) !== 10_000) {
      const detail = `it must have all traffic first; there is ${sharesInWords(scene)}`;
      throw new ProviderError({ code: 'conflict', doing, detail });
    }
    if (!storesClaims(site.connection)) return null;
    const since = own?.stage.kind === 'promoted' ? own.since : site.clock.now();
    return { canaryBp: 10_000, stage: { kind: 'promoted' }, direction: 'raise', since, released: false };
  };
  await change(site, { doing, order, decide }, signal);
  await ask(site, 'promote', order, 10_000, signal);
}

/** Where nothing is declared that starts stable again, it must still be there. */
export async function restore(site: Site, order: Order, signal?: AbortSignal): Promise<Instance> {
  const doing = `restore ${order.stable.label}`;
  const scene = await see(site, signal);
  admitted(site, scene, order, { direction: 'lower', done: false }, doing);
  if (site.connection.calls.restore !== null) {
    await ask(site, 'restore', order, bpOf(scene, order.canary.digest), signal);
    return ready(site, order.stable, doing, signal);
  }
  const detail = unready(scene, order.stable);
  if (detail === null) return instance(order.stable);
  throw new ProviderError({
    code: 'unreachable',
    doing,
    detail: `${detail}, and the connection declares no restore call: start it by hand`,
  });
}

/**
 * Waits until the loser has been without traffic for the drain time, has it removed where that is declared, and gives the
 * claim back. Throws `conflict` while the loser has traffic.
 */
export async function retire(site: Site, order: Order, loser: Release, signal?: AbortSignal): Promise<void> {
  const doing = `retire ${loser.label}`;
  const before = await see(site, signal);
  const own = ownClaim(before, order);
  const done = own?.released === true && own.fence === order.fence;
  if (!admitted(site, before, order, { direction: 'lower', done }, doing)) return;
  if (site.connection.calls.retire !== null) {
    mustBeIdle(before, loser, doing);
    await drain(site, own?.since ?? null, signal);
    mustBeIdle(await see(site, signal), loser, doing); // somebody may have given it traffic meanwhile
    await ask(site, 'retire', order, bpOf(before, order.canary.digest), signal, loser);
  }
  const decide = (scene: Scene): Decision => {
    const found = ownClaim(scene, order);
    // A rollout that ended before it claimed anything has nothing to give back.
    if (found === null && !admitted(site, scene, order, { direction: 'lower', done: false }, doing)) return null;
    if (found === null) return null;
    const isDone = found.released && found.fence === order.fence;
    if (!admitted(site, scene, order, { direction: 'lower', done: isDone }, doing)) return null;
    const canaryBp = bpOf(scene, order.canary.digest);
    return { canaryBp, stage: found.stage, direction: 'lower', since: found.since, released: true };
  };
  await change(site, { doing, order, decide }, signal);
}

/** A call that is not declared has nothing to do. */
async function ask(
  site: Site,
  verb: Exclude<Verb, 'read' | 'setWeights' | 'confirm'>,
  order: Order,
  canaryBp: number,
  signal?: AbortSignal,
  loser?: Release,
): Promise<void> {
  const call = site.connection.calls[verb];
  if (call === null) return;
  const more = loser === undefined ? [] : releaseValues('loser', loser);
  await make(site, verb, call, new Map([...valuesFor(site, order, canaryBp), ...more]), signal);
}

async function ready(site: Site, release: Release, doing: string, signal?: AbortSignal): Promise<Instance> {
  const until = site.clock.now() + patienceMs;
  for (;;) {
    const detail = unready(await see(site, signal), release);
    if (detail === null) return instance(release);
    if (site.clock.now() >= until) throw new ProviderError({ code: 'unreachable', doing, detail });
    await site.clock.sleep(pollMs, signal);
  }
}

function instance(release: Release): Instance {
  return { name: nameOf(release), release, ready: true, detail: 'the API calls it ready' };
}

function mustBeIdle(scene: Scene, loser: Release, doing: string): void {
  const bp = bpOf(scene, loser.digest);
  if (bp === 0) return;
  throw new ProviderError({
    code: 'conflict',
    doing,
    detail: `${loser.label} still has ${formatBp(bp)} of the traffic`,
  });
}

/** A repeat does not wait anew where the claim says since when. */
async function drain({ plan, clock }: Site, since: number | null, signal?: AbortSignal): Promise<void> {
  const left = since === null ? plan.drainMs : since + plan.drainMs - clock.now();
  if (left > 0) await clock.sleep(Math.min(left, plan.drainMs), signal);
}
