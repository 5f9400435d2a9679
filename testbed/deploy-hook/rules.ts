/** The rules of a host with slots, without the host: fences only grow, and what a slot says of itself follows from what was found. */

import { Fenced, type SlotState } from './contract.ts';
import { emptySlot, type HookState, type SlotRecord } from './state.ts';

/** What was found where a release should run. */
export interface Look {
  readonly alive: boolean;
  readonly ready: boolean;
  readonly detail: string;
}

export function recordOf(state: HookState, slot: string): SlotRecord {
  return state.slots[slot] ?? emptySlot;
}

export function changed(state: HookState, slot: string, change: Partial<SlotRecord>): HookState {
  const fence = Math.max(state.fence, change.fence ?? 0);
  return { fence, slots: { ...state.slots, [slot]: { ...recordOf(state, slot), ...change } } };
}

/** The state once a call is let in. Throws `Fenced`. */
export function admitted(
  state: HookState,
  slot: string,
  call: { readonly rollout: string; readonly fence: number },
): HookState {
  if (call.fence < state.fence) throw new Fenced(state.fence);
  return changed(state, slot, { rollout: call.rollout, fence: call.fence });
}

/** `look` is only asked where a process was started. */
export function stateOf(record: SlotRecord, look: Look | null): SlotState {
  const { release, fence, rollout } = record;
  if (release === null) return { release, state: 'stopped', ready: false, detail: '', fence, rollout };
  if (look === null) return { release, state: 'failed', ready: false, detail: 'it was not started', fence, rollout };
  const { alive, ready, detail } = look;
  return { release, state: ready ? 'running' : alive ? 'starting' : 'failed', ready, detail, fence, rollout };
}
