/** Starting releases in slots and waiting until they can serve. */

import type { Release } from '../../../plan/release.ts';
import type { Instance, Order } from '../../../plan/target.ts';
import { ProviderError } from '../../errors.ts';
import type { SlotName } from './connection.ts';
import type { SlotState } from './door.ts';
import { answers } from './reading.ts';
import type { Site } from './site.ts';

const pollMs = 250;
/** A host that took the order and does not name the release by then is told again; repeats change nothing. */
const againMs = 15_000;
/** Longer than this is given back to the caller, who may ask again. */
const patienceMs = 10 * 60_000;

/** Puts a release into a slot and returns when it is ready there. Throws `invalid` when it fails to start. */
export async function start(
  site: Site,
  slot: SlotName,
  order: Order,
  release: Release,
  signal?: AbortSignal,
): Promise<Instance> {
  await site.door.put(slot, order, release, signal);
  const doing = `start ${release.label} in slot ${slot}`;
  const until = site.clock.now() + patienceMs;
  let toldAt = site.clock.now();
  for (;;) {
    const state = (await site.door.slots(signal))[slot];
    if (state.release?.digest !== release.digest && site.clock.now() - toldAt >= againMs) {
      await site.door.put(slot, order, release, signal);
      toldAt = site.clock.now();
    }
    const unready = await unreadiness(site, slot, state, release, signal);
    if (unready === null) return instance(slot, state);
    if (state.state === 'failed') throw new ProviderError({ code: 'invalid', doing, detail: unready });
    if (site.clock.now() >= until) throw new ProviderError({ code: 'unreachable', doing, detail: unready });
    await site.clock.sleep(pollMs, signal);
  }
}

/** `null` when the door says that this release is ready in the slot *and* the slot's address answers. */
export async function unreadiness(
  site: Site,
  slot: SlotName,
  state: SlotState,
  release: Release,
  signal?: AbortSignal,
): Promise<string | null> {
  if (state.release?.digest !== release.digest) {
    return `slot ${slot} holds ${state.release?.label ?? 'nothing'}, not ${release.label}`;
  }
  if (!state.ready) return `slot ${slot} is ${state.state}${state.detail === '' ? '' : `: ${state.detail}`}`;
  if (await answers(site, slot, signal)) return null;
  return `the host calls slot ${slot} ready, but ${site.slots[slot]} does not answer`;
}

export function instance(slot: SlotName, { release, ready, state, detail }: SlotState): Instance {
  return { name: slot, release, ready, detail: detail === '' ? state : `${state}: ${detail}` };
}
