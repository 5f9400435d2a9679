/** A clock whose time passes only when everybody who could do something is asleep. */

import type { Clock } from '../../providers/ports.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

export interface VirtualClock extends Clock {
  /** Lets time pass until the promise settles, or until a moment is reached; tells which. */
  runUntil(work: Promise<unknown>, moment?: number): Promise<'settled' | 'moment'>;
  /** Time passes without anybody looking. */
  jumpTo(moment: number): void;
}

export function createVirtualClock(start: number): VirtualClock {
  let now = start;
  const sleepers = new Set<Sleeper>();
  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted === true) {
          reject(signal.reason as Error);
          return;
        }
        const stop = () => {
          sleepers.delete(sleeper);
          reject(signal?.reason as Error);
        };
        const wake = () => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', stop);
          resolve();
        };
        const sleeper = { at: now + ms, wake };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', stop, { once: true });
      }),
    async runUntil(work, moment = Infinity) {
      const state = { isSettled: false };
      const settle = () => void (state.isSettled = true);
      work.then(settle, settle);
      for (;;) {
        await allQuiet();
        if (state.isSettled) return 'settled';
        const next = [...sleepers].reduce<Sleeper | null>(
          (first, one) => (first === null || one.at < first.at ? one : first),
          null,
        );
        if (next === null && moment === Infinity) throw new Error('everybody waits and nobody sleeps');
        if (next === null || next.at > moment) {
          now = moment;
          return 'moment';
        }
        now = Math.max(now, next.at);
        next.wake();
      }
    },
    jumpTo(moment) {
      now = moment;
    },
  };
}

/** Microtasks and promises have run out; nothing under test waits for anything but the clock. */
async function allQuiet(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
