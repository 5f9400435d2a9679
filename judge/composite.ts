/**
 * Weighs a composite by what was found about its parts. Missing data never makes it pass or fail: only parts that are
 * known do, where they decide alone.
 *
 * | kind     | the first of these that any part is, is what the whole is      |
 * | -------- | -------------------------------------------------------------- |
 * | `all-of` | good, idle, no data, undecided; else all are bad, and it is bad  |
 * | `any-of` | bad, no data, undecided, good; else all are idle, and it is idle |
 *
 * A part that does not count now (idle) can make an `all-of` neither bad nor hold it up, and an `any-of` goes by the rest.
 */

import type { CompositeCriterion } from '../plan/criteria.ts';
import { clipped } from './sentences.ts';
import type { Weighed } from './weighed.ts';

export type PartState = 'good' | 'bad' | 'no-data' | 'undecided' | 'idle';

/** One part, as far as the whole is concerned. */
export interface PartFound {
  readonly id: string;
  readonly state: PartState;
  /** The sentence of its own finding. */
  readonly sentence: string;
}

const order: Readonly<Record<CompositeCriterion['kind'], readonly PartState[]>> = {
  'all-of': ['good', 'idle', 'no-data', 'undecided', 'bad'],
  'any-of': ['bad', 'no-data', 'undecided', 'good', 'idle'],
};

/** What the whole is; a composite without parts is undecided. */
export function combined(kind: CompositeCriterion['kind'], states: readonly PartState[]): PartState {
  return order[kind].find((state) => states.includes(state)) ?? 'undecided';
}

/** Never throws. */
export function weighComposite({ kind }: CompositeCriterion, parts: readonly PartFound[]): Weighed {
  const bad = parts.filter((part) => part.state === 'bad').length;
  const needed = kind === 'all-of' ? 'all are needed' : 'one is enough';
  const compared = `${String(bad)} of ${String(parts.length)} bad, ${needed}`;
  const detail = `: ${clipped(parts.map(partText).join('; '))}`;
  const unusable = (verdict: 'no-data' | 'inconclusive'): Weighed => ({
    kind: 'unusable',
    verdict,
    value: null,
    baseline: null,
    reason: `${compared}${detail}`,
  });
  const state = combined(
    kind,
    parts.map((part) => part.state),
  );
  switch (state) {
    case 'good':
    case 'bad':
      return { kind: 'usable', value: bad, baseline: null, breached: state === 'bad', compared, detail };
    case 'no-data':
      return unusable('no-data');
    case 'undecided':
      return unusable('inconclusive');
    case 'idle':
      return { kind: 'idle', value: null, baseline: null, reason: `${compared}${detail}` };
  }
}

const words = {
  good: 'good',
  bad: 'bad',
  'no-data': 'no data',
  undecided: 'undecided',
  idle: 'does not count',
} as const;

function partText({ id, state, sentence }: PartFound): string {
  const said = sentence.replace(/^(?:canary|no data:) /, '');
  return `${id} ${words[state]} (${clipped(said, 80)})`;
}
