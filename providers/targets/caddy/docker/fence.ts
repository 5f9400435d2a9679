/**
 * Fences on an engine that has none. It compares and sets one thing: a container's name. So a name carries the largest fence
 * that was admitted, an effect first renames every container of the route to its own fence, and then acts by these names
 * alone: what comes later with a smaller fence finds no container of the names it knew. Between two names there is no
 * compare-and-set: whoever creates a container looks at all again before it is started (see `put`).
 */

import { ProviderError } from '../../../errors.ts';
import type { Order } from '../../../../plan/target.ts';
import { type Found, heldBy, look, nameWith } from './found.ts';
import { acting, asking, type DockerHost } from './host.ts';
import { authorIn } from './labels.ts';

const tries = 8;

/** Every container of the route bears the order's fence afterwards. Throws `fenced`. */
export async function raise(
  host: DockerHost,
  order: Order,
  doing: string,
  signal?: AbortSignal,
): Promise<readonly Found[]> {
  for (let tried = 0; tried < tries; tried++) {
    const found = await look(host, asking(signal));
    refuseLate(found, order, doing);
    const behind = found.filter(({ isOurs, fence }) => isOurs && fence < order.fence);
    if (behind.length === 0) return found;
    for (const one of behind) await lift(host, found, one, order, signal);
  }
  throw new ProviderError({ code: 'conflict', doing, detail: 'others change the containers all the time' });
}

/** Renames what a slot holds; what is left over there goes. Who else was faster is seen at the next look. */
async function lift(host: DockerHost, found: readonly Found[], one: Found, order: Order, signal?: AbortSignal) {
  const isHeld = heldBy(found, one.slot) === one;
  const call = acting(signal);
  try {
    if (isHeld) await host.engine.rename(one.name, nameWith(host.containers[one.slot], order.fence), call);
    else await host.engine.remove(one.name, call);
  } catch (error) {
    if (!isOutrun(error)) throw error;
  }
}

/** The container of that name is gone or the new name is taken: somebody else was here. */
export function isOutrun(error: unknown): error is ProviderError {
  return error instanceof ProviderError && (error.code === 'missing' || error.code === 'conflict');
}

/** Throws `fenced` when a larger fence stands on the host, or the same one of somebody else. */
export function refuseLate(found: readonly Found[], order: Order, doing: string): void {
  for (const { isOurs, fence, name, labels } of found) {
    if (!isOurs) continue;
    if (fence > order.fence) throw late(fence, `the container ${name} carries fence ${fence}`, order, doing);
    const author = authorIn(labels);
    const isForeign = author?.fence === order.fence && (author.rollout !== order.rollout || author.run !== order.run);
    if (isForeign) throw late(fence, `${author.rollout} (run ${author.run}) created ${name} with it`, order, doing);
  }
}

function late(fence: number, why: string, order: Order, doing: string): ProviderError {
  return new ProviderError({ code: 'fenced', doing, detail: `fence ${order.fence} is too late: ${why}`, fence });
}
