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
import type { Worker } from '../world/commands.ts';
import { violations } from '../world/invariants.ts';
import { endFacts, outcomeOf } from './ending.ts';
import { badFacts, stepFacts } from './facts.ts';
import { runDemo } from './run.ts';
import { play, type Scenario } from './scenario.ts';
import { createScreen, type Screen } from './screen.ts';
import { often, setUpIn } from './setting.ts';
import { caddyStage } from './stage-caddy.ts';
import { kubernetesStage } from './stage-kubernetes.ts';
import type { ScenarioName, Stage } from './stage.ts';
import { complaints, type Ended, ladderBp, renderSummary, type Summary } from './summary.ts';

const folder = inProject('.demo');
const names: readonly ScenarioName[] = ['good', 'bad', 'rejected', 'crash'];
const isKept = process.env['KEEP'] === '1';
/** It stops by itself, also when nobody stops a world that was kept. */
const load = { ratePerSecond: 100, maxSeconds: isKept ? 3_600 : 900 };
const baselineMs = 6_000;
const plainWidth = 108;

/** Where the releases may run; nothing said is the first. */
const caddy = { parts: 'Caddy', start: caddyStage };
const targets: Readonly<Record<string, { readonly parts: string; readonly start: typeof caddyStage }>> = {
  '': caddy,
  caddy,
  kubernetes: { parts: 'a Kubernetes of our own', start: kubernetesStage },
};

/** Marks on the way that only the demo itself knows. */
interface Marks {
  worker: Worker;
  killedAt: number | null;
}

async function main(): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const screen = createScreen();
  const target = targets[process.env['TARGET'] ?? ''];
  if (target === undefined) {
    process.stderr.write(`usage: make demo [TARGET=${Object.keys(targets).filter(Boolean).join('|')}] [KEEP=1]\n`);
    process.exitCode = 2;
    return;
  }
  screen.say(`Starting Temporal, Prometheus, ${target.parts} and four services…`);
  const stage = await target.start(folder, names);
  try {
    process.exitCode = await runDemo({
      run: () => proven(stage, screen),
      keep: isKept ? () => keep(stage) : null,
      say: (line) => void process.stdout.write(`${line}\n`),
    });
  } finally {
    await stage.stop();
  }
}

async function proven(stage: Stage, screen: Screen): Promise<readonly string[]> {
  try {
    const summary = await run(stage, screen);
    screen.done();
    writeFileSync(join(folder, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
    process.stdout.write(`\n${renderSummary(summary, process.stdout.isTTY ? process.stdout.columns : plainWidth)}\n`);
    return complaints(summary);
  } finally {
    screen.done();
  }
}

async function run(stage: Stage, screen: Screen): Promise<Summary> {
  const marks: Marks = { worker: await setUpIn(stage), killedAt: null };
  for (const name of names) stage.load(name, load);
  const session = await connect({ ...addresses(stage), taskQueue: stage.taskQueue });
  try {
    await sleep(baselineMs); // rates over five seconds need five seconds of stable's traffic
    const tell = (name: ScenarioName, status: Status) => screen.show(name, status);
    const [good, bad, rejected] = await Promise.all(
      [goodOne, badOne(stage), rejectedOne].map((scenario) => play(stage, session, scenario, tell)),
    );
    screen.say('Three have ended; the fourth loses its worker in the middle.');
    const crash = await play(stage, session, crashOne(stage, marks, screen), tell);
    if (good === undefined || bad === undefined || rejected === undefined) throw new Error('a rollout is missing');
    return await summarize(stage, session, { good, bad, rejected, crash }, marks);
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
function badOne(stage: Stage): Scenario {
  let isBad = false;
  const disturb = async (status: Status) => {
    if (isBad || status.weights.acceptedBp !== 500 || bakingMs(status) < 4_000) return;
    isBad = true;
    await stage.setFaults('bad', 'v2', { errorRate: 0.03 });
  };
  return { name: 'bad', expected: 'rolled-back', rejects: null, disturb };
}

/** How long the present bake has gone on, by the wall clock; 0 in any other phase. */
function bakingMs(status: Status): number {
  return status.phase === 'baking' ? Date.now() - status.phaseSince : 0;
}

/** The worker is killed in the middle of the 25 % bake, and a new one started. */
function crashOne(stage: Stage, marks: Marks, screen: Screen): Scenario {
  const disturb = async (status: Status) => {
    const isMidBake = status.weights.acceptedBp === 2500 && bakingMs(status) > 2_000;
    if (marks.killedAt !== null || !isMidBake) return;
    await marks.worker.kill();
    marks.killedAt = Date.now(); // every call after that is the new worker's
    screen.say('The worker was killed with -9; a new one starts.');
    marks.worker = await stage.startWorker(often);
  };
  return { name: 'crash', expected: 'completed', rejects: null, disturb };
}

async function summarize(
  stage: Stage,
  session: Session,
  ended: Readonly<Record<ScenarioName, Status>>,
  { killedAt }: Marks,
): Promise<Summary> {
  const [good, bad, rejected, crash] = await Promise.all([
    endOf(stage, 'good', ended.good),
    endOf(stage, 'bad', ended.bad),
    endOf(stage, 'rejected', ended.rejected),
    endOf(stage, 'crash', ended.crash),
  ]);
  const described = await describe(session, rolloutId('demo', 'good'));
  const facts = await badFacts(stage, 'bad', decidingQuery(stage.file('bad'), 'v2'), 0.01);
  const { badVisibleAt, zeroConfirmedAt } = facts;
  const isMissing = badVisibleAt === null || zeroConfirmedAt === null;
  const progressAt = killedAt === null ? null : stage.calledAfter(killedAt);
  return {
    good: {
      ...good,
      steps: stepFacts(stage, 'good'),
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
    rejected: { ...rejected, weightsSeenByProxy: stage.weightsSeen('rejected') },
    crash: {
      ...crash,
      weightsSeenByProxy: stage.weightsSeen('crash'),
      violations: violations(stage.writes('crash'), { stepsBp: ladderBp, ended: true }),
      killedAt: iso(killedAt),
      progressAt: iso(progressAt),
    },
  };
}

/** The `errors` criterion of a rollout file, as it is asked about one release. */
function decidingQuery(file: string, label: string): string {
  const read = parseSpec(readFileSync(file, 'utf8'), file);
  const criterion = read.ok ? read.value.criteria.find(({ id }) => id === 'errors') : undefined;
  if (criterion?.kind !== 'limit') throw new Error(`${file} has no limit errors`);
  return renderQuery(criterion.query, { trackLabel: 'release', release: { label, digest: '' } });
}

/** The outcome as the target shows it, beside what the rollout says itself. */
async function endOf(stage: Stage, name: ScenarioName, { outcome, reason }: Status): Promise<Ended> {
  return { outcome: outcomeOf(await endFacts(stage, name)), saysItself: outcome, reason };
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

function addresses(stage: Stage): { address: string; namespace: string } {
  return { address: stage.temporal.address, namespace: stage.temporal.namespace };
}

/** Leaves everything running until Ctrl-C. */
/** With what is to be typed to take the rejected release up once more, and to say yes this time. */
async function keep(stage: Stage): Promise<void> {
  const env = Object.entries(stage.env).map(([name, value]) => `${name}=${value}`);
  const image = `registry.example/rejected@${stage.digest('rejected', 'v2')}`;
  process.stdout.write(
    [
      '',
      'Everything goes on until Ctrl-C, the load for an hour:',
      `  Temporal UI   ${stage.temporal.uiUrl ?? 'off'}`,
      `  Prometheus    ${stage.prometheusUrl}`,
      `  ${stage.door}`,
      '',
      'In another terminal, the release that was rejected once more; 25 % waits for qa too, which is quinn:',
      `  export ${env.join(' ')}`,
      '  ./bin/sluice list',
      `  ./bin/sluice start ${stage.file('rejected')} --image ${image} --label v2 --requester rita`,
      '  ./bin/sluice approve demo/rejected go --by ana',
      '  ./bin/sluice watch demo/rejected',
      '',
    ].join('\n'),
  );
  await waitFor(() => false, { for: 'Ctrl-C', withinMs: 24 * 3_600_000, everyMs: 60_000 });
}

await main();
