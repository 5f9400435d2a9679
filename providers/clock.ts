/** The real `Clock`: the machine's time. */

import type { Clock } from './ports.ts';

export function createClock(): Clock {
  return { now: () => Date.now(), sleep };
}

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  let stop: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(resolve, ms);
      stop = () => reject(signal?.reason as Error);
      signal?.addEventListener('abort', stop, { once: true });
    });
  } finally {
    clearTimeout(timer);
    // An activity's signal lives for hours and would collect one listener per wait.
    if (stop !== undefined) signal?.removeEventListener('abort', stop);
  }
}
