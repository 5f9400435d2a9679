/** Carries out the acts of a life: what people, operators and machines do to it at their moments. */

import type { Plan } from '../../../plan/plan.ts';
import { planDigest } from '../../../plan/digest.ts';
import type { WorkerConfig } from '../../../spec/worker-config.ts';
import { WorkerProblem } from '../../../worker/problem.ts';
import { zeroFrom } from '../../../worker/zero.ts';
import { rolloutWorkflow } from '../../../workflows/messages.ts';
import type { EditPlanInput } from '../../../workflows/messages.ts';
import { noCluster, noEngine } from '../deployment.ts';
import type { Simulation } from '../simulation.ts';
import type { Act } from './mischief.ts';
import { requester } from './plans.ts';

export const rollout = 'rollout/production/shop';
const rival = 'rollout/production/rival';
const guardian = 'guardian/sluice';
const minute = 60_000;

/** Where the acts happen. */
export interface Stage {
  readonly simulation: Simulation;
  readonly plan: Plan;
  readonly config: WorkerConfig;
  /** Somebody was told that this rollout's target is at zero. */
  readonly onZero: (of: string) => void;
}

export function perform(stage: Stage, act: Act): void | Promise<void> {
  const { simulation, plan } = stage;
  const { server } = simulation;
  const inputOf = (act: { readonly input: unknown; readonly validForMs?: number }): unknown =>
    act.validForMs === undefined || typeof act.input !== 'object'
      ? act.input
      : { ...act.input, validUntil: simulation.schedule.now + act.validForMs };
  switch (act.do) {
    case 'kill':
      if (simulation.worker === null) return;
      simulation.in(act.downMs, () => simulation.startWorker(act.skewMs));
      return simulation.killWorker();
    case 'freeze':
      return simulation.freezeWorker(act.ms);
    case 'signal':
      return server.signal(rollout, act.name, inputOf(act));
    case 'update':
      return server.update(rollout, act.name, inputOf(act), (answer) => simulation.trace.add(`answer ${answer.kind}`));
    case 'undecodable':
      return server.signalRaw(rollout, act.name, [undecodable]);
    case 'flood':
      for (let index = 0; index < act.count; index += 1) server.signal(rollout, 'decide', { nonsense: index });
      return;
    case 'edit': {
      const input = { ...editOf(plan, act.times, act.limit ?? 1), by: act.by, reason: 'explored' };
      return server.update(rollout, 'edit-plan', input, ({ kind }) => simulation.trace.add(`edit ${kind}`));
    }
    case 'cancel':
      return server.cancel(rollout);
    case 'rival': {
      const other = { ...plan, service: 'rival' };
      server.start(rival, rolloutWorkflow, [{ plan: other, planDigest: planDigest(other), requester, carried: null }]);
      return;
    }
    case 'terminate':
      if (!server.isAway()) server.terminate(rollout, 'by mistake');
      return;
    case 'zero':
      return zero(stage);
    case 'outage':
      return simulation.outage(act.ms);
  }
}

/** What stands in Temporal's schedule: a guardian every minute, when none runs. */
export function keepGuarding(simulation: Simulation): void {
  if (!simulation.server.isAway()) simulation.server.start(guardian, 'guardian', []);
  simulation.in(minute, () => keepGuarding(simulation));
}

/** Somebody runs it in a terminal, beside the worker, until it is confirmed or has nothing to go by. */
function zero({ simulation, plan, config, onZero }: Stage): void {
  const { connection, route } = plan.target;
  const { signal } = new AbortController();
  const say = (text: string): void => simulation.trace.add(`sluice zero: ${text}`);
  const house = {
    config,
    credentials: new Map<string, string>(),
    engine: noEngine,
    cluster: noCluster,
    ...simulation.doors(),
  };
  zeroFrom(house, { connection, route, releases: null, signal, onNews: say })
    .then(({ rollout: of, zeroed }) => {
      say(`${zeroed.kind}, from ${String(zeroed.fromBp)}`);
      if (of !== null && zeroed.kind === 'zero') onZero(of);
    })
    .catch((error: unknown) => {
      if (error instanceof WorkerProblem) return say(error.message);
      simulation.in(0, () => {
        throw error;
      });
    });
}

/** Made from the plan that it was started with. */
function editOf(from: Plan, times: number, limit: number): Pick<EditPlanInput, 'plan' | 'planDigest' | 'fromDigest'> {
  const steps = from.steps.map((step, index) => {
    if (index < from.steps.length - 1) return step;
    return { ...step, bakeMinMs: step.bakeMinMs * times, bakeMaxMs: step.bakeMaxMs * times };
  });
  const criteria = from.criteria.map((criterion) => {
    if (criterion.id !== 'errors' || criterion.kind !== 'limit') return criterion;
    return { ...criterion, breach: { ...criterion.breach, value: criterion.breach.value * limit } };
  });
  const plan = { ...from, steps, criteria };
  return { plan, planDigest: planDigest(plan), fromDigest: planDigest(from) };
}

const undecodable = { metadata: { encoding: Buffer.from('binary/secret') }, data: Buffer.from('\u0000\u0001') };
