/** What this process last heard about each rollout it watches; bounded in number and in age. */

import type { Observed } from '../activities/contract.ts';
import type { Finding } from '../judge/verdict.ts';

export interface OpenRollout {
  readonly rollout: string;
  readonly observed: Observed | null;
  readonly findings: readonly Finding[];
  readonly bake: { readonly validMs: number; readonly elapsedMs: number } | null;
}

export interface OpenRollouts {
  note(rollout: string, news: Partial<Omit<OpenRollout, 'rollout'>>): void;
  forget(rollout: string): void;
  /** Those heard of in the last five minutes: another worker may have taken over a watch. */
  list(): readonly OpenRollout[];
}

const most = 2_000;
const staleMs = 300_000;

export function createOpenRollouts(now: () => number): OpenRollouts {
  // In the order of the last news, so that the first is the one to drop.
  const known = new Map<string, { readonly at: number; readonly facts: OpenRollout }>();
  return {
    note: (rollout, news) => {
      const before = known.get(rollout)?.facts ?? { rollout, observed: null, findings: [], bake: null };
      known.delete(rollout);
      known.set(rollout, { at: now(), facts: { ...before, ...news } });
      const [oldest] = known.keys();
      if (known.size > most && oldest !== undefined) known.delete(oldest);
    },
    forget: (rollout) => {
      known.delete(rollout);
    },
    list: () => {
      for (const [rollout, { at }] of known) if (now() - at > staleMs) known.delete(rollout);
      return [...known.values()].map(({ facts }) => facts);
    },
  };
}
