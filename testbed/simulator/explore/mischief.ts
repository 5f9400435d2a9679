/** Everything that goes wrong in one explored life: drawn from a seed, as a list, so that it can be made shorter. */

import type { Fate, Fault, Way } from '../network.ts';
import type { ServerManners } from '../floor.ts';
import type { Draw, Random } from '../random.ts';
import type { WorldScript } from '../worlds/script.ts';
import { plainRelease, plainWorld } from '../worlds/script.ts';
import { steady } from '../worlds/timeline.ts';
import { drawHands, drawLie, drawRareActs, drawRefusal, drawStops } from './rare.ts';

const second = 1_000;
const minute = 60_000;

interface Said {
  readonly at: number;
  readonly name: string;
  readonly input: unknown;
  readonly validForMs?: number;
}

/** One thing that happens at a moment, ms after the start. */
export type Act =
  | { readonly at: number; readonly do: 'kill'; readonly downMs: number; readonly skewMs: number }
  | { readonly at: number; readonly do: 'freeze'; readonly ms: number }
  /** `validForMs`: its sender gives up after so long, and says so in it. */
  | (Said & { readonly do: 'signal' | 'update' })
  | { readonly at: number; readonly do: 'undecodable'; readonly name: string }
  | { readonly at: number; readonly do: 'flood'; readonly count: number }
  /** Another bake of the last step: `times` above 1 tightens, below 1 has to be asked. `limit`: the error criterion's threshold, so many times. */
  | { readonly at: number; readonly do: 'edit'; readonly by: string; readonly times: number; readonly limit?: number }
  | { readonly at: number; readonly do: 'cancel' }
  /** Another service's rollout wants the same route. */
  | { readonly at: number; readonly do: 'rival' }
  /** Somebody ends its workflow with Temporal's own tools; such lives have a guardian beside them. */
  | { readonly at: number; readonly do: 'terminate' }
  /** `sluice zero`, run where the worker's configuration is. */
  | { readonly at: number; readonly do: 'zero' }
  /** Temporal answers nobody for so long. */
  | { readonly at: number; readonly do: 'outage'; readonly ms: number };

/** How people answer the gates. */
export interface Approvers {
  /** From the opening of a request to an answer, ms. */
  readonly delayMs: number;
  /** Probability of a no instead of a yes. */
  readonly rejects: number;
  readonly soaks: number;
  /** Nobody ever answers. */
  readonly asleep: boolean;
  /** Before anybody answers, somebody tries it with an approval that must not count; with this probability. */
  readonly forges: number;
  /** Between two people's answers to one request, ms. */
  readonly apartMs: number;
  /** With this probability one of them takes the approval back, and gives it again later. */
  readonly withdraws: number;
  /** With this probability all answers come just when the request expires. */
  readonly late: number;
  /** With this probability an answer is valid for moments only. */
  readonly hurried: number;
}

export interface Mischief {
  readonly acts: readonly Act[];
  readonly way: Way;
  readonly manners: ServerManners;
  /** Until then everything works, so that most lives get past their preflight; ms after the start. */
  readonly fromMs: number;
  /** After this everything works and people are helpful, so that every rollout can end; ms after the start. */
  readonly untilMs: number;
  readonly world: WorldScript;
  readonly approvers: Approvers;
  /** Where people are told things: nowhere, or by a channel that never answers. */
  readonly channel: 'none' | 'silent';
  /** Once somebody has aborted, metrics, directory and notifications never answer again. */
  readonly blackout: boolean;
  /** What the deploy host says that is not so; `null` while it is honest. */
  readonly lie: Lie | null;
  /** The archive for records, and when it takes none; `null` where nobody declared one. */
  readonly archive: Refusal | null;
}

/** For a time the host takes orders without effect, and says that they were carried out: too early, or with another release. */
export interface Lie {
  readonly what: 'early' | 'other';
  readonly fromMs: number;
  readonly untilMs: number;
}

/** For a time nothing is taken: its disk is full, or nobody listens. */
export interface Refusal {
  readonly how: 'full' | 'away';
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Swarm: each seed has its own mix, so that rare faults are not always hidden behind common ones. */
export function drawMischief(random: Random): Mischief {
  const draw = random('mischief');
  const more = random('more mischief');
  const untilMs = draw.between(60, 300) * second;
  const acts = drawActs(draw, untilMs);
  return {
    acts: [
      ...acts,
      ...drawOddActs(more, untilMs),
      ...drawRareActs(random('rare'), untilMs),
      ...drawStops(random('stops'), untilMs),
    ].toSorted((a, b) => a.at - b.at),
    way: drawWay(draw),
    manners: drawManners(draw),
    fromMs: draw.pick([0, 500, 3_000, 20_000]),
    untilMs,
    world: withHands(random('hands'), withOddAlert(random('alert'), withOddSmoke(more, drawWorld(draw)))),
    approvers: {
      delayMs: draw.pick([1_000, 10_000, minute]),
      rejects: draw.pick([0, 0, 0, 0.15]),
      soaks: draw.pick([0, 0, 0.2]),
      asleep: draw.chance(0.08),
      forges: more.pick([0, 0.5, 0.9]),
      ...drawHabits(random('habits')),
    },
    channel: more.pick(['none', 'none', 'silent']),
    blackout: more.chance(0.2),
    lie: drawLie(random('lie')),
    archive: drawRefusal(random('archive')),
  };
}

/** How people answer who are not all there at the same time. */
function drawHabits(draw: Draw): Pick<Approvers, 'apartMs' | 'withdraws' | 'late' | 'hurried'> {
  const apartMs = draw.pick([0, 0, 15 * second, 40 * second]);
  return {
    apartMs,
    withdraws: apartMs === 0 ? 0 : draw.pick([0, 0.7]),
    late: draw.pick([0, 0, 0, 0, 0.8]),
    hurried: draw.pick([0, 0, 0, 0.3]),
  };
}

function drawWay(draw: Draw): Way {
  const some = (what: Fate, most: number): Fault[] =>
    draw.chance(0.25) ? [{ what, chance: draw.between(1, most * 1_000) / 1_000 }] : [];
  const faults = [
    ...some('reset-before', 0.2),
    ...some('reset-after', 0.3),
    ...some('hang', 0.1),
    ...some('hang-after', 0.1),
    ...some('error', 0.3),
    ...some('conflict', 0.2),
    ...some('no-effect', 0.3),
  ];
  const slow = draw.pick([
    { chance: 0, ms: [0, 0] },
    { chance: 0.05, ms: [500, 40_000] },
    { chance: 0.3, ms: [200, 3_000] },
  ] as const);
  return {
    usual: draw.pick([
      [1, 6],
      [20, 200],
    ] as const),
    slow,
    faults,
  };
}

function drawManners(draw: Draw): ServerManners {
  return {
    hop: draw.pick([
      [1, 4],
      [5, 80],
    ] as const),
    task: draw.pick([
      [1, 8],
      [20, 300],
    ] as const),
    lateness: draw.pick([
      [0, 0],
      [0, 900],
    ] as const),
    stall: draw.pick([
      { chance: 0, ms: [0, 0] },
      { chance: 0.03, ms: [500, 12_000] },
    ] as const),
    fullAt: draw.pick([4_096, 4_096, 60, 120]),
    askedFirst: draw.pick([0, 0.3]),
  };
}

function drawActs(draw: Draw, untilMs: number): Act[] {
  const moment = (): number => draw.between(500, untilMs);
  const many = (chance: number, most: number): number => (draw.chance(chance) ? draw.between(1, most) : 0);
  const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
  const who = (): string => draw.pick(['olga', 'ana', 'nemo', 'a stranger']);
  const asked = { reason: 'explored' };
  return [
    ...times(many(0.5, 4), (): Act => ({
      at: moment(),
      do: 'kill',
      downMs: draw.pick([200, 3_000, 25_000]),
      skewMs: draw.chance(0.1) ? draw.between(-30_000, 30_000) : 0,
    })),
    ...times(many(0.3, 2), (): Act => ({ at: moment(), do: 'freeze', ms: draw.pick([2_000, 12_000, 70_000]) })),
    ...times(many(0.35, 1), (): Act => ({ at: moment(), do: 'signal', name: 'abort', input: { by: who(), ...asked } })),
    ...times(many(0.3, 2), (): Act => ({ at: moment(), do: 'signal', name: 'pause', input: { by: who(), ...asked } })),
    ...times(many(0.3, 2), (): Act => ({
      at: moment(),
      do: 'signal',
      name: 'step-back',
      input: { by: who(), ...asked, ...draw.pick([{}, { to: '1%' }, { to: '5%' }, { toBp: 0 }]) },
    })),
    ...times(many(0.4, 3), (): Act => ({
      at: moment(),
      do: draw.pick(['signal', 'update']),
      name: 'resume',
      input: { by: who(), ...asked },
    })),
    ...times(many(0.2, 2), (): Act => ({
      at: moment(),
      do: 'signal',
      name: draw.pick(['freeze', 'freeze', 'lift', 'supersede', 'detach']),
      input: { by: who(), ...asked },
    })),
    ...times(many(0.2, 3), (): Act => ({
      at: moment(),
      do: 'undecodable',
      name: draw.pick(['decide', 'abort2', 'resume']),
    })),
    ...times(many(0.1, 1), (): Act => ({ at: moment(), do: 'flood', count: draw.between(20, 120) })),
    ...times(many(0.1, 1), (): Act => ({ at: moment(), do: 'cancel' })),
    ...times(many(0.2, 2), (): Act => ({ at: moment(), do: 'edit', by: who(), times: draw.pick([0.5, 2, 3]) })),
  ];
}

/** Every name that a message can have, and what nobody should send under it. */
const names = [
  'abort',
  'pause',
  'freeze',
  'step-back',
  'resume',
  'lift',
  'supersede',
  'detach',
  'decide',
  'flip',
  'edit-plan',
  'unheard-of',
];
const oddInputs: readonly unknown[] = [
  null,
  17,
  'now',
  [],
  [null],
  { by: 17, reason: {} },
  { by: null, to: '500%' },
  { gate: { id: 'wide' }, decision: ['approve'], by: 'ana' },
  { by: '語'.repeat(20_000), reason: '語'.repeat(20_000), gate: '語'.repeat(120), decision: 'approve' },
  { by: 'x'.repeat(20_000), reason: 'y'.repeat(20_000), gate: 'z'.repeat(20_000), decision: 'approve' },
];

function drawOddActs(draw: Draw, untilMs: number): Act[] {
  const moment = (): number => draw.between(500, untilMs);
  const odd = Array.from({ length: draw.chance(0.2) ? draw.between(1, 3) : 0 }, (): Act => ({
    at: moment(),
    do: draw.pick(['signal', 'update']),
    name: draw.pick(names),
    input: draw.pick(oddInputs),
  }));
  const edits = Array.from({ length: draw.chance(0.15) ? 1 : 0 }, (): Act => ({
    at: moment(),
    do: 'edit',
    by: 'ana',
    times: 1,
    limit: draw.pick([0.8, 1.5, 100]),
  }));
  if (!draw.chance(0.1)) return [...odd, ...edits];
  return [...odd, ...edits, { at: draw.between(500, 20_000), do: 'rival' }];
}

/** Somebody changes the weight by hand just after a step, or while people are asked. */
function withHands(draw: Draw, world: WorldScript): WorldScript {
  return { ...world, proxy: [...world.proxy, ...drawHands(draw)] };
}

/** Now and then the alert fires, or nobody can tell. */
function withOddAlert(draw: Draw, world: WorldScript): WorldScript {
  if (!draw.chance(0.25)) return world;
  const weightBp = draw.pick([100, 500, 2_500]);
  const when = { kind: 'from', weightBp, afterMs: draw.between(0, 20 * second) } as const;
  const value = draw.pick(['bad', 'empty', 'NaN', 'unavailable'] as const);
  const pager = { stable: steady('good' as const), canary: { first: 'good', points: [{ when, value }] } as const };
  return { ...world, criteria: { ...world.criteria, pager } };
}

/** Now and then the release answers, but not what its smoke expects. */
function withOddSmoke(draw: Draw, world: WorldScript): WorldScript {
  if (!draw.chance(0.12)) return world;
  const when = { kind: 'at', ms: draw.between(0, 100 * second) } as const;
  const smoke = { first: 'pass', points: [{ when, value: 500 }] } as const;
  return {
    ...world,
    releases: { ...world.releases, canary: { ...(world.releases['canary'] ?? plainRelease), smoke } },
  };
}

function drawWorld(draw: Draw): WorldScript {
  const from = (weightBp: number, afterMs: number) => ({ kind: 'from', weightBp, afterMs }) as const;
  const soon = () => draw.between(0, 40 * second);
  const kind = draw.pick([
    'good',
    'good',
    'good',
    'bad',
    'bad',
    'dark',
    'gap',
    'dies',
    'unready',
    'never',
    'stable-dies',
  ] as const);
  const good = { stable: steady('good' as const), canary: steady('good' as const) };
  const weightBp = draw.pick([100, 500, 2_500, 10_000]);
  const criteria = { errors: good, latency: good };
  const begun = { ...plainWorld, criteria, proxy: drawProxy(draw) };
  switch (kind) {
    case 'good':
      return begun;
    case 'bad': {
      const canary = { first: 'good', points: [{ when: from(weightBp, soon()), value: 'bad' }] } as const;
      return { ...begun, criteria: { ...criteria, errors: { stable: steady('good'), canary } } };
    }
    case 'dark': {
      const lost = draw.pick(['NaN', '+Inf', '-Inf', 'empty', 'unavailable'] as const);
      const dark = { first: 'good', points: [{ when: from(weightBp, soon()), value: lost }] } as const;
      return { ...begun, criteria: { ...criteria, errors: { stable: steady('good'), canary: dark } } };
    }
    case 'gap': {
      const start = draw.between(5 * second, 4 * minute);
      const gap = {
        first: 'good',
        points: [
          { when: { kind: 'at', ms: start }, value: 'unavailable' },
          { when: { kind: 'at', ms: start + draw.between(1_000, 90 * second) }, value: 'good' },
        ],
      } as const;
      return { ...begun, criteria: { errors: { stable: gap, canary: gap }, latency: { stable: gap, canary: gap } } };
    }
    case 'dies':
      return { ...begun, releases: { canary: { ...plainRelease, dies: [from(weightBp, soon())] } } };
    case 'unready': {
      const unready = { first: false, points: [{ when: from(weightBp, soon()), value: true }] };
      return { ...begun, releases: { canary: { ...plainRelease, unready } } };
    }
    case 'never':
      return { ...begun, releases: { canary: { ...plainRelease, readyAfterMs: null } } };
    case 'stable-dies':
      return { ...begun, releases: { stable: { ...plainRelease, dies: [from(weightBp, soon())] } } };
  }
}

function drawProxy(draw: Draw): WorldScript['proxy'] {
  const when = () => ({ kind: 'at', ms: draw.between(5 * second, 5 * minute) }) as const;
  const restarts = draw.chance(0.15)
    ? [{ when: when(), do: 'restart' as const, resume: draw.chance(0.5), downMs: draw.pick([500, 20_000]) }]
    : [];
  const hands = draw.chance(0.15)
    ? [{ when: when(), do: 'weights' as const, canaryBp: draw.pick([0, 300, 5_000, 10_000]) }]
    : [];
  return [...restarts, ...hands];
}
