/** How long a breach has lasted: only unbroken time counts; a gap in the data neither resets nor satisfies a `for`. */

import type { CriterionMemory } from './verdict.ts';

export const blankMemory: CriterionMemory = { breachedMs: 0, lastAt: null, lastBreached: false, baseline: null };

/** After a usable sample. The time since the last one counts when both were breached and no poll is missing in between. */
export function sustain(memory: CriterionMemory, at: number, everyMs: number, breached: boolean): CriterionMemory {
  if (!breached) return { ...memory, breachedMs: 0, lastAt: at, lastBreached: false };
  const before = Number.isFinite(memory.breachedMs) ? Math.max(0, memory.breachedMs) : 0;
  const passed = memory.lastAt === null ? Number.NaN : at - memory.lastAt;
  const unbroken = memory.lastBreached && passed >= 0 && passed <= 2 * everyMs;
  return { ...memory, breachedMs: before + (unbroken ? passed : 0), lastAt: at, lastBreached: true };
}

/** After a poll that says nothing: what was gathered stays, but the time around the gap will not count. */
export function interrupt(memory: CriterionMemory): CriterionMemory {
  return { ...memory, lastBreached: false };
}

/** While a criterion does not count: nothing is carried over to when it does again, but for the baseline. */
export function rest({ baseline }: CriterionMemory): CriterionMemory {
  return { ...blankMemory, baseline };
}
