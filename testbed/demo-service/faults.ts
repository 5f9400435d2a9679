/** Faults of the demo service, set by switch; errors are spread evenly instead of drawn, so that every run shows the same. */

import { z } from 'zod';

export const faultsSchema = z.strictObject({
  /** Share of requests answered with 500. */
  errorRate: z.number().min(0).max(1).default(0),
  /** The only path that is hit by errors and latency; every one when absent. */
  only: z.string().startsWith('/').optional(),
  /** Added to each answer. */
  latencyMs: z.int().min(0).max(60_000).default(0),
  /** What `/healthz` says. */
  ready: z.boolean().default(true),
  /** It ends before it answers anybody. */
  exits: z.boolean().default(false),
  /** Errors and latency begin then, ISO 8601; at once when absent. */
  from: z.iso.datetime({ offset: true }).optional(),
});

export type Faults = z.output<typeof faultsSchema>;
export type FaultsInput = z.input<typeof faultsSchema>;

export interface FaultSwitch {
  set(faults: Faults): void;
  ready(): boolean;
  /** What happens to the next request, which is for this path. */
  next(path: string, now: number): { readonly fails: boolean; readonly delayMs: number };
}

export function faultSwitch(initial: Faults): FaultSwitch {
  let faults = initial;
  let owed = 0;
  return {
    set: (next) => {
      faults = next;
      owed = 0;
    },
    ready: () => faults.ready,
    next: (path, now) => {
      if (faults.only !== undefined && faults.only !== path) return { fails: false, delayMs: 0 };
      if (faults.from !== undefined && now < Date.parse(faults.from)) return { fails: false, delayMs: 0 };
      owed += faults.errorRate;
      const fails = owed > 1 - 1e-9; // tenths do not add up to one exactly
      if (fails) owed -= 1;
      return { fails, delayMs: faults.latencyMs };
    },
  };
}
