/** `make demo`: four rollouts on real servers, watched live; ends 0 only when all four ended as they should. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Session } from '../../client/index.ts';
import { connect, describe, rolloutId } from '../../client/index.ts';
import { renderQuery } from '../../plan/promql.ts';
import type { Status } from '../../plan/status.ts';
import { parseSpec } from '../../spec/rollout.ts';
import { inProject } from '../root.ts';
import { waitFor } from '../wait.ts';
import { startWorld, type World } from '../world.ts';
import type { Worker } from '../world/commands.ts';
import { violations } from '../world/invariants.ts';
import { endFacts, outcomeOf } from './ending.ts';
import { badFacts, stepFacts } from './facts.ts';
import { runDemo } from './run.ts';
import { play, type Scenario, type ScenarioName } from './scenario.ts';
import { createScreen, type Screen } from './screen.ts';
import { often, setUpIn } from './setting.ts';
import { complaints, type Ended, ladderBp, renderSummary, type Summary } from './summary.ts';

const folder = inProject('.demo');
const names: readonly ScenarioName[] = ['good', 'bad', 'rejected', 'crash'];
const isKept = process.env['KEEP'] === '1';
/** It stops by itself, also when nobody stops a world that was kept. */
const load = { ratePerSecond: 100, maxSeconds: isKept ? 3_600 : 900 };
const baselineMs = 6_000;
const plainWidth = 108;

/** Marks on the way that only the demo itself knows. */
interface Marks {
  worker: Worker;
  killedAt: number | null;
}

async function main(): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const screen = createScreen();
  screen.say('Starting Temporal, Prometheus, Caddy and four services…');
  const world = await startWorld({ folder, services: names, temporal: { ui: true } });
  try {
    process.exitCode = await runDemo({
      run: () => proven(world, screen),
      keep: isKept ? () => keep(world) : null,
      say: (line) => void process.stdout.write(`${line}\n`),
    });
  } finally {
    await world.stop();
  }
}

async function proven(world: World, screen: Screen): Promise<readonly string[]> {
  try {
    const summary = await run(world, screen);
    screen.done();
    writeFileSync(join(folder, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
    process.stdout.write(`\n${renderSummary(summary, process.stdout.isTTY ? process.stdout.columns : plainWidth)}\n`);
    return complaints(summary);
  } finally {
    screen.done();
  }
}

async function run(world: World, screen: Screen): Promise<Summary> {
  const marks: Marks = { worker: await setUpIn(world), killedAt: null };
  for (const name of names) world.load(name, load);
  const session = await connect({ ...addresses(world), taskQueue: world.taskQueue });
  try {
    await sleep(baselineMs); // rates over five seconds need five seconds of stable's traffic
    const tell = (name: ScenarioName, status: Status) => screen.show(name, status);
    const [good, bad, rejected] = await Promise.all(
      [goodOne, badOne(world), rejectedOne].map((scenario) => play(world, session, scenario, tell)),
    );
    screen.say('Three have ended; the fourth loses its worker in the middle.');
    const crash = await play(world, session, crashOne(world, marks, screen), tell);
    if (good === undefined || bad === undefined || rejected === undefined) throw new Error('a rollout is missing');
    return await summarize(world, session, { good, bad, rejected, crash }, marks);
  } finally {
    await session.close();
  }
}

const goodOne: Scenario = { name: 'good', expected: 'completed', rejects: null, disturb: async () => undefined };

const rejectedOne: Scenario = {
  name: 'rejected',
  expected: 'rolled-back',
  rejects: { gate: 'wide@25%', by: 'quinn', reason: 'the new checkout is not ready for this many people' },
  disturb: async () => undefined,
};

/** 3 % errors appear in the middle of the 5 % bake. */
function badOne(world: World): Scenario {
  let isBad = false;
  const disturb = async (status: Status) => {
    if (isBad || status.weights.acceptedBp !== 500 || bakingMs(status) < 4_000) return;
    isBad = true;
    await world.setFaults('bad', 'v2', { errorRate: 0.03 });
  };
  return { name: 'bad', expected: 'rolled-back', rejects: null, disturb };
}

/** How long the present bake has gone on, by the wall clock; 0 in any other phase. */
function bakingMs(status: Status): number {
  return status.phase === 'baking' ? Date.now() - status.phaseSince : 0;
}

/** The worker is killed in the middle of the 25 % bake, and a new one started. */
function crashOne(world: World, marks: Marks, screen: Screen): Scenario {
  const disturb = async (status: Status) => {
    const isMidBake = status.weights.acceptedBp === 2500 && bakingMs(status) > 2_000;
    if (marks.killedAt !== null || !isMidBake) return;
    marks.killedAt = Date.now();
    await marks.worker.kill();
    screen.say('The worker was killed with -9; a new one starts.');
    marks.worker = await world.startWorker(often);
  };
  return { name: 'crash', expected: 'completed', rejects: null, disturb };
}

async function summarize(
  world: World,
  session: Session,
  ended: Readonly<Record<ScenarioName, Status>>,
  { killedAt }: Marks,
): Promise<Summary> {
  const [good, bad, rejected, crash] = await Promise.all([
    endOf(world, 'good', ended.good),
    endOf(world, 'bad', ended.bad),
    endOf(world, 'rejected', ended.rejected),
    endOf(world, 'crash', ended.crash),
  ]);
  const described = await describe(session, rolloutId('demo', 'good'));
  const facts = await badFacts(world, 'bad', decidingQuery('bad', 'v2'), 0.01);
  const { badVisibleAt, zeroConfirmedAt } = facts;
  const isMissing = badVisibleAt === null || zeroConfirmedAt === null;
  const progress = world.admin.entries().find(({ at }) => killedAt !== null && at > killedAt);
  return {
    good: {
      ...good,
      steps: stepFacts(world, 'good'),
      historyEvents: described.historyEvents,
      seconds: Math.round((ended.good.phaseSince - ended.good.startedAt) / 100) / 10,
    },
    bad: {
      ...bad,
      badStartedAt: iso(facts.badStartedAt),
      badVisibleAt: iso(badVisibleAt),
      zeroConfirmedAt: iso(zeroConfirmedAt),
      secondsFromVisibleToZero: isMissing ? null : (zeroConfirmedAt - badVisibleAt) / 1000,
      canaryRequestsAfterZero: facts.canaryRequestsAfterZero,
    },
    rejected: { ...rejected, weightsSeenByProxy: world.weightsSeenByProxy('rejected') },
    crash: {
      ...crash,
      weightsSeenByProxy: world.weightsSeenByProxy('crash'),
      violations: violations(world.proxyWrites('crash'), { stepsBp: ladderBp, ended: true }),
      killedAt: iso(killedAt),
      progressAt: iso(progress?.at ?? null),
    },
  };
}

/** The `errors` criterion of a demo file, as it is asked about one release. */
function decidingQuery(name: ScenarioName, label: string): string {
  const file = inProject('examples', 'demo', `${name}.yaml`);
  const read = parseSpec(readFileSync(file, 'utf8'), file);
  const criterion = read.ok ? read.value.criteria.find(({ id }) => id === 'errors') : undefined;
  if (criterion?.kind !== 'limit') throw new Error(`${file} has no limit errors`);
  return renderQuery(criterion.query, { trackLabel: 'release', release: { label, digest: '' } });
}

/** The outcome as the target shows it, beside what the rollout says itself. */
async function endOf(world: World, name: ScenarioName, { outcome, reason }: Status): Promise<Ended> {
  return { outcome: outcomeOf(await endFacts(world, name)), saysItself: outcome, reason };
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

function addresses(world: World): { address: string; namespace: string } {
  return { address: world.temporal.address, namespace: world.temporal.namespace };
}

/** Leaves everything running until Ctrl-C. */
async function keep(world: World): Promise<void> {
  const env = Object.entries(world.env).map(([name, value]) => `${name}=${value}`);
  process.stdout.write(
    [
      '',
      'Everything goes on until Ctrl-C, the load for an hour:',
      `  Temporal UI   ${world.temporal.uiUrl ?? 'off'}`,
      `  Prometheus    ${world.prometheus.url}`,
      `  proxy         ${world.publicUrl}   (Host: good.test, bad.test, rejected.test, crash.test)`,
      `  sluice        ${env.join(' ')} ./bin/sluice list`,
      '',
    ].join('\n'),
  );
  await waitFor(() => false, { for: 'Ctrl-C', withinMs: 24 * 3_600_000, everyMs: 60_000 });
}

await main();
