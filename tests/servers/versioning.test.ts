import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import proto from '@temporalio/proto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '../../cli/exit-codes.ts';
import { describe as describeRollout } from '../../client/index.ts';
import { ask } from '../../testbed/servers/http.ts';
import { locate } from '../../testbed/servers/locate.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import type { Worker } from '../../testbed/world/commands.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { splitNow } from './at-proxy.ts';
import { anotherBuild } from './builds.ts';
import { historiesThatDoNotReplay } from './replays.ts';
import { idOf, patienceMs, Rollouts } from './rollouts.ts';

const { VersioningBehavior } = proto.temporal.api.enums.v1;
const { VERSIONING_BEHAVIOR_PINNED: pinned, VERSIONING_BEHAVIOR_AUTO_UPGRADE: autoUpgrade } = VersioningBehavior;

const folder = temporaryFolder('versioning');
let world: World;
let rollouts: Rollouts;
let old: Worker;

const bakes = (bake: string) => [
  { weight: '5%', bake: '1s..10m' },
  { weight: '25%', bake },
  { weight: '100%', bake: '1s..10m' },
];
const stepsBp = [500, 2500, 10_000];
const wide = { id: 'wide', at: 'before-step', steps: ['25%'], require: [{ allOf: ['sre'] }], expires: '1h' };
const parts = (build: string) => ({
  guardian: { every: '1s', pageAfter: '2s', revertAfter: '6s' },
  versioning: { build },
});

beforeAll(async () => {
  world = await startWorld({ folder, services: ['baking', 'fresh', 'gone', 'moved'] });
  rollouts = await Rollouts.of(world);
  await rollouts.sluice(['setup']);
  old = await world.startWorker({ parts: parts('old') });
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

/** Runs a line of Temporal's own command as it was printed, in a shell. */
async function inShell(line: string): Promise<void> {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  await locate('temporal')
    .then((file) => symlinkSync(file, join(bin, 'temporal')))
    .catch(unlessThere);
  const env = { ...process.env, ...world.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  await promisify(execFile)('sh', ['-c', line], { env });
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

const makeCurrent = (build: string) =>
  `temporal worker deployment set-current-version --deployment-name sluice --build-id ${build}`;

const readiness = async () => JSON.parse((await ask(`${old.url}/readyz`)).body) as Readonly<Record<string, unknown>>;

async function historyOf(service: string, run?: string) {
  const { events } = await rollouts.session.client.workflow.getHandle(idOf(service), run).fetchHistory();
  return events ?? [];
}

/** Builds that workers of this rollout's workflow said they were. */
async function buildsOf(service: string, run?: string): Promise<readonly string[]> {
  const events = await historyOf(service, run);
  const versions = events.flatMap((event) => event.workflowTaskCompletedEventAttributes?.deploymentVersion ?? []);
  return [...new Set(versions.map(({ buildId }) => buildId ?? ''))];
}

async function behaviourOf(service: string) {
  const { raw } = await rollouts.session.client.workflow.getHandle(idOf(service)).describe();
  return raw.workflowExecutionInfo?.versioningInfo?.behavior;
}

describe('a first deploy whose version nobody made current', () => {
  const told = `no worker version is current yet, so Temporal gives nothing to build old of "sluice"; run: ${makeCurrent('old')}`;

  it('is told plainly by the worker, by its readiness, by `doctor`, and to whoever starts a rollout', async () => {
    const logged = () => readFileSync(old.logFile, 'utf8').includes(JSON.stringify(told).slice(1, -1));
    await waitFor(logged, { for: 'the sentence in the log', withinMs: patienceMs });
    expect(await readiness()).toMatchObject({ ready: true, warnings: [told] });

    const doctor = await waitFor(
      async () => {
        const { code, stdout } = await rollouts.sluice(['doctor']);
        return stdout.includes('worker versions') ? { code, stdout } : null;
      },
      { for: 'Temporal to know who polls', withinMs: patienceMs, everyMs: 500 },
    );
    expect(doctor.code).toBe(exitCodes.unhealthy.code);
    expect(doctor.stdout).toContain(`✗ worker versions                       ${told}`);

    const start = await rollouts.sluice(rollouts.startLine({ service: 'fresh', steps: bakes('1s..10m') }));
    expect(start.code).toBe(exitCodes['no-worker'].code);
    expect(start.stderr).toContain(told);
  });

  it('is mended by the very command that it was told with', async () => {
    await inShell(`${makeCurrent('old')} --yes`);
    const isWell = async () => (await readiness())['warnings'] === undefined;
    await waitFor(isWell, { for: 'no warning', withinMs: patienceMs });
    const { stdout } = await rollouts.sluice(['doctor']);
    expect(stdout).toMatch(/✓ worker versions +build old of "sluice" is current$/m);
  });
});

describe('a new build that is made current while a release bakes', () => {
  beforeAll(async () => {
    for (const service of ['gone', 'moved']) {
      await rollouts.start({ service, steps: bakes('1s..10m'), gates: [wide] });
      await rollouts.gate(service, 'wide@25%');
    }
    await rollouts.start({ service: 'baking', steps: bakes('20s..10m') });
    await rollouts.until('baking', 'valid time at 25%', ({ weights, bake }) => {
      return weights.acceptedBp === 2500 && (bake?.validMs ?? 0) >= 2_000;
    });
    await world.startWorker({ launcher: anotherBuild(folder), parts: parts('new') });
    await inShell(`${makeCurrent('new')} --yes`);
    const isCurrent = async () => /build new of "sluice" is current/.test((await rollouts.sluice(['doctor'])).stdout);
    await waitFor(isCurrent, { for: 'the new version', withinMs: patienceMs, everyMs: 500 });
  }, 240_000);

  it('is given the rollouts that start from then on', async () => {
    await rollouts.start({ service: 'fresh', steps: bakes('1s..10m') });
    expect(await rollouts.ended('fresh')).toMatchObject({ outcome: 'completed' });
    expect(await buildsOf('fresh')).toEqual(['new']);
    expect(await behaviourOf('fresh')).toBe(pinned);
  });

  it('leaves the one that bakes to the old build, its bake not interrupted for a moment', async () => {
    expect(await rollouts.ended('baking')).toMatchObject({ outcome: 'completed' });
    expect(await buildsOf('baking')).toEqual(['old']);
    const events = await historyOf('baking');
    const scheduled = new Map(
      events.map((event) => [String(event.eventId), event.activityTaskScheduledEventAttributes]),
    );
    const watches = events
      .flatMap(({ activityTaskStartedEventAttributes: started }) => started ?? [])
      .filter(({ scheduledEventId }) => scheduled.get(String(scheduledEventId))?.activityType?.name === 'watch');
    expect(watches.length).toBeGreaterThan(0);
    expect(watches.map(({ attempt }) => attempt)).toEqual(watches.map(() => 1));
    expect(world.weightsSeenByProxy('baking')).toEqual(stepsBp);
    expect(violations(world.proxyWrites('baking'), { stepsBp, ended: true })).toEqual([]);
  });
});

describe('a rollout whose build is gone', () => {
  it('is watched on by the workers that are left, and whoever asks it is told where it is pinned', async () => {
    await old.stop();
    const stopped = Date.now();
    const isWatched = async () => ((await describeRollout(rollouts.session, idOf('gone'))).watchAt ?? 0) > stopped;
    await waitFor(isWatched, { for: 'a watch by the new build', withinMs: patienceMs, everyMs: 200 });
    expect((await splitNow(world, 'gone')).canaryBp).toBe(500);

    const { code, stderr } = await rollouts.run('explain', 'gone');
    expect(code).toBe(exitCodes['no-worker'].code);
    expect(stderr).toContain(`${idOf('gone')} is pinned to build old of "sluice", of which none answers`);
  });

  it('is reverted by the guardian on the current build, as soon as it stands still', async () => {
    const before = await describeRollout(rollouts.session, idOf('gone'));
    const handle = rollouts.session.client.workflow.getHandle(idOf('gone'));
    await handle.signal('pause', { by: 'olga', reason: 'so that there is a task' });
    const isReverted = async () => (await describeRollout(rollouts.session, idOf('gone'))).run !== before.run;
    await waitFor(isReverted, { for: 'its revert', withinMs: patienceMs, everyMs: 200 });

    expect(await rollouts.ended('gone')).toMatchObject({ outcome: 'rolled-back', weights: { acceptedBp: 0 } });
    expect(await buildsOf('gone', before.run)).toEqual(['old']);
    expect(await buildsOf('gone')).toEqual(['new']);
    expect(await behaviourOf('gone')).toBe(autoUpgrade);
    expect(world.weightsSeenByProxy('gone')).toEqual([500, 0]);
    expect(violations(world.proxyWrites('gone'), { stepsBp, ended: true })).toEqual([]);
  });

  it('goes on on the current build when it is moved there by the command that it is told with', async () => {
    const { stderr } = await rollouts.run('explain', 'moved');
    const move = `temporal workflow update-options -w ${idOf('moved')} --versioning-override-behavior auto_upgrade`;
    expect(stderr).toContain(move);
    await inShell(move);
    await rollouts.gate('moved', 'wide@25%');
    await rollouts.answer('moved', 'wide@25%', 'ana');
    expect(await rollouts.ended('moved')).toMatchObject({ outcome: 'completed' });
    expect(await buildsOf('moved')).toEqual(['old', 'new']);
    expect(world.weightsSeenByProxy('moved')).toEqual(stepsBp);
  });

  it('and that has ended is told with its outcome and where it ended', async () => {
    const { stderr } = await rollouts.run('explain', 'baking');
    expect(stderr).toContain(`${idOf('baking')} ended on build old of "sluice", of which none answers`);
    expect((await rollouts.sluice(['list', '--service', 'baking'])).stdout).toMatch(/demo\/baking +completed/);
  });
});

it('leaves histories that replay', async () => {
  expect(await historiesThatDoNotReplay(rollouts)).toEqual([]);
});
