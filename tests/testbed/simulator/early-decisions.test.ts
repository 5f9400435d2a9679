import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planDigest } from '../../../plan/digest.ts';
import type { Status } from '../../../plan/status.ts';
import type { Plan } from '../../../plan/plan.ts';
import { equipment } from '../../../testbed/simulator/deployment.ts';
import { openGround } from '../../../testbed/simulator/explore/ground.ts';
import type { Ground } from '../../../testbed/simulator/explore/life.ts';
import { drawPlan, people } from '../../../testbed/simulator/explore/plans.ts';
import { calmWay } from '../../../testbed/simulator/network.ts';
import { createRandom } from '../../../testbed/simulator/random.ts';
import { simulatedTemporal } from '../../../testbed/simulator/runs.ts';
import { Simulation } from '../../../testbed/simulator/simulation.ts';
import { watchForStillness } from '../../../testbed/simulator/still.ts';
import { operatorFor } from '../../../testbed/simulator/worlds/operator.ts';
import { plainWorld } from '../../../testbed/simulator/worlds/script.ts';
import { steady } from '../../../testbed/simulator/worlds/timeline.ts';
import { createWorld } from '../../../testbed/simulator/worlds/world.ts';
import { buildWorkflowBundle } from '../../../worker/bundle.ts';

let ground: Ground;
beforeAll(async () => {
  ground = await openGround(await buildWorkflowBundle(), watchForStillness());
});
afterAll(() => ground.stillness.end());

const rollout = 'rollout/production/shop';
const startsAt = Date.UTC(2026, 0, 5, 9);
const minute = 60_000;
const pollMs = 10_000;
const good = { stable: steady('good' as const), canary: steady('good' as const) };
const require = [{ kind: 'at-least', count: 1, role: 'sre' }] as const;
const rest = { require, expiresMs: 120 * minute, onExpiry: 'hold', remindAt: [] } as const;
const drawn = drawPlan(createRandom(1)('plan'));
const step = {
  bakeMinMs: 10 * minute,
  bakeMaxMs: 30 * minute,
  smoke: [],
  hold: { forMs: minute, then: 'hold' },
} as const;
/** Ten minutes at 5 %, a gate, ten minutes at 100 %, a gate. */
const plan: Plan = {
  ...drawn,
  gates: [
    { id: 'wide', point: { kind: 'step', index: 1 }, ...rest },
    { id: 'final', point: { kind: 'promote' }, ...rest },
  ],
  steps: [
    { ...step, weightBp: 500 },
    { ...step, weightBp: 10_000 },
  ],
};

interface Act {
  readonly name: string;
  readonly when: (status: Status) => boolean;
  readonly input: (status: Status) => object;
  /** Somebody pauses the rollout just before. */
  readonly pauses?: true;
}

interface Course {
  /** What each act was answered. */
  readonly answers: ReadonlyMap<string, unknown>;
  /** When each gate was opened the last time. */
  readonly opened: ReadonlyMap<string, number>;
}

/** One decision after the other, and then until `isEnough`. */
async function lived(acts: readonly Act[], isEnough: (course: Course) => boolean): Promise<Course> {
  const config = operatorFor(plan);
  const script = { ...plainWorld, criteria: { errors: good, latency: good } };
  const world = createWorld(script, plan, { config, began: startsAt });
  const simulation: Simulation = new Simulation({
    ...{ seed: 1, startsAt, ...ground },
    around: { host: (origin) => world.host(origin), way: () => calmWay, onEffect: () => undefined },
    equip: (doors) =>
      equipment({ config, people, secrets: ground.secrets }, () => simulatedTemporal(simulation.server))(doors),
  });
  const { server } = simulation;
  const [answers, opened, waiting] = [new Map<string, unknown>(), new Map<string, number>(), [...acts]];
  simulation.startWorker();
  server.start(rollout, 'rollout', [{ plan, planDigest: planDigest(plan), requester: 'rita', carried: null }]);
  const look = async (): Promise<void> => {
    simulation.in(1_000, look);
    const status = (await server.query(rollout, 'status')) as Status | null;
    if (status === null) return;
    for (const { gate, openedAt, state } of status.requests) if (state === 'open') opened.set(gate, openedAt);
    const [act] = waiting;
    if (act === undefined || answers.size < acts.length - waiting.length || !act.when(status)) return;
    if (act.pauses === true && status.paused === null) {
      server.signal(rollout, 'pause', { by: 'olga', reason: 'lunch' });
      return;
    }
    waiting.shift();
    server.update(rollout, 'decide', act.input(status), (answer) => answers.set(act.name, answer));
  };
  simulation.in(1_000, look);
  const course = { answers, opened };
  await simulation.run(() => answers.size === acts.length && isEnough(course), startsAt + 120 * minute);
  return course;
}

const isOpen = (gate: string) => (status: Status) =>
  status.requests.some((request) => request.gate === gate && request.state === 'open');
const isBaking = ({ bake, step: present }: Status) => present === 0 && bake !== null && bake.state !== 'clean';
const decides =
  (decision: string, gate: string, more: object = {}) =>
  (status: Status) => ({
    ...{ decision, gate, by: 'ana', plan: status.planDigest, ...more },
    evidence: status.requests.find((request) => request.gate === gate)?.evidenceDigest ?? `sha256:${'0'.repeat(64)}`,
  });

/** The moment that an answer names, epoch ms. */
function expectedIn(answer: unknown): number {
  return Date.parse(/expected (\S+) at the earliest/.exec(JSON.stringify(answer))?.[1] ?? '');
}

describe('a decision at a gate whose turn has not come', () => {
  it('is told when the gate can open at the earliest, and so it does', async () => {
    const { answers, opened } = await lived(
      [
        { name: 'wide', when: isBaking, input: decides('approve', 'wide') },
        { name: 'final', when: isBaking, input: decides('approve', 'final') },
        { name: 'go on', when: isOpen('wide'), input: decides('approve', 'wide') },
      ],
      ({ opened: all }) => all.has('final'),
    );
    expect(JSON.stringify(answers.get('wide'))).toMatch(/gate wide is not open yet: .* after a clean bake at 5%/);
    expect(JSON.stringify(answers.get('final'))).toMatch(/gate final is not open yet: .* after a clean bake at 100%/);
    for (const gate of ['wide', 'final']) {
      const late = (opened.get(gate) ?? 0) - expectedIn(answers.get(gate));
      expect(late).toBeGreaterThan(-pollMs);
      expect(late).toBeLessThan(4 * pollMs);
    }
  });

  it('is told so too while somebody asked for more soak, and about the gate as it was before', async () => {
    const { answers, opened } = await lived(
      [
        { name: 'soak', when: isOpen('wide'), input: decides('more-soak', 'wide', { soak: '5m', reason: 'longer' }) },
        { name: 'wide', when: ({ phase }) => phase === 'baking', input: decides('approve', 'wide', { by: 'sam' }) },
        { name: 'go on', when: isOpen('wide'), input: decides('approve', 'wide') },
      ],
      () => true,
    );
    expect(JSON.stringify(answers.get('wide'))).toContain('gate wide is not open yet');
    const late = (opened.get('wide') ?? 0) - expectedIn(answers.get('wide'));
    expect(Math.abs(late)).toBeLessThan(4 * pollMs);
  });

  it('is told that nobody knows while the rollout stands still', async () => {
    const { answers } = await lived(
      [{ name: 'final', when: isBaking, input: decides('approve', 'final'), pauses: true }],
      () => true,
    );
    const answer = JSON.stringify(answers.get('final'));
    expect(answer).toContain('gate final is not open yet, and nobody can say when: the rollout stands still');
  });
});
