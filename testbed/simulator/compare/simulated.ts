/** A scenario in the simulator. */

import { planDigest } from '../../../plan/digest.ts';
import type { Status } from '../../../plan/status.ts';
import { rolloutId, rolloutWorkflow } from '../../../workflows/messages.ts';
import { equipment } from '../deployment.ts';
import { people } from '../explore/plans.ts';
import type { Ground } from '../explore/life.ts';
import { calmServer } from '../floor.ts';
import { calmWay } from '../network.ts';
import { simulatedTemporal } from '../runs.ts';
import { Simulation } from '../simulation.ts';
import { operatorFor } from '../worlds/operator.ts';
import { CommandLog } from './asked.ts';
import { answered, looks, worldOf } from './scenario.ts';
import type { Door, Played, Scenario } from './scenario.ts';

const startsAt = Date.UTC(2026, 0, 5, 9);
const longestMs = 600_000;

/** How both are run: the server's limit and the worker's heartbeats. */
export interface Settings {
  /** History events after which the server suggests to continue as new. */
  readonly fullAt: number;
  readonly heartbeatMs: number;
}

/** Throws when the rollout does not end. */
export async function simulated(scenario: Scenario, ground: Ground, settings: Settings): Promise<Played> {
  const { plan, acts } = scenario;
  const world = worldOf(scenario, startsAt);
  const log = new CommandLog();
  const answers: string[] = [];
  const simulation: Simulation = new Simulation({
    seed: 1,
    startsAt,
    ...ground,
    manners: { ...calmServer, fullAt: settings.fullAt },
    heartbeatMs: settings.heartbeatMs,
    around: { host: (origin) => world.host(origin), way: () => calmWay, onEffect: () => undefined },
    equip: equipment({ config: operatorFor(plan), people, secrets: ground.secrets }, () =>
      simulatedTemporal(simulation.server),
    ),
    onTask: (_, commands) => log.take(commands),
  });
  const { server } = simulation;
  const rollout = rolloutId(plan.environment, plan.service);
  const door: Door = {
    status: async () => (await server.query(rollout, 'status')) as Status | null,
    now: () => simulation.schedule.now,
    send: (message, status) => {
      if (message.kind === 'cancel') return server.cancel(rollout);
      const { name, input } = message;
      if (message.kind === 'signal') return server.signal(rollout, name, input(status));
      server.update(rollout, name, input(status), (answer) => {
        if (answer.kind !== 'lost') answers.push(answered(name, answer));
      });
    },
  };
  simulation.startWorker();
  const input = { plan, planDigest: planDigest(plan), requester: 'rita', carried: null };
  server.start(rollout, rolloutWorkflow, [input]);
  const look = looks(acts, door);
  const again = async (): Promise<void> => {
    const ms = await look();
    if (ms !== null) simulation.in(ms, again);
  };
  simulation.in(0, again);
  const isOver = () => {
    const closing = server.newest(rollout)?.closing ?? null;
    return closing !== null && closing.kind !== 'continued';
  };
  if (!(await simulation.run(isOver, startsAt + longestMs))) throw new Error(`${scenario.name} never ended`);
  const runs = server.chain(rollout);
  await Promise.all(runs.map((run) => run.workerGone()));
  const events = runs.reduce((sum, { historyEvents }) => sum + historyEvents, 0);
  return { course: { asked: log.lines, writes: world.writes(), answers }, events };
}
