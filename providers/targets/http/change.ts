/** One write of the weights: read, decide, write, read back; again while the answer is lost or somebody was faster. */

import { isDeepStrictEqual } from 'node:util';
import type { Claim, Order, Stage } from '../../../plan/target.ts';
import { formatBp } from '../../../plan/units.ts';
import { ProviderError } from '../../errors.ts';
import { admit, type Direction, type Intent, isOwn } from '../effects.ts';
import { make } from './call.ts';
import { writtenClaim } from './claim.ts';
import { storesClaims } from './connection.ts';
import { bpOf, type Scene, see, valuesFor } from './scene.ts';
import type { Site } from './site.ts';

/** Waits between tries. A lost answer says nothing about the effect: it is read back before it is repeated. */
const waits = [0, 50, 200, 500, 1_000];

/** What to write after what was read; `null` when nothing is to be written. */
export type Decision = {
  readonly canaryBp: number;
  readonly stage: Stage;
  readonly direction: Direction;
  /** For the claim, where one is stored. */
  readonly since: number;
  readonly released: boolean;
} | null;

export interface Job {
  /** In words, for errors. */
  readonly doing: string;
  readonly order: Order;
  /** Called anew for each try. May throw to refuse. */
  readonly decide: (scene: Scene) => Decision;
}

/** Returns what was read after the write, or what was found when there was nothing to write. */
export async function change(site: Site, job: Job, signal?: AbortSignal): Promise<Scene> {
  let last: ProviderError | null = null;
  for (const wait of waits) {
    if (wait > 0) await site.clock.sleep(wait, signal);
    const scene = await see(site, signal);
    const decision = job.decide(scene);
    if (decision === null) return scene;
    if (isStale(site, scene, decision)) continue;
    try {
      await write(site, job.order, scene, decision, signal);
      const after = await see(site, signal);
      if (carries(site, after, job.order, decision)) return after;
      last = new ProviderError({ code: 'conflict', doing: job.doing, detail: wrong(after, job.order, decision) });
    } catch (error) {
      if (!isWorthReadingAgain(error)) throw error;
      last = error;
    }
  }
  throw new ProviderError({
    code: last?.code ?? 'unreachable',
    doing: job.doing,
    detail: `tried ${waits.length} times; last: ${last?.detail ?? 'this process stood still between reading and writing'}`,
  });
}

/** A process that was stopped and woken up must not raise on what it had read before. */
function isStale({ clock, connection }: Site, scene: Scene, { direction }: NonNullable<Decision>): boolean {
  return direction === 'raise' && clock.now() - scene.at > connection.withinMs;
}

async function write(
  site: Site,
  order: Order,
  scene: Scene,
  decision: NonNullable<Decision>,
  signal?: AbortSignal,
): Promise<void> {
  const values = new Map(valuesFor(site, order, decision.canaryBp));
  values.set('stage', decision.stage.kind);
  if (storesClaims(site.connection)) values.set('claim', writtenClaim(claimOf(order, decision)));
  if (scene.version !== null) values.set('version', scene.version);
  site.memory.remember(order, decision.stage.kind === 'back');
  await make(site, 'setWeights', site.connection.calls.setWeights, values, signal);
}

export function claimOf(order: Order, { canaryBp, stage, since, released }: NonNullable<Decision>): Claim {
  const { rollout, run, fence, stable, canary } = order;
  return { rollout, run, fence, stage, canaryBp, since, released, stable, canary };
}

/** An API in trouble answers 200 without effect; what was not read back was not done. */
function carries(site: Site, after: Scene, order: Order, decision: NonNullable<Decision>): boolean {
  if (storesClaims(site.connection) && !isDeepStrictEqual(after.held, claimOf(order, decision))) return false;
  return isSplit(after, order, decision.canaryBp);
}

/** The two releases of an order have everything, in these shares. */
export function isSplit(scene: Scene, { stable, canary }: Order, canaryBp: number): boolean {
  return bpOf(scene, canary.digest) === canaryBp && bpOf(scene, stable.digest) === 10_000 - canaryBp;
}

function wrong(after: Scene, { canary }: Order, { canaryBp }: NonNullable<Decision>): string {
  const has = bpOf(after, canary.digest);
  if (has === canaryBp) return 'the write was accepted, and what is read back is something else';
  return `the write of ${formatBp(canaryBp)} was accepted, and ${formatBp(has)} is read back`;
}

function isWorthReadingAgain(error: unknown): error is ProviderError {
  return error instanceof ProviderError && (error.code === 'conflict' || error.code === 'unreachable');
}

/** True when the effect is to be written, false when it already is. Throws `fenced`. */
export function admitted(site: Site, scene: Scene, order: Order, intent: Intent, doing: string): boolean {
  const what = `${doing} on route ${site.plan.route}`;
  site.memory.admit(order, intent.direction, what);
  // Without a claim there is no telling whose turn it is: the rollout's id is the only lock.
  if (!storesClaims(site.connection)) return true;
  const admission = admit(scene.held, order, intent);
  if (admission.kind !== 'fenced') return admission.kind === 'admitted';
  const { fence, sentence } = admission;
  const detail = scene.claim.kind === 'foreign' ? `something else stands in place of the claim; ${sentence}` : sentence;
  throw new ProviderError({ code: 'fenced', doing: what, detail, ...(fence !== null && { fence }) });
}

/** The claim when it is this order's. */
export function ownClaim({ held }: Scene, order: Order): Claim | null {
  return held !== null && isOwn(held, order) ? held : null;
}
