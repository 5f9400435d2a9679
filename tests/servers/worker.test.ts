import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '../../cli/exit-codes.ts';
import type { Claim } from '../../plan/target.ts';
import { inProject } from '../../testbed/root.ts';
import { ask } from '../../testbed/servers/http.ts';
import { freePort } from '../../testbed/servers/ports.ts';
import { startProcess, type RealProcess } from '../../testbed/servers/process.ts';
import { startTemporal, type Temporal } from '../../testbed/servers/temporal.ts';
import { waitFor } from '../../testbed/wait.ts';
import { createRollouts, createStateCounts } from '../../worker/rollouts.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const run = promisify(execFile);
const folder = temporaryFolder('worker');
const token = 'token-hunter2000';
const dead = '127.0.0.1:1';

const release = { digest: `sha256:${'a'.repeat(64)}`, label: 'v1', image: 'registry.example/web' };
const claimOf = (rollout: string, run: string): Claim => ({
  ...{ rollout, run, fence: 7, stage: { kind: 'deployed' }, canaryBp: 0, since: 0, released: false },
  ...{ stable: release, canary: release },
});

let temporal: Temporal;
let worker: RealProcess;
let grpc: number;
let url: string;

function configuration(port: number): string {
  return `apiVersion: sluice/v1
kind: Worker
taskQueue: q
temporal: { address: "127.0.0.1:${grpc}", namespace: default }
directory: ./directory.yaml
listen: 127.0.0.1:${port}
connections:
  prom: { kind: prometheus, url: "http://${dead}", auth: { bearer: { env: PROM_TOKEN } } }
  edge:
    kind: caddy
    admin: http://${dead}
    public: http://${dead}
    persistence: resume
    routes: { web: { slots: { a: "${dead}", b: "127.0.0.1:2" }, deploy: { kind: hook, url: "http://${dead}" } } }
`;
}

/** `sluice worker` without the command line around it. */
async function startWorker(): Promise<RealProcess> {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const config = join(folder, 'worker.yaml');
  writeFileSync(config, configuration(port));
  writeFileSync(
    join(folder, 'directory.yaml'),
    'apiVersion: sluice/v1\nkind: Directory\nidentity: trust\npeople: { ana: { roles: [sre] } }\n',
  );
  const code = `import { runWorker } from ${JSON.stringify(inProject('dist', 'worker', 'main.js'))};
    await runWorker(${JSON.stringify(config)});`;
  return startProcess({
    name: 'worker',
    command: process.execPath,
    args: ['--input-type=module', '-e', code],
    folder,
    env: { PROM_TOKEN: token },
    ready: async () => (await ask(`${url}/healthz`).catch(() => null))?.status === 200,
  });
}

async function readiness(): Promise<{ status: number; body: unknown }> {
  const { status, body } = await ask(`${url}/readyz`);
  return { status, body: JSON.parse(body) as unknown };
}

const ready = () => waitFor(async () => (await readiness()).status === 200, { for: 'the worker', withinMs: 60_000 });

/** Whole lines only: the worker may be writing one. */
function logLines(): Record<string, unknown>[] {
  const lines = readFileSync(worker.logFile, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function connect(): Promise<Client> {
  const connection = await Connection.connect({ address: temporal.address });
  return new Client({
    connection,
    dataConverter: { payloadConverterPath: inProject('dist', 'workflows', 'payload-converter.js') },
  });
}

beforeAll(async () => {
  grpc = await freePort();
  worker = await startWorker();
});

afterAll(async () => {
  await worker.end();
  await temporal.stop();
});

describe('a worker', () => {
  it('waits for a Temporal server that is away, alive but not ready, and says so in one line per try', async () => {
    await waitFor(() => logLines().some(({ msg }) => String(msg).startsWith('Temporal is not ready')), {
      for: 'the try',
    });
    expect(await readiness()).toEqual({
      status: 503,
      body: { ready: false, checks: { temporal: 'not connected yet', workers: 'not started yet' } },
    });
    expect(logLines()).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        msg: 'Temporal is not ready: Connection refused',
        namespace: 'default',
      }),
    );
    temporal = await startTemporal({ folder: join(folder, 'temporal'), ports: { grpc }, persistent: true });
    await ready();
  });

  it('answers for its connections, and shows no credentials', async () => {
    const client = await connect();
    const answer: unknown = await client.workflow.execute('inspect', {
      taskQueue: 'q',
      workflowId: 'inspect/1',
      args: [{ kind: 'doctor' }],
    });
    expect(answer).toEqual({
      kind: 'doctor',
      checks: [
        { what: 'prom', ok: false, detail: expect.stringContaining('connection refused') as string },
        { what: 'edge, route web', ok: false, detail: expect.stringContaining('connection refused') as string },
        { what: 'directory', ok: true, detail: 'read, identity trust' },
        { what: 'clock', ok: true, detail: 'nothing speaks against the time of this machine' },
      ],
    });
    expect(JSON.stringify(answer)).not.toContain(token);
    await client.connection.close();
  });

  it('serves its own metrics and those of the SDK in one answer', async () => {
    const { body } = await ask(`${url}/metrics`);
    expect(body).toContain('sluice_rollouts{state="baking"} 0');
    expect(body).toMatch(/^temporal_num_pollers\{.*task_queue="q".*\} [1-9]/m);
    expect(body).toMatch(/^temporal_num_pollers\{.*task_queue="q-watch".*\} [1-9]/m);
    const names = [...body.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('ends when its address is in use, and says so', async () => {
    const second = run(inProject('bin', 'sluice'), ['worker', '--config', join(folder, 'worker.yaml')], {
      env: { ...process.env, PROM_TOKEN: token },
      timeout: 60_000,
    });
    await expect(second).rejects.toMatchObject({
      killed: false,
      code: exitCodes.usage.code,
      stderr: `sluice: cannot listen on ${new URL(url).host}: the address is in use\n`,
    });
  });

  it('survives the Temporal server: not ready while it is away, ready when it is back', async () => {
    await temporal.kill();
    await waitFor(async () => (await readiness()).status === 503, { for: 'it to notice' });
    expect((await ask(`${url}/healthz`)).status).toBe(200);
    expect((await ask(`${url}/metrics`)).status).toBe(200);
    await temporal.restart();
    await ready();
  });

  it('stops gracefully when it is told to', async () => {
    await worker.stop();
    expect(worker.ended()).toBe('code 0');
    expect(logLines().at(-1)).toMatchObject({ msg: 'stopped' });
    expect(readFileSync(worker.logFile, 'utf8')).not.toContain(token);
  });
});

describe('a stopping worker', () => {
  it('ends at once on a second signal', async () => {
    const flag = join(folder, 'asked');
    const code = `import { stopOnSignals } from ${JSON.stringify(inProject('dist', 'worker', 'stop.js'))};
      import { writeFileSync } from 'node:fs';
      const stop = new AbortController();
      const log = { info() {}, warn() {} };
      stopOnSignals(stop, log, undefined);
      stop.signal.addEventListener('abort', () => writeFileSync(${JSON.stringify(flag)}, ''));
      setInterval(() => {}, 1000);
      console.log('listening');`;
    const process_ = await startProcess({
      name: 'stubborn',
      command: process.execPath,
      args: ['--input-type=module', '-e', code],
      folder,
      ready: async () => readFileSync(join(folder, 'stubborn.log'), 'utf8').includes('listening'),
    });
    process.kill(process_.pid, 'SIGTERM');
    await waitFor(() => existsSync(flag), { for: 'the first signal' });
    expect(process_.ended()).toBeNull();
    process.kill(process_.pid, 'SIGINT');
    await waitFor(() => process_.ended() !== null, { for: 'the end' });
    expect(process_.ended()).toBe('code 1');
  });
});

describe('what Temporal knows about rollouts', () => {
  const state = defineSearchAttributeKey('RolloutState', 'KEYWORD');
  const options = { taskQueue: 'nobody', args: [], workflowIdConflictPolicy: 'FAIL' } as const;

  it('tells whether the run chain of a claim is open', async () => {
    const client = await connect();
    const rollouts = createRollouts(client);
    const rollout = 'rollout/test/chain';
    const first = await client.workflow.start('rollout', { ...options, workflowId: rollout });
    expect(await rollouts.isRunning(claimOf(rollout, first.firstExecutionRunId))).toBe(true);
    expect(await rollouts.isRunning(claimOf(rollout, 'another-run'))).toBe(false);
    expect(await rollouts.isRunning(claimOf('rollout/test/never', 'r'))).toBe(false);

    await first.terminate('test');
    expect(await rollouts.isRunning(claimOf(rollout, first.firstExecutionRunId))).toBe(false);
    const second = await client.workflow.start('rollout', { ...options, workflowId: rollout });
    expect(await rollouts.isRunning(claimOf(rollout, first.firstExecutionRunId))).toBe(false);
    expect(await rollouts.isRunning(claimOf(rollout, second.firstExecutionRunId))).toBe(true);
    await second.terminate('test');
    await client.connection.close();
  });

  it('counts the open ones by state, asking at most once in ten seconds', async () => {
    const client = await connect();
    let now = 0;
    const counts = createStateCounts(client, () => now);
    const start = (name: string) =>
      client.workflow.start('rollout', {
        ...options,
        workflowId: `rollout/test/${name}`,
        typedSearchAttributes: [{ key: state, value: 'baking' }],
      });
    const open = [await start('one'), await start('two')];
    await waitFor(
      async () => {
        now += 10_000;
        return (await counts()).get('baking') === 2;
      },
      { for: 'visibility' },
    );
    await open[0]?.terminate('test');
    await waitFor(async () => (await client.workflow.count('ExecutionStatus = "Running"')).count === 1, {
      for: 'visibility',
    });
    now += 9_999;
    expect((await counts()).get('baking')).toBe(2);
    now += 1;
    expect((await counts()).get('baking')).toBe(1);
    await open[1]?.terminate('test');
    await client.connection.close();
  });

  it('cannot be told while it is away, and that is said in seconds', async () => {
    const client = await connect();
    await temporal.kill();
    await expect(createRollouts(client).isRunning(claimOf('rollout/test/chain', 'r'))).rejects.toMatchObject({
      name: 'ProviderError',
      code: 'unreachable',
    });
    await client.connection.close();
  });
});
