/** One change of the route: read, decide, write on condition that nothing changed, read back; again while others are faster. */

import { isDeepStrictEqual } from 'node:util';
import type { Order } from '../../../plan/target.ts';
import { ProviderError } from '../../errors.ts';
import { admit, type Intent, isOwn } from '../effects.ts';
import type { StoredClaim } from './claim.ts';
import { see, type Scene, type Site } from './site.ts';
import { type Change, compose } from './split.ts';

/** Waits between tries. A lost answer or a lost race says nothing about the effect: it is read back before it is repeated. */
const waits = [0, 15, 40, 100, 200, 400, 800, 1600];

/**
 * What to write after what was read; `null` when nothing is to be written. `urgent`: lowers exposure and goes before
 * everything else that this process writes to this Caddy.
 */
export type Decision = (Omit<Change, 'id'> & { readonly urgent: boolean }) | null;

export interface Job {
  /** In words, for errors. */
  readonly doing: string;
  /** Called anew for each try. May throw to refuse. */
  readonly decide: (scene: Scene) => Decision | Promise<Decision>;
}

/** Returns what was read after the write, or what was found when there was nothing to write. */
export async function change(site: Site, job: Job, signal?: AbortSignal): Promise<Scene> {
  let last: ProviderError | null = null;
  for (const wait of waits) {
    if (wait > 0) await site.clock.sleep(wait, signal);
    const scene = await see(site, signal);
    const decision = await job.decide(scene);
    if (decision === null) return scene;
    const route = compose(scene.route, scene.seat, site.slots, { ...decision, id: site.id });
    try {
      await site.lane.run(decision.urgent, () => site.admin.replace(scene.path, scene.etag, route, signal), signal);
      const after = await see(site, signal);
      if (carries(after, decision.claim)) return after;
      const detail = 'the write was accepted, and the route does not carry it';
      last = new ProviderError({ code: 'conflict', doing: job.doing, detail });
    } catch (error) {
      if (!isWorthReadingAgain(error)) throw error;
      last = error;
    }
  }
  throw new ProviderError({
    code: last?.code ?? 'conflict',
    doing: job.doing,
    detail: `tried ${waits.length} times; last: ${last?.detail ?? 'nothing'}`,
  });
}

/** A proxy in trouble answers 200 without effect; what was not read back was not done. */
function carries({ claim }: Scene, written: StoredClaim): boolean {
  return isDeepStrictEqual(claim, written);
}

function isWorthReadingAgain(error: unknown): error is ProviderError {
  return error instanceof ProviderError && (error.code === 'conflict' || error.code === 'unreachable');
}

/** True when the effect is to be written, false when it already is. Throws `fenced`. */
export function admitted(site: Site, scene: Scene, order: Order, intent: Intent, doing: string): boolean {
  const admission = admit(scene.claim, order, intent);
  if (admission.kind !== 'fenced') return admission.kind === 'admitted';
  const { fence, sentence } = admission;
  const what = scene.claimReading.kind === 'damaged' ? `the claim on the route cannot be read; ${sentence}` : sentence;
  throw new ProviderError({
    code: 'fenced',
    doing: `${doing} on route ${site.plan.route}`,
    detail: what,
    ...(fence !== null && { fence }),
  });
}

/** The claim on the route when it is this order's. */
export function ownClaim(scene: Scene, order: Order): StoredClaim | null {
  return scene.claim !== null && isOwn(scene.claim, order) ? scene.claim : null;
}
