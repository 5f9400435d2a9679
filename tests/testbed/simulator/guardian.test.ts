import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planDigest } from '../../../plan/digest.ts';
import type { Plan } from '../../../plan/plan.ts';
import type { Status } from '../../../plan/status.ts';
import { equipment } from '../../../testbed/simulator/deployment.ts';
import { openGround } from '../../../testbed/simulator/explore/ground.ts';
import { drawLife, type Ground } from '../../../testbed/simulator/explore/life.ts';
import { people } from '../../../testbed/simulator/explore/plans.ts';
import { calmWay } from '../../../testbed/simulator/network.ts';
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
const good = { stable: steady('good' as const), canary: steady('good' as const) };

interface Ended {
  readonly outcome: string;
  readonly reason: string | null;
  /** Of the release under test, at the end. */
  readonly shareBp: number;
  readonly isGivenBack: boolean;
  readonly types: readonly string[];
}

/** A rollout without gates, terminated after so many ms, with a guardian beside it; `again`: its revert too, after so many activities. */
async function terminated(seed: number, afterMs: number, again: number | null = null): Promise<Ended> {
  const plan: Plan = { ...drawLife(seed).plan, gates: [] };
  const config = operatorFor(plan);
  const script = { ...plainWorld, criteria: { errors: good, latency: good } };
  const world = createWorld(script, plan, { config, began: startsAt });
  const simulation: Simulation = new Simulation({
    ...{ seed, startsAt, ...ground },
    around: { host: (origin) => world.host(origin), way: () => calmWay, onEffect: () => undefined },
    equip: (doors) =>
      equipment({ config, people, secrets: ground.secrets }, () => simulatedTemporal(simulation.server))(doors),
  });
  const { server } = simulation;
  simulation.startWorker();
  server.start('guardian/sluice', 'guardian', []);
  server.start(rollout, 'rollout', [{ plan, planDigest: planDigest(plan), requester: 'rita', carried: null }]);
  simulation.in(afterMs, () => server.terminate(rollout, 'by mistake'));
  let quietSince = Infinity;
  const isOver = () => {
    const runs = server.chain(rollout);
    const revert = runs.length === 2 ? runs[1] : undefined;
    if (again !== null && revert !== undefined && revert.asked.length >= again) server.terminate(rollout, 'once more');
    const closing = server.newest(rollout)?.closing ?? null;
    if (closing?.kind !== 'completed') quietSince = Infinity;
    else if (quietSince === Infinity) quietSince = simulation.schedule.now;
    return simulation.schedule.now - quietSince > minute; // it stays so
  };
  expect(await simulation.run(isOver, startsAt + 24 * 60 * minute)).toBe(true);
  const status = (await server.finalQuery(rollout, 'status')) as Status;
  const truth = world.truth(simulation.schedule.now);
  return {
    outcome: status.outcome ?? '',
    reason: status.reason,
    shareBp: Math.round(truth.shares.get(plan.release.digest) ?? 0),
    isGivenBack: typeof truth.claim !== 'object' || truth.claim === null || truth.claim.released,
    types: server.chain(rollout).map(({ identity }) => identity.workflowType),
  };
}

describe('a simulated rollout that somebody terminates', { timeout: 180_000 }, () => {
  it('ends with an outcome and with nothing left, at whatever moment that was', async () => {
    const outcomes = new Set<string>();
    for (let seed = 1; seed <= 40; seed += 1) {
      const { types, outcome, ...end } = await terminated(seed, seed * seed * 150);
      outcomes.add(outcome);
      if (types.length === 1) continue; // it was over by then
      expect(types, `seed ${String(seed)}`).toEqual(['rollout', 'revert']);
      const shareBp = outcome === 'completed' ? 10_000 : 0;
      expect(end, `seed ${String(seed)}`).toMatchObject({ shareBp, isGivenBack: true });
    }
    expect([...outcomes]).toEqual(expect.arrayContaining(['aborted', 'rolled-back']));
  });

  it('and whose revert is terminated too is taken back by another one', async () => {
    for (let seed = 1; seed <= 12; seed += 1) {
      const { types, outcome, shareBp, isGivenBack } = await terminated(seed, 20_000, seed % 6);
      expect(types, `seed ${String(seed)}`).toEqual(['rollout', 'revert', 'revert']);
      expect([outcome, shareBp, isGivenBack], `seed ${String(seed)}`).toEqual(['rolled-back', 0, true]);
    }
  });
});
