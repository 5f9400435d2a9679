/** Waiting for a condition of the real world, with a deadline and a sentence. */

import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** What is waited for, completing "waited 10 s for …". */
  readonly for: string;
  /** @default 10_000 */
  readonly withinMs?: number;
  /** @default 25 */
  readonly everyMs?: number;
}

/** Asks until the answer is neither `null` nor `false`, and returns it. Errors of `ask` end the wait at once. */
export async function waitFor<Answer>(
  ask: () => Promise<Answer | null | false> | Answer | null | false,
  options: WaitOptions,
): Promise<Answer> {
  const withinMs = options.withinMs ?? 10_000;
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== false) return answer;
    if (Date.now() >= deadline) throw new Error(`waited ${withinMs / 1000} s for ${options.for}`);
    await sleep(options.everyMs ?? 25);
  }
}
