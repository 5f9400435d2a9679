/** One explored life of a rollout: a seed, a plan, mischief, people, and an end that is held against the promises. */

import type { Plan } from '../../../plan/plan.ts';
import type { EditPlanInput } from '../../../workflows/messages.ts';
import { planDigest } from '../../../plan/digest.ts';
import type { Status } from '../../../plan/status.ts';
import type { Secrets } from '../../../providers/ports.ts';
import { equipment } from '../deployment.ts';
import { calmServer } from '../floor.ts';
import { calmWay, type Way } from '../network.ts';
import { fromPayload } from '../payloads.ts';
import { createRandom } from '../random.ts';
import type { Job, Sandbox } from '../sandbox.ts';
import { simulatedTemporal } from '../runs.ts';
import { Simulation } from '../simulation.ts';
import type { Stillness } from '../still.ts';
import type { Host } from '../worlds/host.ts';
import { operatorFor } from '../worlds/operator.ts';
import { createWorld } from '../worlds/world.ts';
import type { World } from '../worlds/world.ts';
import { atTheEnd } from './ending.ts';
import { drawMischief } from './mischief.ts';
import type { Act, Mischief } from './mischief.ts';
import { drawMoreCriteria } from './more-criteria.ts';
import { drawPlan, people, secret } from './plans.ts';
import { rolloutWorkflow } from '../../../workflows/messages.ts';
import { keepAnswering } from './staff.ts';
import { Broken, Watchman } from './watchman.ts';
import type { Message } from './watchman.ts';

/** What every life of one process shares. */
export interface Ground {
  readonly sandbox: Sandbox;
  readonly stillness: Stillness;
  readonly secrets: Secrets;
}

export interface Life {
  readonly seed: number;
  readonly plan: Plan;
  readonly mischief: Mischief;
  /** A world that is worse than any real one, to see that a broken promise is noticed. */
  readonly sabotage?: 'no-compare-and-set';
}

export interface Lived {
  /** `null` when every promise was kept. */
  readonly broken: string | null;
  readonly outcome: string;
  readonly historyEvents: number;
  /** Virtual ms. */
  readonly tookMs: number;
  readonly digest: string;
  /** The last lines of what happened. */
  readonly trace: readonly string[];
}

export const rollout = 'rollout/production/shop';
const rival = 'rollout/production/rival';
/** A channel that takes what it is told and never answers. */
const silent = { name: 'silent', kind: 'webhook', url: 'http://127.0.0.1:9999/hook', auth: null } as const;
const nobodyThere: Way = { ...calmWay, faults: [{ what: 'hang', chance: 1 }] };
const startsAt = Date.UTC(2026, 0, 5, 9);
const longestMs = 6 * 3_600_000;

export function drawLife(seed: number): Life {
  const random = createRandom(seed);
  const plan = drawPlan(random('plan'));
  const criteria = drawMoreCriteria(random('criteria'), plan.criteria);
  return { seed, plan: { ...plan, criteria }, mischief: drawMischief(random) };
}

export async function live({ seed, plan, mischief, sabotage }: Life, ground: Ground): Promise<Lived> {
  const config = { ...operatorFor(plan), ...(mischief.channel === 'silent' && { notify: [silent] }) };
  const world = createWorld(mischief.world, plan, { config, began: startsAt });
  const isTroubled = () => {
    const age = simulation.schedule.now - startsAt;
    return age >= mischief.fromMs && age < mischief.untilMs;
  };
  let attemptAt: number | null = null;
  const manners = { ...mischief.manners };
  const simulation: Simulation = new Simulation({
    seed,
    startsAt,
    ...ground,
    manners,
    around: {
      host: (origin) => (sabotage === undefined ? world.host(origin) : heedless(world.host(origin))),
      way: (origin) => {
        if (isSilent(origin)) return nobodyThere;
        return isTroubled() ? mischief.way : calmWay;
      },
      onEffect: (arrival) => {
        attemptAt = arrival.attemptAt;
      },
    },
    equip: (doors) =>
      equipment(
        {
          config,
          get people() {
            if (isBlackedOut()) throw new Error('the directory is away');
            return people;
          },
          secrets: ground.secrets,
        },
        () => simulatedTemporal(simulation.server),
      )(doors),
    onEvent: () => {
      const attempt = attemptAt;
      attemptAt = null;
      return watchman.look(attempt);
    },
    onTask: (jobs, commands) => {
      watchman.handled(jobs, wordsOf);
      const results = jobs.map(resultOf);
      for (const result of results) watchman.brought(result);
      for (const command of commands) watchman.asked(command);
      watchman.secrecy(secret.value, [...commands, ...results]);
    },
  });
  const isBlackedOut = () => mischief.blackout && watchman.turnedAt !== null;
  const isSilent = (origin: string) =>
    origin === new URL(silent.url).origin || (isBlackedOut() && origin === 'http://127.0.0.1:9090');
  const skews = mischief.acts.map((act) => (act.do === 'kill' ? Math.abs(act.skewMs) : 0));
  const watchman = new Watchman({
    plan,
    digest: planDigest(plan),
    rollout,
    simulation,
    world,
    mischief,
    skewMs: 2 * Math.max(0, ...skews),
  });
  const broken = await told(() => lead(simulation, world, watchman, { seed, plan, mischief }));
  const run = simulation.server.newest(rollout);
  const result =
    run?.closing?.kind === 'completed' ? (run.closing.result as { outcome: string }).outcome : run?.closing?.kind;
  return {
    broken,
    outcome: result ?? 'open',
    historyEvents: simulation.server.chain(rollout).reduce((sum, { historyEvents }) => sum + historyEvents, 0),
    tookMs: simulation.schedule.now - startsAt,
    digest: simulation.trace.digest(),
    trace: simulation.trace.last(120).map(({ at, what }) => `${((at - startsAt) / 1_000).toFixed(3)} ${what}`),
  };
}

async function lead(simulation: Simulation, world: World, watchman: Watchman, { plan, mischief }: Life): Promise<void> {
  simulation.startWorker();
  const digest = planDigest(plan);
  simulation.server.start(rollout, 'rollout', [{ plan, planDigest: digest, requester: 'rita', carried: null }]);
  for (const act of mischief.acts) simulation.in(act.at, () => perform(simulation, act, plan));
  simulation.in(mischief.untilMs, () => simulation.manners(calmServer));
  keepAnswering(simulation, mischief);
  const isOver = () => {
    const closing = simulation.server.newest(rollout)?.closing ?? null;
    return closing !== null && closing.kind !== 'continued';
  };
  const ended = await simulation.run(isOver, startsAt + longestMs);
  const status = (await simulation.server.finalQuery(rollout, 'status')) as Status | null;
  await simulation.server.workerGone();
  atTheEnd({ simulation, world, plan, mischief, rollout, ended, status, watchman });
}

/** Takes every write, whatever it was made on. */
function heedless(host: Host | undefined): Host | undefined {
  if (host === undefined) return undefined;
  return {
    answer: (request, now) => {
      const headers = Object.entries(request.headers ?? {}).filter(([name]) => name !== 'if-match');
      return host.answer({ ...request, headers: Object.fromEntries(headers) }, now);
    },
  };
}

async function told(lived: () => Promise<void>): Promise<string | null> {
  try {
    await lived();
    return null;
  } catch (error) {
    if (error instanceof Broken) return error.message;
    if (error instanceof Error && error.message.startsWith('workflow task failed')) return `I10: ${error.message}`;
    if (error instanceof Error && /^replay (differs|fails)/.test(error.message)) return `I16: ${error.message}`;
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

function perform(simulation: Simulation, act: Act, plan: Plan): void | Promise<void> {
  const { server } = simulation;
  switch (act.do) {
    case 'kill':
      if (simulation.worker === null) return;
      simulation.in(act.downMs, () => simulation.startWorker(act.skewMs));
      return simulation.killWorker();
    case 'freeze':
      return simulation.freezeWorker(act.ms);
    case 'signal':
      return server.signal(rollout, act.name, act.input);
    case 'update':
      return server.update(rollout, act.name, act.input, (answer) => simulation.trace.add(`answer ${answer.kind}`));
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
      server.start(rival, rolloutWorkflow, [
        { plan: other, planDigest: planDigest(other), requester: 'rita', carried: null },
      ]);
      return;
    }
  }
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

function wordsOf({ signalWorkflow, doUpdate }: Job): Message | null {
  const name = signalWorkflow?.signalName ?? doUpdate?.name;
  const [payload] = signalWorkflow?.input ?? doUpdate?.input ?? [];
  if (name == null) return null;
  const content = contentOf(payload);
  const text = (...keys: string[]) => {
    const value = keys.map((key) => content[key]).find((one) => one !== undefined);
    return typeof value === 'string' ? value : '';
  };
  const evidence = text('evidence', 'evidenceDigest');
  return {
    name,
    gate: text('gate'),
    decision: text('decision'),
    by: text('by'),
    plan: text('plan', 'planDigest'),
    evidence,
  };
}

/** What an activity brought into the history. */
function resultOf({ resolveActivity }: Job): string {
  return Buffer.from(resolveActivity?.result?.completed?.result?.data ?? []).toString('latin1');
}

function contentOf(payload: Parameters<typeof fromPayload>[0]): Record<string, unknown> {
  try {
    const value = fromPayload(payload);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {}; // an undecodable payload says nothing
  }
}
