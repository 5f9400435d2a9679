/** Lives seeds one after the other and says what became of them all. */

import { drawLife, live } from './life.ts';
import type { Ground, Life } from './life.ts';

/** Seeds that follow each other. */
export interface Range {
  readonly from: number;
  readonly lives: number;
}

export interface Explored {
  readonly lives: number;
  readonly broken: readonly { readonly seed: number; readonly sentence: string }[];
  readonly outcomes: Readonly<Record<string, number>>;
  readonly historyEvents: number;
  readonly virtualHours: number;
  /** CPU that the processes took for it, starting them left out. */
  readonly cpuMs: number;
}

export const nothingYet: Explored = {
  lives: 0,
  broken: [],
  outcomes: {},
  historyEvents: 0,
  virtualHours: 0,
  cpuMs: 0,
};

export async function explore({ from, lives }: Range, how: Pick<Life, 'sabotage'>, ground: Ground): Promise<Explored> {
  let explored = nothingYet;
  const before = process.cpuUsage();
  for (let seed = from; seed < from + lives; seed += 1) {
    const { broken, outcome, historyEvents, tookMs } = await live({ ...drawLife(seed), ...how }, ground);
    explored = together(explored, {
      lives: 1,
      broken: broken === null ? [] : [{ seed, sentence: broken }],
      outcomes: { [outcome]: 1 },
      historyEvents,
      virtualHours: tookMs / 3_600_000,
      cpuMs: 0,
    });
  }
  const { user, system } = process.cpuUsage(before);
  return { ...explored, cpuMs: (user + system) / 1_000 };
}

export function together(a: Explored, b: Explored): Explored {
  const outcomes = { ...a.outcomes };
  for (const [outcome, count] of Object.entries(b.outcomes)) outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
  return {
    lives: a.lives + b.lives,
    broken: [...a.broken, ...b.broken].toSorted((one, other) => one.seed - other.seed),
    outcomes,
    historyEvents: a.historyEvents + b.historyEvents,
    virtualHours: a.virtualHours + b.virtualHours,
    cpuMs: a.cpuMs + b.cpuMs,
  };
}
