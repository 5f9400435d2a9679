/** The rules of a host with slots: fences only grow, calls are done one after the other, repeats change nothing. */

import type { Deploy, Remove, SlotState } from './contract.ts';
import { admitted, changed, recordOf, stateOf } from './rules.ts';
import type { Runner } from './runner.ts';
import { type HookState, loadState, saveState, type SlotRecord } from './state.ts';

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

  const save = (next: HookState) => {
    state = next;
    saveState(stateFile, state);
  };
  const note = (slot: string, change: Partial<SlotRecord>) => save(changed(state, slot, change));
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const turn = last.then(work);
    last = turn.catch(() => undefined); // its own caller hears of it
    return turn;
  };
  const lookAt = (slot: string) => look(runner, slot, recordOf(state, slot));
  const clear = async (slot: string) => {
    const { release, pid } = recordOf(state, slot);
    if (release !== null && pid !== null) await runner.stop(slot, release, pid);
    note(slot, { release: null, pid: null });
  };

  const deploy = async (slot: string, wanted: Deploy): Promise<SlotState> => {
    save(admitted(state, slot, wanted));
    const isSame = recordOf(state, slot).release?.digest === wanted.release.digest;
    if (!isSame || (await lookAt(slot)).state === 'failed') {
      await clear(slot);
      note(slot, { release: wanted.release }); // before the start: a crash in between must not hide the process
      note(slot, { pid: runner.start(slot, wanted.release) });
    }
    return lookAt(slot);
  };
  const remove = async (slot: string, asked: Remove): Promise<SlotState> => {
    save(admitted(state, slot, asked));
    await clear(slot);
    return lookAt(slot);
  };

  for (const slot of names) {
    const { release } = recordOf(state, slot);
    if (release !== null) note(slot, { pid: (await runner.find(slot, release)) ?? runner.start(slot, release) });
  }
  return {
    names,
    slots: async () => {
      const states = names.map(async (slot) => [slot, await lookAt(slot)] as const);
      return Object.fromEntries(await Promise.all(states));
    },
    deploy: (slot, wanted) => inTurn(() => deploy(slot, wanted)),
    remove: (slot, asked) => inTurn(() => remove(slot, asked)),
  };
}

async function look(runner: Runner, slot: string, record: SlotRecord): Promise<SlotState> {
  const { release, pid } = record;
  return stateOf(record, release === null || pid === null ? null : await runner.check(slot, pid));
}
