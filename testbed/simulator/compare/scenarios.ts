/** The short rollouts that are lived twice: each end of the story, and each kind of message on the way. */

import { planDigest } from '../../../plan/digest.ts';
import type { GatePlan, Plan } from '../../../plan/plan.ts';
import type { Status } from '../../../plan/status.ts';
import { drawPlan } from '../explore/plans.ts';
import { createRandom } from '../random.ts';
import { plainRelease, plainWorld } from '../worlds/script.ts';
import { steady } from '../worlds/timeline.ts';
import type { Act, Message, Scenario } from './scenario.ts';

const seconds = 1_000;
const good = { stable: steady('good' as const), canary: steady('good' as const) };
const world: Scenario['world'] = {
  ...plainWorld,
  criteria: { errors: good, latency: good },
  releases: { canary: { ...plainRelease, readyAfterMs: 300 } },
};

/** Two steps with bakes of seconds, so long that a message in the middle of one competes with nothing on a busy machine either. */
function planFor(name: string, changes: Partial<Plan> = {}): Plan {
  const drawn = drawPlan(createRandom(1)('plan'));
  const step = {
    bakeMinMs: 4 * seconds,
    bakeMaxMs: 20 * seconds,
    hold: { forMs: 60 * seconds, then: 'hold' },
  } as const;
  return {
    ...drawn,
    service: name,
    title: name,
    target: { ...drawn.target, drainMs: 0 },
    metrics: drawn.metrics && { ...drawn.metrics, everyMs: seconds, lagMs: 100 },
    gates: [],
    criteria: drawn.criteria.map((criterion) => ({ ...criterion, forMs: 0, minSamples: 0 })),
    steps: [
      { ...step, weightBp: 500, smoke: [{ suite: 'basic', aim: 'canary' }] },
      { ...step, weightBp: 10_000, smoke: [] },
    ],
    rollback: { withinMs: 60 * seconds, confirm: [{ suite: 'basic', aim: 'stable' }], keepCanaryMs: 0 },
    watch: { forMs: 2 * seconds, smoke: null },
    ...changes,
  };
}

function gate(id: string, point: GatePlan['point'], more: Partial<GatePlan> = {}): GatePlan {
  const require = [{ kind: 'at-least', count: 1, role: 'sre' }] as const;
  return { id, point, require, expiresMs: 120 * seconds, onExpiry: 'rollback', remindAt: [], ...more };
}

const beforeFull: GatePlan['point'] = { kind: 'step', index: 1 };

function scenario(
  name: string,
  acts: readonly Act[] = [],
  more: Partial<Omit<Scenario, 'name' | 'acts'>> = {},
): Scenario {
  return { name, plan: planFor(name), world, acts, ...more };
}

// ── When, and what ───────────────────────────────────────────────────────────────────────────────────────────────────

const bakes = ({ phase, weights }: Status) => phase === 'baking' && weights.acceptedBp === 500;
const asks = (id: string) => (status: Status) => status.requests.some((one) => one.gate === id && one.state === 'open');
const always = () => true;

function signal(name: string, by = 'ana'): Message {
  return { kind: 'signal', name, input: () => ({ by, reason: 'compared' }) };
}

function decision(kind: 'signal' | 'update', gateId: string, by: string, decided: object = {}): Message {
  const input = (status: Status) => {
    const request = status.requests.find((one) => one.gate === gateId);
    const about = { plan: status.planDigest, evidence: request?.evidenceDigest };
    return { decision: 'approve', gate: gateId, by, ...about, ...decided };
  };
  return { kind, name: 'decide', input };
}

/** Another plan for the rollout of that name, made from the one that it was started with. */
function edit(name: string, change: (step: Plan['steps'][number]) => Plan['steps'][number]): Message {
  const from = planFor(name);
  const plan = { ...from, steps: from.steps.map(change) };
  const input = () => ({
    by: 'ana',
    reason: 'compared',
    plan,
    planDigest: planDigest(plan),
    fromDigest: planDigest(from),
  });
  return { kind: 'update', name: 'edit-plan', input };
}

const nonsense: Message = { kind: 'signal', name: 'decide', input: () => ({ gate: 'wide' }) };

const halfway = 500;

export const scenarios: readonly Scenario[] = [
  scenario('completed'),

  scenario('bad-at-five-percent', [], {
    world: {
      ...world,
      criteria: {
        ...world.criteria,
        errors: {
          ...good,
          canary: {
            first: 'good',
            points: [{ when: { kind: 'from', weightBp: 500, afterMs: 1_600 }, value: 'bad' }],
          },
        },
      },
    },
  }),

  scenario('aborted-in-the-bake', [{ when: bakes, afterMs: halfway, send: signal('abort', 'olga') }]),

  scenario(
    'aborted-in-confirm',
    [
      {
        when: ({ phase, weights }) => phase === 'shifting' && weights.acceptedBp === 500,
        afterMs: 1_250,
        send: signal('abort', 'olga'),
      },
    ],
    {
      world: {
        ...world,
        releases: {
          canary: {
            ...plainRelease,
            readyAfterMs: 300,
            unready: { first: false, points: [{ when: { kind: 'from', weightBp: 500, afterMs: 0 }, value: true }] },
          },
        },
      },
    },
  ),

  scenario('paused-and-resumed', [
    { when: bakes, afterMs: halfway, send: signal('pause', 'olga') },
    { when: always, afterMs: 3_500, send: { kind: 'update', name: 'resume', input: () => ({ by: 'nemo' }) } },
    { when: always, afterMs: halfway, send: { kind: 'update', name: 'resume', input: () => ({ by: 'ana' }) } },
  ]),

  scenario('frozen-and-lifted', [
    { when: bakes, afterMs: halfway, send: signal('freeze', 'olga') },
    { when: always, afterMs: 3_500, send: signal('resume') },
    { when: always, afterMs: halfway, send: signal('lift') },
  ]),

  scenario(
    'approved',
    [
      { when: asks('go'), afterMs: halfway, send: decision('update', 'go', 'ana', { decision: 'maybe' }) },
      { when: always, afterMs: halfway, send: decision('update', 'go', 'ana', { evidence: 'sha256:other' }) },
      { when: always, afterMs: halfway, send: decision('update', 'go', 'ana') },
      { when: asks('wide'), afterMs: halfway, send: decision('signal', 'wide', 'quinn') },
      { when: always, afterMs: halfway, send: decision('signal', 'wide', 'sam') },
    ],
    {
      plan: planFor('approved', {
        gates: [gate('go', { kind: 'start' }, { onExpiry: 'abort' }), gate('wide', beforeFull)],
      }),
    },
  ),

  scenario('expired', [], {
    plan: planFor('expired', { gates: [gate('wide', beforeFull, { expiresMs: 2 * seconds, remindAt: [0.5] })] }),
  }),

  scenario('cancelled-at-a-gate', [{ when: asks('wide'), afterMs: halfway, send: { kind: 'cancel' } }], {
    plan: planFor('cancelled-at-a-gate', { gates: [gate('wide', beforeFull)] }),
  }),

  scenario(
    'continued',
    [
      { when: asks('wide'), afterMs: halfway, send: nonsense },
      ...Array.from({ length: 44 }, () => ({ when: always, afterMs: 0, send: nonsense })),
      { when: asks('wide'), afterMs: 3_500, send: nonsense }, // the new run tells of itself when something comes
      { when: asks('wide'), afterMs: halfway, send: decision('signal', 'wide', 'sam') },
    ],
    { plan: planFor('continued', { gates: [gate('wide', beforeFull)] }) },
  ),

  scenario('three-times-unavailable', [], {
    failing: { origin: 'http://127.0.0.1:2019', method: 'PATCH', times: 10 },
  }),

  scenario('superseded', [{ when: bakes, afterMs: halfway, send: signal('supersede') }]),

  scenario('stepped-back', [
    {
      when: ({ phase, weights }) => phase === 'baking' && weights.acceptedBp === 10_000,
      afterMs: halfway,
      send: signal('step-back', 'olga'),
    },
    { when: ({ phase }) => phase === 'paused', afterMs: 3_500, send: signal('resume') },
  ]),

  scenario('detached', [{ when: bakes, afterMs: halfway, send: signal('detach') }]),

  scenario(
    'rejected',
    [
      {
        when: asks('wide'),
        afterMs: halfway,
        send: decision('signal', 'wide', 'sam', { decision: 'reject', reason: 'the texts are wrong' }),
      },
    ],
    { plan: planFor('rejected', { gates: [gate('wide', beforeFull)] }) },
  ),

  scenario(
    'soaked-and-withdrawn',
    [
      {
        when: asks('wide'),
        afterMs: halfway,
        send: decision('update', 'wide', 'sam', { decision: 'more-soak', soak: '5s' }),
      },
      { when: (status) => !asks('wide')(status), afterMs: halfway, send: nonsense }, // it soaks: the next request is another one
      { when: asks('wide'), afterMs: 3_500, send: decision('update', 'wide', 'sam') },
      { when: always, afterMs: halfway, send: decision('update', 'wide', 'sam', { decision: 'withdraw' }) },
      { when: always, afterMs: halfway, send: decision('update', 'wide', 'ana') },
      { when: always, afterMs: halfway, send: decision('update', 'wide', 'sam') },
    ],
    {
      plan: planFor('soaked-and-withdrawn', {
        gates: [gate('wide', beforeFull, { require: [{ kind: 'at-least', count: 2, role: 'sre' }] })],
      }),
    },
  ),

  scenario(
    'tightened',
    [
      { when: bakes, afterMs: halfway, send: edit('tightened', (step) => ({ ...step, bakeMinMs: 6 * seconds })) },
      { when: always, afterMs: halfway, send: edit('tightened', (step) => ({ ...step, bakeMinMs: seconds })) },
    ],
    { plan: planFor('tightened') },
  ),

  scenario('kept', [{ when: bakes, afterMs: halfway, send: signal('abort', 'olga') }], {
    plan: planFor('kept', {
      rollback: { withinMs: 60 * seconds, confirm: [{ suite: 'basic', aim: 'stable' }], keepCanaryMs: 5 * seconds },
    }),
  }),

  scenario('held-and-resumed', [{ when: ({ phase }) => phase === 'held', afterMs: 3_500, send: signal('resume') }], {
    plan: planFor('held-and-resumed', {
      steps: planFor('held-and-resumed').steps.map((step) => ({ ...step, bakeMaxMs: 6 * seconds })),
    }),
    world: {
      ...world,
      criteria: {
        ...world.criteria,
        errors: {
          ...good,
          canary: {
            first: 'empty',
            points: [{ when: { kind: 'from', weightBp: 500, afterMs: 8 * seconds }, value: 'good' }],
          },
        },
      },
    },
  }),

  scenario('refused', [], { failing: { origin: 'http://127.0.0.1:2019', method: 'GET', times: 1_000 } }),
];
