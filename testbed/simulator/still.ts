/** When the world is still: everything that one event woke has run, and nobody waits outside the clock. */

import { createHook } from 'node:async_hooks';
import { asyncLocalStorage } from '@temporalio/activity';

const harmless = new Set(['PROMISE', 'Immediate', 'TickObject', 'Microtask']);
const longestMs = 200;

/** An activity waits for something that no event of the simulation will ever end. */
export class ForeignWait extends Error {
  override readonly name = 'ForeignWait';
}

export interface Stillness {
  /** Lets everything run that can run now. Throws `ForeignWait`. */
  settle(): Promise<void>;
  /** It does not believe an event that says it has woken nobody. */
  readonly isThorough: boolean;
  end(): void;
}

/** Watches what activities begin outside `Clock` and `Http`: timers, files, sockets. */
export function watchForStillness(): Stillness {
  const foreign = new Map<number, string>();
  const forget = (id: number): void => {
    if (foreign.size > 0) foreign.delete(id);
  };
  const hook = createHook({
    init: (id, type) => {
      if (!harmless.has(type) && asyncLocalStorage.getStore() !== undefined) foreign.set(id, type);
    },
    after: forget,
  }).enable();
  return {
    isThorough: true,
    end: () => void hook.disable(),
    async settle() {
      await turn();
      if (foreign.size === 0) return;
      const deadline = performance.now() + longestMs;
      while (foreign.size > 0) {
        if (performance.now() > deadline) {
          const kinds = [...new Set(foreign.values())].join(', ');
          foreign.clear();
          throw new ForeignWait(`an activity waits outside Clock and Http: ${kinds}`);
        }
        await turn();
      }
    },
  };
}

/** The same without looking for what waits outside: a fifth faster, for code that a guarded run has seen. */
export function withoutGuard(): Stillness {
  return { settle: turn, isThorough: false, end: () => undefined };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
