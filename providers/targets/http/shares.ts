/** Moving traffic by the declared call: absolute shares of both releases, with the claim where one is stored. */

import type { Order, Reading, Share, Stage } from '../../../plan/target.ts';
import { formatBp } from '../../../plan/units.ts';
import { ProviderError } from '../../errors.ts';
import { canaryShare } from '../canary-share.ts';
import { shareIntent } from '../share-intent.ts';
import { admitted, change, type Decision, isSplit, ownClaim } from './change.ts';
import { storesClaims } from './connection.ts';
import { readingOf, unready } from './reading.ts';
import { bpOf, type Scene, see } from './scene.ts';
import type { Site } from './site.ts';

export async function setWeights(
  site: Site,
  order: Order,
  shares: readonly Share[],
  stage: Stage,
  signal?: AbortSignal,
): Promise<Reading> {
  const canaryBp = canaryShare(order, shares);
  const doing = `set ${order.canary.label} to ${formatBp(canaryBp)}`;
  mustBeExpressible(site, canaryBp, doing);
  const decide = (scene: Scene): Decision => decideShares(site, scene, { order, canaryBp, stage, doing });
  return readingOf(site, await change(site, { doing, order, decide }, signal));
}

function mustBeExpressible({ connection }: Site, canaryBp: number, doing: string): void {
  if (canaryBp % connection.granularityBp === 0) return;
  const detail = `the connection declares steps of ${formatBp(connection.granularityBp)}`;
  throw new ProviderError({ code: 'invalid', doing, detail });
}

interface Wanted {
  readonly order: Order;
  readonly canaryBp: number;
  readonly stage: Stage;
  readonly doing: string;
}

function decideShares(site: Site, scene: Scene, { order, canaryBp, stage, doing }: Wanted): Decision {
  const own = ownClaim(scene, order);
  const found = { presentBp: bpOf(scene, order.canary.digest), isSet: isSplit(scene, order, canaryBp) };
  const intent = shareIntent(own, { order, stage, canaryBp }, found);
  const { direction } = intent;
  if (!admitted(site, scene, order, intent, doing)) return null;
  if (direction === 'raise') mustBeReady(scene, order, doing);
  const since = own !== null && intent.isSame ? own.since : site.clock.now();
  return { canaryBp, stage, direction, since, released: own?.released ?? false };
}

function mustBeReady(scene: Scene, { canary }: Order, doing: string): void {
  const detail = unready(scene, canary);
  if (detail !== null) throw new ProviderError({ code: 'unreachable', doing, detail });
}

/** With the weights as they are; a split that is not between the two releases cannot be said again, and zero follows anyway. */
export async function raiseFence(site: Site, order: Order, signal?: AbortSignal): Promise<Reading> {
  const doing = `raise the fence to ${order.fence}`;
  if (!storesClaims(site.connection)) {
    const scene = await see(site, signal);
    site.memory.admit(order, 'lower', doing);
    site.memory.remember(order, true);
    return readingOf(site, scene);
  }
  const decide = (scene: Scene): Decision => {
    const own = ownClaim(scene, order);
    const canaryBp = bpOf(scene, order.canary.digest);
    const done = own?.fence === order.fence || !isSplit(scene, order, canaryBp);
    if (!admitted(site, scene, order, { direction: 'lower', done }, doing) || done) return null;
    const kept = own ?? { stage: { kind: 'back' } as const, since: site.clock.now(), released: false };
    return { canaryBp, stage: kept.stage, direction: 'lower', since: kept.since, released: kept.released };
  };
  return readingOf(site, await change(site, { doing, order, decide }, signal));
}
