/** Criteria of the rarer kinds, for some lives: alerts, composites, hours, thresholds that are slow to clear. */

import type { Criterion } from '../../../plan/criteria.ts';
import type { Draw } from '../random.ts';

const common = { severity: 'P1', when: 'always', forMs: 0, warmUpMs: 0, minSamples: 0 } as const;

/** Its rule can fire, or be missing, in some worlds. */
const pager: Criterion = {
  ...common,
  id: 'pager',
  kind: 'alert',
  do: 'rollback',
  matchers: [
    { label: 'alertname', op: '=', value: 'ShopBroken' },
    { label: 'release', op: '=', value: '{{release}}' },
  ],
};

/** Good in every world. */
const limit = (id: string): Extract<Criterion, { kind: 'limit' }> => ({
  ...common,
  id,
  kind: 'limit',
  do: 'rollback',
  query: `${id}:ratio{app="shop",{{track}}}`,
  breach: { op: '>', value: 0.2, unit: null },
});

/** Explored lives begin on a Monday at nine, and last for minutes. */
const hours = (day: 'mon' | 'tue') =>
  ({ calendar: { timezone: 'UTC', windows: [{ days: [day], fromMs: 0, toMs: 86_400_000 }] } }) as const;

/** `errors` and `latency` are the criteria that every plan has. */
export function drawMoreCriteria(draw: Draw, [errors, ...others]: readonly Criterion[]): readonly Criterion[] {
  const some = <T>(chance: number, what: T): T[] => (draw.chance(chance) ? [what] : []);
  const first =
    errors?.kind === 'limit' && draw.chance(0.2) ? { ...errors, clear: { op: '<', value: 0.008 } as const } : errors;
  return [
    ...(first === undefined ? [] : [first]),
    ...others,
    ...some(0.3, pager),
    ...some(0.15, {
      ...common,
      id: 'either',
      kind: 'any-of' as const,
      do: draw.pick(['rollback', 'hold'] as const),
      parts: [
        { kind: 'criterion', criterion: limit('either-queue') } as const,
        { kind: 'ref', criterion: 'errors', phase: 'failed' } as const,
      ],
    }),
    ...some(0.15, {
      ...common,
      id: 'both',
      kind: 'all-of' as const,
      do: 'warn' as const,
      parts: [
        { kind: 'criterion', criterion: limit('both-queue') } as const,
        { kind: 'ref', criterion: 'errors', phase: 'breached' } as const,
      ],
    }),
    ...some(0.15, { ...limit('by-day'), onlyIf: hours(draw.pick(['mon', 'tue'])) }),
  ];
}
