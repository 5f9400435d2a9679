import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, start, type Session } from '../../client/index.ts';
import { rolloutName } from '../../client/ids.ts';
import { planOffline, loadSpec } from '../../cli/specs.ts';
import { inProject } from '../../testbed/root.ts';
import { freePort } from '../../testbed/servers/ports.ts';
import { startTemporal, type Temporal } from '../../testbed/servers/temporal.ts';
import { temporaryFolder } from '../temporary-folder.ts';

interface Ran {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
  readonly ms: number;
}

const image = `registry.example/web@sha256:${'a'.repeat(64)}`;
const folder = temporaryFolder('cli');
const spec = inProject('examples', 'minimal.yaml');
let temporal: Temporal;
let session: Session;

/** The real command in a process of its own. */
function sluice(...args: string[]): Promise<Ran> {
  const began = performance.now();
  const env = { PATH: process.env['PATH'], HOME: folder, TEMPORAL_ADDRESS: temporal.address, SLUICE_USER: 'ana' };
  return new Promise((resolve, reject) => {
    execFile(inProject('bin', 'sluice'), args, { env, timeout: 60_000 }, (error, out, err) => {
      const exit = error === null ? 0 : error.code;
      if (typeof exit === 'number') resolve({ exit, out, err, ms: performance.now() - began });
      else reject(error ?? new Error('no exit code'));
    });
  });
}

/** What a start leaves at the server, without a worker ever having been there. */
async function startedAlone(environment: string): Promise<string> {
  const loaded = await loadSpec(spec);
  const { plan } = planOffline(loaded, {
    image: 'registry.example/web',
    digest: `sha256:${'a'.repeat(64)}`,
    label: 'v2',
  });
  const { rollout } = await start(session, {
    plan: { ...plan, environment },
    planDigest: 'sha256:…',
    requester: 'rita',
  });
  return rollout;
}

beforeAll(async () => {
  temporal = await startTemporal({ folder, searchAttributes: {} });
  session = await connect({ address: temporal.address, taskQueue: 'sluice' });
});

afterAll(async () => {
  await session.close();
  await temporal.stop();
});

describe('a namespace that is not set up', () => {
  test('is told by start and list, with every attribute that is missing', async () => {
    await expect(startedAlone('early')).rejects.toMatchObject({
      facts: { code: 'setup-missing', missing: expect.arrayContaining(['RolloutEnv', 'RolloutPercent']) as unknown },
    });
    const { exit, err } = await sluice('list', '--service', 'web');
    expect(exit).toBe(15);
    expect(err).toMatch(
      /^sluice: namespace "default": search attributes not registered: .*run `.*\/bin\/sluice setup`\n$/,
    );
  });

  test('is unhealthy to doctor, which goes on looking', async () => {
    const { exit, out } = await sluice('doctor', '--json');
    expect(exit).toBe(17);
    const { healthy, checks } = JSON.parse(out) as { healthy: boolean; checks: { what: string; ok: boolean }[] };
    expect(healthy).toBe(false);
    expect(checks.map(({ what, ok }) => `${what}: ${ok ? 'ok' : 'not ok'}`)).toEqual([
      'Temporal server: ok',
      'namespace default: ok',
      'search attributes: not ok',
      'workers on task queue "sluice": not ok',
      'workers on task queue "sluice-watch": not ok',
      'guardian: not ok',
    ]);
  });
});

describe('setup', () => {
  test('registers once and may be repeated', async () => {
    const first = await sluice('setup');
    expect(first.err).toBe('');
    expect(first.exit).toBe(0);
    expect(first.out.match(/created/g)).toHaveLength(6);
    const second = await sluice('setup');
    expect(second.exit).toBe(0);
    expect(second.out.match(/present/g)).toHaveLength(6);
  });

  test('refuses an attribute of another type instead of going on with it', async () => {
    const other = await startTemporal({
      folder: mkdtempSync(join(folder, 'other-')),
      searchAttributes: { RolloutPercent: 'KEYWORD' },
    });
    try {
      const { exit, err } = await sluice('setup', '--address', other.address);
      expect(exit).toBe(15);
      expect(err).toContain('search attribute RolloutPercent has type KEYWORD, needs INT');
    } finally {
      await other.stop();
    }
  });
});

describe('without a worker', () => {
  test.each([['start'], ['plan']])('%s says so within five seconds and names the task queue', async (command) => {
    const { exit, err, ms } = await sluice(command, spec, '--image', image, '--label', 'v2');
    expect(exit).toBe(12);
    expect(err).toMatch(/^sluice: no worker answers on task queue "sluice": .*\n$/);
    expect(ms).toBeLessThan(5_000);
  });

  test('status tells what the server knows, and explain that nobody answers', async () => {
    const rollout = await startedAlone('described');
    const status = await sluice('status', rollout);
    expect(status.exit).toBe(12);
    expect(status.out).toMatch(/state +preparing at 0 %\n +release +v2 sha256:a+\n +asked for +by rita/);
    const explain = await sluice('explain', rollout);
    expect(explain.exit).toBe(12);
    expect(explain.ms).toBeLessThan(5_000);
  });

  test('abort is stored all the same, and approve is not tried', async () => {
    const rollout = await startedAlone('stored');
    const abort = await sluice('abort', rollout, '--reason', 'changed our minds');
    expect(abort.exit).toBe(12);
    expect(abort.out).toContain('abort is stored and takes effect as soon as a worker is there');
    const { signals } = await historyOf(rollout);
    expect(signals).toEqual([{ name: 'abort', input: { by: 'ana', reason: 'changed our minds' } }]);
    expect((await sluice('approve', rollout, 'go')).exit).toBe(12);
    expect((await historyOf(rollout)).signals).toHaveLength(1);
  });

  test('a second start of the service is refused and names the first', async () => {
    const rollout = await startedAlone('twice');
    await expect(startedAlone('twice')).rejects.toThrow(
      `${rolloutName(rollout)} is already running with release v2, preparing, started by rita`,
    );
  });

  test('list shows what runs, as text and as JSON', async () => {
    const rollout = await startedAlone('listed');
    await expect
      .poll(async () => (await sluice('list', '--environment', 'listed')).out)
      .toContain('listed/web  preparing');
    const { out } = await sluice('list', '--environment', 'listed', '--open', '--json');
    expect(JSON.parse(out)).toMatchObject([
      { rollout, state: 'preparing', label: 'v2', requester: 'rita', closedAt: null },
    ]);
  });

  test('a rollout that was terminated has finished, without an outcome', async () => {
    const rollout = await startedAlone('terminated');
    await session.client.workflow.getHandle(rollout).terminate('by the test');
    const pause = await sluice('pause', rollout);
    expect(pause.exit).toBe(14);
    expect(pause.err).toContain('has already finished: terminated while preparing');
    expect((await sluice('status', rollout)).exit).toBe(0);
    const watch = await sluice('watch', rollout, '--json');
    expect(watch.exit).toBe(18);
    const lines = watch.out.trimEnd().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ outcome: null, reason: null, exitCode: 18 });
  });

  test('watch gives up after its time-out and leaves the rollout alone', async () => {
    const rollout = await startedAlone('watched');
    const { exit, out, err } = await sluice('watch', rollout, '--timeout', '2s');
    expect(exit).toBe(6);
    expect(out).toContain('no worker answers');
    expect(err).toContain('the rollout goes on');
    expect((await session.client.workflow.getHandle(rollout).describe()).status.name).toBe('RUNNING');
  });
});

describe('one line and no stack', () => {
  const oneLine = /^sluice: [^\n]+\n$/;

  test('when Temporal is down', async () => {
    const { exit, out, err } = await sluice(
      'status',
      'production/web',
      '--address',
      `127.0.0.1:${String(await freePort())}`,
    );
    expect([exit, out]).toEqual([11, '']);
    expect(err).toMatch(oneLine);
  });

  test('when rollout or namespace do not exist', async () => {
    const rollout = await sluice('status', 'production/nosuch');
    expect(rollout.exit).toBe(9);
    expect(rollout.err).toMatch(
      /^sluice: there is no rollout production\/nosuch \(nobody could look into the archive: /,
    );
    expect(rollout.err).toMatch(oneLine);
    const namespace = await sluice('list', '--namespace', 'nosuch');
    expect(namespace.exit).toBe(9);
    expect(namespace.err).toMatch(oneLine);
  });
});

test('a reader that goes away early is no mistake', async () => {
  const shell = `"$0" --help | head -1; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await promisify(execFile)('/bin/bash', ['-c', shell, inProject('bin', 'sluice')]);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^Usage: sluice .*\n0\n$/);
});

async function historyOf(rollout: string) {
  const { events } = await session.client.workflow.getHandle(rollout).fetchHistory();
  const signals = (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) => {
    if (signal == null) return [];
    const data = Buffer.from(signal.input?.payloads?.[0]?.data ?? []).toString();
    return [{ name: signal.signalName, input: JSON.parse(data) as unknown }];
  });
  return { signals };
}
