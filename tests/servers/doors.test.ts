import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describe as describeRollout, inspect, start as startRollout } from '../../client/index.ts';
import { planDigest } from '../../plan/digest.ts';
import type { Plan } from '../../plan/plan.ts';
import { inProject } from '../../testbed/root.ts';
import { ask } from '../../testbed/servers/http.ts';
import { freePort } from '../../testbed/servers/ports.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import type { Worker } from '../../testbed/world/commands.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { idOf, nameOf, patienceMs, Rollouts } from './rollouts.ts';

const service = 'door';
const shape = { service, steps: [{ weight: '100%', bake: '1s' }] };
const folder = temporaryFolder('doors');
const manyProblems = inProject('tests', 'spec', 'broken', 'many.yaml');
let world: World;
let rollouts: Rollouts;
let worker: Worker;

beforeAll(async () => {
  world = await startWorld({ folder, services: [service] });
  rollouts = await Rollouts.of(world);
}, 180_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

/** Of any kind: also the short ones with which the command asks the worker. */
async function workflowsStarted(): Promise<number> {
  return (await rollouts.session.client.workflow.count()).count;
}

/** How long the question takes that `start` asks first: without the start of a process, which a busy machine makes slow. */
async function msToLearnThatNobodyWorks(): Promise<number> {
  const began = performance.now();
  const asked = inspect(rollouts.session, { kind: 'doctor' });
  await expect(asked).rejects.toMatchObject({ code: 'no-worker', facts: { taskQueue: 'sluice' } });
  return performance.now() - began;
}

interface Problem {
  readonly line: number;
}

describe('before anything is started', () => {
  it.each([
    ['validate', [manyProblems]],
    ['plan', [manyProblems, '--image', `registry.example/web@sha256:${'a'.repeat(64)}`, '--label', 'v2']],
    ['start', [manyProblems, '--image', `registry.example/web@sha256:${'a'.repeat(64)}`, '--label', 'v2']],
  ])('%s tells every problem of a file in one report, and no workflow begins', async (command, args) => {
    const plain = await rollouts.sluiceProcess([command, ...args]);
    expect(plain.code).toBe(2);
    expect(`${plain.stdout}${plain.stderr}`).not.toMatch(/\n\s+at |geheim/);
    const { code, stdout, stderr } = await rollouts.sluiceProcess([command, ...args, '--json']);
    expect(code).toBe(2);
    const told = JSON.parse(stdout === '' ? stderr : stdout) as
      readonly { problems: Problem[] }[] | { error: { problems: Problem[] } };
    const problems = 'error' in told ? told.error.problems : (told[0]?.problems ?? []);
    expect(problems.length).toBeGreaterThan(25);
    for (const { line } of problems) expect(`${plain.stdout}${plain.stderr}`).toContain(`many.yaml:${String(line)}:`);
    expect(await workflowsStarted()).toBe(0);
    await expect(describeRollout(rollouts.session, 'rollout/production/web')).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('init writes files that validate', async () => {
    const given = [
      '--service',
      'web',
      '--environment',
      'production',
      '--image',
      'registry.example/web',
      '--person',
      'ana',
    ];
    const init = await rollouts.sluiceProcess(['init', '--dir', 'new', ...given, '--json']);
    expect(init.code).toBe(0);
    const { written } = JSON.parse(init.stdout) as { written: string[] };
    expect(written).toHaveLength(3);
    const { code, stdout } = await rollouts.sluiceProcess(['validate', ...written, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      { kind: 'Rollout', ok: true, problems: [] },
      { kind: 'Worker', ok: true, problems: [] },
      { kind: 'Directory', ok: true, problems: [] },
    ]);
    expect((await rollouts.sluiceProcess(['init', '--dir', 'new', ...given])).code).toBe(2);
  });

  it('start says within five seconds that no worker is there, and on which queue', async () => {
    const { code, stderr } = await rollouts.sluiceProcess(rollouts.startLine(shape));
    expect([code, stderr]).toEqual([
      12,
      expect.stringMatching(/^sluice: no worker answers on task queue "sluice": .*\n$/),
    ]);
    expect(await msToLearnThatNobodyWorks()).toBeLessThan(5_000);
    expect(await workflowsStarted()).toBe(0);
  });
});

describe('with a worker', () => {
  beforeAll(async () => {
    worker = await world.startWorker();
  }, 90_000);

  it('doctor finds everything well, the worker and each of its connections', async () => {
    expect(await rollouts.sluice(['setup'])).toMatchObject({ code: 0 });
    const { code, stdout } = await rollouts.sluiceProcess(['doctor', '--json']);
    const { healthy, checks } = JSON.parse(stdout) as { healthy: boolean; checks: { what: string; ok: boolean }[] };
    expect([code, healthy, checks.filter(({ ok }) => !ok)]).toEqual([0, true, []]);
    expect(checks.map(({ what }) => what)).toEqual([
      ...['Temporal server', 'namespace default', 'search attributes'],
      ...['workers on task queue "sluice"', 'workers on task queue "sluice-watch"', 'guardian'],
      ...['prometheus', 'prometheus-prod', 'edge, route door', 'directory', 'clock'],
    ]);
  });

  it('plan touches nothing and names the digest that the rollout then carries', async () => {
    const [, ...line] = rollouts.startLine(shape);
    const planned = await rollouts.sluiceProcess(['plan', ...line, '--json']);
    expect(planned.code).toBe(0);
    const { planDigest, preflight } = JSON.parse(planned.stdout) as { planDigest: string; preflight: unknown };
    expect(preflight).toMatchObject({ problems: [], stable: { label: 'v1', digest: world.digest(service, 'v1') } });
    expect(world.proxyWrites(service)).toEqual([]);
    expect(
      world
        .service(service)
        .recorder.entries()
        .filter(({ method }) => method !== 'GET'),
    ).toEqual([]);

    const { code } = await rollouts.sluiceProcess([...rollouts.startLine(shape), '--wait']);
    expect(code).toBe(0);
    const status = await rollouts.sluiceProcess(['status', nameOf(service), '--json']);
    expect(status.code).toBe(0);
    expect(status.stdout).toContain(planDigest);
    expect((await rollouts.status(service)).planDigest).toBe(planDigest);
    expect(world.weightsSeenByProxy(service)).toEqual([10_000]);
  });

  it('the worker is ready and counts what it did', async () => {
    const ready = await ask(`${worker.url}/readyz`);
    expect([ready.status, JSON.parse(ready.body)]).toMatchObject([200, { ready: true }]);
    const { body } = await ask(`${worker.url}/metrics`);
    for (const series of [
      /^sluice_outcomes_total\{outcome="completed"\} 1$/m,
      /^sluice_effects_total\{verb="shift",result="done"\} 1$/m,
      /^sluice_effects_total\{verb="promote",result="done"\} 1$/m,
      /^sluice_rollouts\{state="completed"\}|^sluice_rollouts\{state="baking"\} 0$/m,
      /^temporal_workflow_completed_total\{.*\} [1-9]/m,
    ]) {
      expect(body).toMatch(series);
    }
  });

  it('a rollout whose checks cannot be finished is refused with what to do, and nothing is touched', async () => {
    const [, ...line] = rollouts.startLine(shape, { label: 'v3' });
    const planned = await rollouts.sluice(['plan', ...line, '--offline', '--json']);
    const { plan } = JSON.parse(planned.stdout) as { plan: Plan };
    const broken = { ...plan, suites: null } as unknown as Plan; // what no worker of this version can look into
    const writes = world.proxyWrites(service).length;
    const input = { plan: broken, planDigest: planDigest(broken), requester: 'rita' };
    await startRollout(rollouts.session, input);
    const end = await rollouts.ended(service);
    expect(end).toMatchObject({ outcome: 'refused', fence: 0 });
    expect(end.problems).toEqual([
      expect.stringMatching(/^the checks before the start could not be finished: .*`sluice doctor`/),
    ]);
    expect(world.proxyWrites(service)).toHaveLength(writes);
  });

  it('start says within five seconds that the worker has just died, and starts nothing', async () => {
    await worker.kill();
    const { code, stderr } = await rollouts.sluiceProcess(rollouts.startLine(shape, { label: 'v3' }));
    expect([code, stderr]).toEqual([
      12,
      expect.stringMatching(/^sluice: no worker answers on task queue "sluice": .*\n$/),
    ]);
    expect(await msToLearnThatNobodyWorks()).toBeLessThan(5_000);
    expect((await describeRollout(rollouts.session, idOf(service))).execution).toBe('COMPLETED');
  });
});

describe('without Temporal', () => {
  it('every command says so in one line, without a stack', async () => {
    const nobody = `127.0.0.1:${String(await freePort())}`;
    const commands = [
      rollouts.startLine(shape),
      ['status', nameOf(service)],
      ['abort', nameOf(service), '--reason', 'no'],
      ['list'],
    ];
    const says = async (command: readonly string[]) => {
      const { code, stdout, stderr } = await world.sluice([...command, '--address', nobody]);
      expect([command[0], code, stdout]).toEqual([command[0], 11, '']);
      expect(stderr).toMatch(/^sluice: Temporal is not reachable at [^\n]+\n$/);
    };
    await Promise.all(commands.map(says));
    const { code, stdout, stderr } = await world.sluice(['list', '--json', '--address', nobody]);
    expect([code, JSON.parse(stdout + stderr)]).toMatchObject([11, { error: { code: 'unreachable', exitCode: 11 } }]);
  });

  it('also when it has just died', async () => {
    await world.temporal.kill();
    const dead = async () => (await world.sluice(['status', nameOf(service)])).code === 11;
    await waitFor(dead, { for: 'status to say so', withinMs: patienceMs });
  });
});
