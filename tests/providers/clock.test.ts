import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createClock } from '../../providers/clock.ts';

const clock = createClock();

describe('the real Clock', () => {
  it('sleeps at least as long as asked, in whole milliseconds of the machine', async () => {
    const before = clock.now();
    await clock.sleep(30);
    expect(Number.isInteger(before)).toBe(true);
    expect(clock.now() - before).toBeGreaterThanOrEqual(29);
  });

  it('rejects with the reason of its signal, at once', async () => {
    const abort = new AbortController();
    const reason = new Error('stopped');
    const sleeping = clock.sleep(60_000, abort.signal);
    abort.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    await expect(clock.sleep(60_000, abort.signal)).rejects.toBe(reason);
  });

  it('leaves no listener on a long-lived signal', async () => {
    const { signal } = new AbortController();
    for (let slept = 0; slept < 12; slept++) await clock.sleep(0, signal);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});
