/** The rules of a host with slots: fences only grow, calls are done one after the other, repeats change nothing. */

import { type Deploy, Fenced, type Remove, type SlotState } from './contract.ts';
import type { Runner } from './runner.ts';
import { emptySlot, type HookState, loadState, saveState, type SlotRecord } from './state.ts';

export interface Host {
  readonly names: readonly string[];
  /** All slots as they are now. */
  slots(): Promise<Readonly<Record<string, SlotState>>>;
  /** Throws `Fenced`. */
  deploy(slot: string, wanted: Deploy): Promise<SlotState>;
  /** Throws `Fenced`. */
  remove(slot: string, asked: Remove): Promise<SlotState>;
}

/** Takes over what an earlier hook left running, and starts what should run and does not. */
export async function openHost(names: readonly string[], stateFile: string, runner: Runner): Promise<Host> {
  let state: HookState = loadState(stateFile);
  let last: Promise<unknown> = Promise.resolve();

  const recordOf = (slot: string): SlotRecord => state.slots[slot] ?? emptySlot;
  const save = (slot: string, change: Partial<SlotRecord>) => {
    const fence = Math.max(state.fence, change.fence ?? 0);
    state = { fence, slots: { ...state.slots, [slot]: { ...recordOf(slot), ...change } } };
    saveState(stateFile, state);
  };
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const turn = last.then(work);
    last = turn.catch(() => undefined); // its own caller hears of it
    return turn;
  };
  const admit = (slot: string, call: { readonly rollout: string; readonly fence: number }) => {
    if (call.fence < state.fence) throw new Fenced(state.fence);
    save(slot, { rollout: call.rollout, fence: call.fence });
  };
  const clear = async (slot: string) => {
    const { release, pid } = recordOf(slot);
    if (release !== null && pid !== null) await runner.stop(slot, release, pid);
    save(slot, { release: null, pid: null });
  };

  const deploy = async (slot: string, wanted: Deploy): Promise<SlotState> => {
    admit(slot, wanted);
    const present = recordOf(slot);
    const runs =
      present.release?.digest === wanted.release.digest && (await look(runner, slot, present)).state !== 'failed';
    if (!runs) {
      await clear(slot);
      save(slot, { release: wanted.release }); // before the start: a crash in between must not hide the process
      save(slot, { pid: runner.start(slot, wanted.release) });
    }
    return look(runner, slot, recordOf(slot));
  };
  const remove = async (slot: string, asked: Remove): Promise<SlotState> => {
    admit(slot, asked);
    await clear(slot);
    return look(runner, slot, recordOf(slot));
  };

  for (const slot of names) {
    const { release } = recordOf(slot);
    if (release !== null) save(slot, { pid: (await runner.find(slot, release)) ?? runner.start(slot, release) });
  }
  return {
    names,
    slots: async () => {
      const states = names.map(async (slot) => [slot, await look(runner, slot, recordOf(slot))] as const);
      return Object.fromEntries(await Promise.all(states));
    },
    deploy: (slot, wanted) => inTurn(() => deploy(slot, wanted)),
    remove: (slot, asked) => inTurn(() => remove(slot, asked)),
  };
}

async function look(runner: Runner, slot: string, record: SlotRecord): Promise<SlotState> {
  const { release, fence, rollout, pid } = record;
  if (release === null) return { release, state: 'stopped', ready: false, detail: '', fence, rollout };
  if (pid === null) return { release, state: 'failed', ready: false, detail: 'it was not started', fence, rollout };
  const { alive, ready, detail } = await runner.check(slot, pid);
  const state = ready ? 'running' : alive ? 'starting' : 'failed';
  return { release, state, ready, detail, fence, rollout };
}
