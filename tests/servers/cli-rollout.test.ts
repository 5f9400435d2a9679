import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describe as describeRollout } from '../../client/index.ts';
import type { Status } from '../../plan/status.ts';
import type { Load } from '../../testbed/load.ts';
import { setUpIn } from '../../testbed/demo/setting.ts';
import { inProject } from '../../testbed/root.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { idOf, Rollouts } from './rollouts.ts';

let world: World;
let rollouts: Rollouts;
let load: Load;
let spec: string;
let release: readonly string[];
const folder = temporaryFolder('rollout');
const rollout = 'demo/web';

const sluice = (...args: string[]) => world.sluice(args);

beforeAll(async () => {
  world = await startWorld({ folder, services: ['web'], scrapeEveryMs: 500 });
  rollouts = await Rollouts.of(world);
  await setUpIn(world);
  load = world.load('web', { ratePerSecond: 60, maxSeconds: 600 });
  spec = join(folder, 'web.yaml');
  const demo = readFileSync(inProject('examples', 'demo', 'good.yaml'), 'utf8').replaceAll('good', 'web');
  writeFileSync(spec, demo.replaceAll(/bake: \d+s\.\.60s/g, 'bake: 10m..20m'));
  release = ['--image', `registry.example/web@${world.digest('web', 'v2')}`, '--label', 'v2'];
});

afterAll(async () => {
  await rollouts.session.close();
  await load.stop();
  await world.stop();
});

describe('one rollout by the command line, against real servers', () => {
  test('doctor finds everything well in a world as the demo leaves it, connections of the worker included', async () => {
    const { code, stdout } = await sluice('doctor');
    expect(stdout).toContain('edge, route web');
    expect(stdout).toMatch(/✓ guardian/);
    expect(stdout).not.toContain('✗');
    expect(code).toBe(0);
  });

  test('plan asks the target and touches nothing', async () => {
    const { code, stdout } = await sluice('plan', spec, ...release, '--requester', 'rita');
    expect(code).toBe(0);
    expect(stdout).toContain(`stable   v1 (${world.digest('web', 'v1').slice(0, 19)})`);
    expect(stdout).toContain('✓ nothing stands in the way');
    expect(world.proxyWrites('web')).toEqual([]);
  });

  test('a start that preflight refuses says why at once and exits with 3', async () => {
    const lonely = join(world.folder, 'lonely.yaml');
    writeFileSync(lonely, readFileSync(spec, 'utf8').replaceAll('[sre, qa]', '[sre, legal]'));
    const { code, stdout } = await sluice('start', lonely, ...release);
    expect(code).toBe(3);
    expect(stdout).toMatch(/demo\/web refused:\n {2}✗ .*legal/);
    const explained = await sluice('explain', rollout);
    expect(explained.stdout).toMatch(/^ended +refused .*\nbecause +✗ gate .*legal/);
  });

  test('start names who is awaited, and a second start names the first', async () => {
    const first = await sluice('start', spec, ...release, '--requester', 'rita');
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/gate go waits for 1 of sre: \S*sluice approve demo\/web go/);
    const second = await sluice('start', spec, ...release, '--requester', 'sam');
    expect(second.code).toBe(8);
    const command = /\S+(?= watch demo\/web)/.exec(second.stderr)?.[0] ?? 'sluice';
    expect(second.stderr).toBe(
      'sluice: demo/web is already running with release v2, awaiting-approval, started by rita\n' +
        `  follow it with: ${command} watch demo/web\n` +
        `  stop it with: ${command} abort demo/web\n` +
        '  let it make room for this release: the same line with --replace\n',
    );
  });

  test('approvals that cannot count are refused with their reason', async () => {
    expect((await sluice('approve', rollout, 'nosuch', '--by', 'ana')).code).toBe(9);
    expect((await sluice('approve', rollout, 'go', '--by', 'ana', '--evidence', '7')).code).toBe(10);
    const wrongRole = await sluice('approve', rollout, 'go', '--by', 'quinn');
    expect(wrongRole.code).toBe(10);
    expect(wrongRole.stdout).toContain('approve go by quinn was ignored');
  });

  test('an approval that counts says what it did', async () => {
    const { code, stdout } = await sluice('approve', rollout, 'go', '--by', 'ana');
    expect(stdout).toContain('approve go by ana');
    expect(code).toBe(0);
  });

  test('pause, resume and step-back answer with what they did', async () => {
    await rollouts.until('web', 'the first weight', ({ weights }) => weights.acceptedBp === 100);
    const pause = await sluice('pause', rollout, '--by', 'olga', '--reason', 'look closer');
    expect(pause.stdout).toContain('demo/web: pause by olga at 1% confirmed');
    expect(pause.stdout).not.toContain('rollout/');
    expect(pause.code).toBe(0);
    expect((await sluice('pause', rollout, '--by', 'olga')).code).toBe(10);
    const stranger = await sluice('resume', rollout, '--by', 'eve');
    expect(stranger.code).toBe(10);
    expect(stranger.stdout).toContain('does not know eve');
    expect((await sluice('resume', rollout, '--by', 'olga')).code).toBe(0);
    expect((await sluice('step-back', rollout, '--to', '3%', '--by', 'olga')).code).toBe(10);
    const back = await sluice('step-back', rollout, '--to', '0%', '--by', 'olga');
    expect(back.code).toBe(0);
    const { status } = JSON.parse((await sluice('status', rollout, '--json')).stdout) as { status: Status };
    expect(status.weights.acceptedBp).toBe(0);
  });

  test('plan says who holds the target while that one runs', async () => {
    const { code, stdout } = await sluice('plan', spec, ...release, '--requester', 'rita');
    expect(stdout).toContain('the target is held by rollout/demo/web, which is running: wait for it, or abort it');
    expect(code).toBe(3);
  });

  test('watch ends with the outcome’s exit code, and abort is confirmed', async () => {
    const watch = sluice('watch', rollout);
    const explain = await sluice('explain', rollout);
    expect(explain.stdout).toContain('sluice resume demo/web');
    const abort = await sluice('abort', rollout, '--by', 'olga', '--reason', 'enough');
    expect(abort.stdout).toContain('abort by olga at 0% confirmed');
    expect(abort.code).toBe(0);
    const { code, stdout } = await watch;
    expect(stdout).toContain('paused by olga: stepped back to 0%');
    expect(stdout).toMatch(/rolled-back: aborted by olga: enough \(exit code 4\)\n$/);
    expect(code).toBe(4);
  });

  test('a rollout that has ended still answers, and takes no more messages', async () => {
    expect((await sluice('status', rollout)).stdout).toContain('rolled-back');
    expect((await sluice('status', rollout)).stdout).toContain('observed no longer');
    expect((await sluice('explain', rollout)).stdout).toMatch(
      /^ended +rolled-back .*\nbecause +aborted by olga: enough\n/,
    );
    expect((await sluice('timeline', rollout)).stdout).toContain('outcome:rolled-back');
    expect((await sluice('approve', rollout, 'go', '--by', 'ana')).code).toBe(14);
    expect((await sluice('abort', rollout, '--reason', 'again')).code).toBe(14);
  });

  test('start --wait exits with 5 when nobody’s traffic ever moved', async () => {
    const waiting = sluice('start', spec, ...release, '--requester', 'rita', '--wait');
    const runs = async () => (await describeRollout(rollouts.session, idOf('web'))).open;
    await waitFor(runs, { for: 'the second rollout', withinMs: 60_000 });
    await rollouts.gate('web', 'go');
    const reject = await sluice('reject', rollout, 'go', '--by', 'ana', '--reason', 'not today');
    expect(reject.code).toBe(0);
    const { code, stdout } = await waiting;
    expect(stdout).toMatch(/aborted: ana rejected gate go: not today \(exit code 5\)\n$/);
    expect(code).toBe(5);
  });
});
