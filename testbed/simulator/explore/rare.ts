/** What happens to few lives, each kind drawn from a stream of its own: it costs time, or hides what is more common. */

import type { Draw } from '../random.ts';
import type { WorldScript } from '../worlds/script.ts';
import type { Act, Lie, Refusal } from './mischief.ts';

const second = 1_000;
const minute = 60_000;

export function drawRareActs(draw: Draw, untilMs: number): Act[] {
  const moment = (): number => draw.between(500, untilMs);
  const some = (chance: number, most: number, make: () => Act): Act[] =>
    draw.chance(chance) ? Array.from({ length: draw.between(1, most) }, make) : [];
  return [
    ...some(0.05, 2, () => ({ at: moment(), do: 'terminate' })),
    ...some(0.04, 1, () => ({ at: moment(), do: 'zero' })),
    ...some(0.04, 1, () => ({ at: moment(), do: 'outage', ms: draw.pick([10 * second, minute, 90 * second]) })),
    ...some(0.04, 2, () => ({
      at: moment(),
      do: 'kill',
      downMs: draw.pick([200, 3_000]),
      skewMs: draw.pick([-1, 1]) * draw.between(40 * second, 10 * minute),
    })),
  ];
}

/** Somebody stops it, and whoever lets it go on again gives the message little time; and `sluice zero` once more. */
export function drawStops(draw: Draw, untilMs: number): Act[] {
  const moment = (): number => draw.between(500, untilMs);
  const asked = (by: string) => ({ by, reason: 'explored' });
  const zero: Act[] = draw.chance(0.05) ? [{ at: moment(), do: 'zero' }] : [];
  if (!draw.chance(0.15)) return zero;
  const at = moment();
  const [stop, go] = draw.pick([
    ['pause', 'resume'],
    ['freeze', 'lift'],
  ] as const);
  const later = at + draw.between(1, 30) * second;
  return [
    ...zero,
    { at, do: 'signal', name: stop, input: asked('olga') },
    {
      at: later,
      do: draw.pick(['signal', 'update']),
      name: go,
      input: asked('ana'),
      validForMs: draw.pick([-1_000, 5, 500, minute]),
    },
  ];
}

/** Weights by hand at the moments that matter: right after a step, or while its bake or a gate behind it lasts. */
export function drawHands(draw: Draw): WorldScript['proxy'] {
  if (!draw.chance(0.1)) return [];
  const weightBp = draw.pick([100, 500, 2_500, 10_000]);
  const afterMs = draw.pick([0, 3, 30, 300, draw.between(5 * second, 100 * second)]);
  return [{ when: { kind: 'from', weightBp, afterMs }, do: 'weights', canaryBp: draw.pick([0, 300, 5_000, 10_000]) }];
}

export function drawLie(draw: Draw): Lie | null {
  if (!draw.chance(0.05)) return null;
  const fromMs = draw.pick([0, 0, draw.between(0, 2 * minute)]);
  return { what: draw.pick(['early', 'other'] as const), fromMs, untilMs: fromMs + draw.between(5 * second, minute) };
}

export function drawRefusal(draw: Draw): Refusal | null {
  if (!draw.chance(0.08)) return null;
  const fromMs = draw.pick([0, 0, draw.between(0, 5 * minute)]);
  const lastsMs = draw.pick([0, 30 * second, 5 * minute, 15 * minute]);
  return { how: draw.pick(['full', 'away'] as const), fromMs, untilMs: fromMs + lastsMs };
}
