/** An explanation brought to the moment of the question: the rollout's own time stands still between its events. */

import type { Explanation } from '../plan/status.ts';

/** At an open gate nothing happens for hours, and every hour moves the earliest end. `now`: epoch ms. */
export function explainedAt(explanation: Explanation, now: number): Explanation {
  if (explanation.earliestFinish === null) return explanation;
  const restMs = (explanation as Partial<Explanation>).restMs ?? 0; // a worker of 0.1.0 does not tell it
  return { ...explanation, earliestFinish: Math.max(explanation.earliestFinish, now + restMs) };
}
