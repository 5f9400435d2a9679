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
  /** Zero was read back: nothing is asked for and accepted any more, and no bake goes on. */
  zeroed(rollout: string): void;
  /** It has ended: what its watch says in the next ten seconds, while it is being stopped, is not news. */
  forget(rollout: string): void;
  /** Those heard of in the last five minutes: another worker may have taken over a watch. */
  list(): readonly OpenRollout[];
}

interface Known {
  readonly at: number;
  /** `null` once it has ended. */
  readonly facts: OpenRollout | null;
}

const most = 2_000;
const staleMs = 300_000;
const lastWordsMs = 10_000;

export function createOpenRollouts(now: () => number): OpenRollouts {
  // In the order of the last news, so that the first is the one to drop.
  const known = new Map<string, Known>();
  const put = (rollout: string, facts: OpenRollout | null): void => {
    known.delete(rollout);
    known.set(rollout, { at: now(), facts });
    const [oldest] = known.keys();
    if (known.size > most && oldest !== undefined) known.delete(oldest);
  };
  const note: OpenRollouts['note'] = (rollout, news) => {
    const before = known.get(rollout);
    if (before?.facts === null && now() - before.at <= lastWordsMs) return;
    put(rollout, { ...(before?.facts ?? { rollout, observed: null, findings: [], bake: null }), ...news });
  };
  return {
    note,
    zeroed: (rollout) => {
      const before = known.get(rollout)?.facts?.observed ?? null;
      const observed = before === null ? null : { ...before, requestedBp: 0, acceptedBp: 0, share: null };
      note(rollout, { observed, bake: null });
    },
    forget: (rollout) => put(rollout, null),
    list: () => {
      for (const [rollout, { at }] of known) if (now() - at > staleMs) known.delete(rollout);
      return [...known.values()].flatMap(({ facts }) => facts ?? []);
    },
  };
}
