/** One explored life of a rollout: a seed, a plan, mischief, people, and an end that is held against the promises. */

import type { Plan } from '../../../plan/plan.ts';
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
import { keepGuarding, perform, rollout, type Stage } from './acts.ts';
import { Broken } from './broken.ts';
import { atTheEnd, isEnded, outcomeOf } from './ending.ts';
import { archiveConfig, archiveOrigin, Keeping } from './keeping.ts';
import { lying } from './liar.ts';
import { drawMischief } from './mischief.ts';
import type { Mischief } from './mischief.ts';
import { drawMoreCriteria } from './more-criteria.ts';
import { drawMoreGates, drawPlan, people, requester, secret } from './plans.ts';
import type { Message } from './said.ts';
import { keepAnswering } from './staff.ts';
import { Watchman } from './watchman.ts';

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

/** A channel that takes what it is told and never answers. */
const silent = { name: 'silent', kind: 'webhook', url: 'http://127.0.0.1:9999/hook', auth: null } as const;
const silentOrigin = new URL(silent.url).origin;
const nobodyThere: Way = { ...calmWay, faults: [{ what: 'hang', chance: 1 }] };
const startsAt = Date.UTC(2026, 0, 5, 9);
const longestMs = 6 * 3_600_000;
const hookOrigin = 'http://127.0.0.1:9000';
/** A clock that is wrong by less is believed. */
const toleratedMs = 35_000;

export function drawLife(seed: number): Life {
  const random = createRandom(seed);
  const plan = drawMoreGates(random('gates'), drawPlan(random('plan')));
  const criteria = drawMoreCriteria(random('criteria'), plan.criteria);
  return { seed, plan: { ...plan, criteria }, mischief: drawMischief(random) };
}

export async function live(life: Life, ground: Ground): Promise<Lived> {
  const { seed, plan, mischief } = life;
  const config = {
    ...operatorFor(plan),
    ...(mischief.channel === 'silent' && { notify: [silent] }),
    ...(mischief.archive !== null && { archive: archiveConfig }),
  };
  const world = createWorld(mischief.world, plan, { config, began: startsAt });
  const isTroubled = () => {
    const age = simulation.schedule.now - startsAt;
    return age >= mischief.fromMs && age < mischief.untilMs;
  };
  // An archive that says it has kept what it has not cannot be seen through.
  const honest = { ...mischief.way, faults: mischief.way.faults.filter(({ what }) => what !== 'no-effect') };
  let attemptAt: number | null = null;
  const manners = { ...mischief.manners };
  const simulation: Simulation = new Simulation({
    seed,
    startsAt,
    ...ground,
    manners,
    around: {
      host: (origin) => hosts(origin),
      way: (origin) => {
        if (isSilent(origin)) return nobodyThere;
        return isTroubled() ? (origin === archiveOrigin ? honest : mischief.way) : calmWay;
      },
      onEffect: (arrival) => {
        attemptAt = arrival.attemptAt;
      },
    },
    equip: equipment(
      {
        config,
        get people() {
          if (isBlackedOut()) throw new Error('the directory is away');
          return people;
        },
        secrets: ground.secrets,
      },
      () => simulatedTemporal(simulation.server),
    ),
    onEvent: () => {
      const attempt = attemptAt;
      attemptAt = null;
      keeping?.look();
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
    origin === silentOrigin || (isBlackedOut() && origin === 'http://127.0.0.1:9090');
  const keeping = mischief.archive === null ? null : new Keeping(mischief.archive, rollout, simulation);
  const hosts = hostsOf(world, life, keeping);
  // What is wrong by more is set right by what the servers around say.
  const skews = mischief.acts.map((act) => (act.do === 'kill' ? Math.min(Math.abs(act.skewMs), toleratedMs) : 0));
  const watchman = new Watchman({
    plan,
    digest: planDigest(plan),
    rollout,
    simulation,
    world,
    mischief,
    skewMs: 2 * Math.max(0, ...skews),
  });
  const stage = { simulation, plan, config, onZero: (of: string) => watchman.zeroed(of) };
  const broken = await told(() => lead(stage, world, { watchman, keeping }, mischief));
  const run = simulation.server.newest(rollout);
  return {
    broken,
    outcome: (run === undefined ? null : outcomeOf(run)) ?? run?.closing?.kind ?? 'open',
    historyEvents: simulation.server.chain(rollout).reduce((sum, { historyEvents }) => sum + historyEvents, 0),
    tookMs: simulation.schedule.now - startsAt,
    digest: simulation.trace.digest(),
    trace: simulation.trace.last(120).map(({ at, what }) => `${((at - startsAt) / 1_000).toFixed(3)} ${what}`),
  };
}

/** Who looks on. */
interface Lookers {
  readonly watchman: Watchman;
  readonly keeping: Keeping | null;
}

async function lead(stage: Stage, world: World, { watchman, keeping }: Lookers, mischief: Mischief): Promise<void> {
  const { simulation, plan } = stage;
  simulation.startWorker();
  const digest = planDigest(plan);
  if (mischief.acts.some((act) => act.do === 'terminate')) keepGuarding(simulation);
  simulation.server.start(rollout, 'rollout', [{ plan, planDigest: digest, requester, carried: null }]);
  for (const act of mischief.acts) simulation.in(act.at, () => perform(stage, act));
  simulation.in(mischief.untilMs, () => simulation.manners(calmServer));
  keepAnswering(simulation, mischief);
  const isOver = () => {
    const run = simulation.server.newest(rollout);
    return run !== undefined && isEnded(run) && keeping?.isOver() !== false;
  };
  const ended = await simulation.run(isOver, startsAt + longestMs);
  const status = (await simulation.server.finalQuery(rollout, 'status')) as Status | null;
  await simulation.server.workerGone();
  const outcome = atTheEnd({ simulation, world, plan, mischief, rollout, ended, status, watchman });
  keeping?.atTheEnd(outcome, watchman.knowsArchive);
}

function hostsOf(
  world: World,
  { mischief, sabotage }: Omit<Life, 'seed' | 'plan'>,
  keeping: Keeping | null,
): (origin: string) => Host | undefined {
  const { lie } = mischief;
  const hook = world.host(hookOrigin);
  const liar = lie === null || hook === undefined ? hook : lying(hook, lie, startsAt);
  return (origin) => {
    if (origin === hookOrigin && sabotage === undefined) return liar;
    if (origin === archiveOrigin) return keeping?.host;
    return sabotage === undefined ? world.host(origin) : heedless(world.host(origin));
  };
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
  const { validUntil } = content;
  return {
    name,
    isSignal: signalWorkflow != null,
    validUntil: typeof validUntil === 'number' ? validUntil : null,
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
