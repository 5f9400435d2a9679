/** A rehearsal as a timeline: what the rollout told, and in between the weights that users got. */

import type { Plan } from '../../plan/plan.ts';
import { formatBp, formatDuration, formatElapsed } from '../../plan/units.ts';
import type { Rehearsal } from '../../testbed/simulator/rehearsal.ts';
import { clean } from './clean.ts';
import { columns } from './columns.ts';

interface Line {
  readonly at: number;
  readonly code: string;
  readonly text: string;
}

export function renderRehearsal(rehearsal: Rehearsal, plan: Plan, isAnybody: boolean): string {
  const { outcome, reason, startedAt, tookMs, timeline, weights, historyEvents } = clean(rehearsal);
  const told = timeline.map(({ at, code, text }): Line => ({ at, code, text }));
  const served = weights.map(({ at, canaryBp, by }): Line => ({
    at,
    code: 'traffic',
    text: `users: ${formatBp(canaryBp)} to ${plan.release.label}${by === 'rollout' ? '' : ` (${wordsFor(by)})`}`,
  }));
  const lines = [...told, ...served].toSorted((a, b) => a.at - b.at);
  const end = outcome === null ? 'it has not ended' : `it ends ${outcome}${reason === null ? '' : `: ${reason}`}`;
  return [
    ...columns(lines.map(({ at, code, text }) => [`+${formatElapsed(at - startedAt)}`, code, text])),
    '',
    `${end}; after ${formatDuration(Math.round(tookMs / 1_000) * 1_000)}, ${String(historyEvents)} history events`,
    ...(isAnybody ? ['no --directory was given: whoever answers holds every role'] : []),
  ].join('\n');
}

function wordsFor(by: string): string {
  return by === 'restart' ? 'the proxy started anew' : 'changed by hand';
}
