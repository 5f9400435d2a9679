import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Release } from '../../plan/release.ts';
import { type Load, startLoad } from '../../testbed/load.ts';
import { type Recorder, startRecorder } from '../../testbed/recorder.ts';
import { startCaddy } from '../../testbed/servers/caddy.ts';
import { freePort } from '../../testbed/servers/ports.ts';
import { awaitSamples, startPrometheus } from '../../testbed/servers/prometheus.ts';
import { startTemporal } from '../../testbed/servers/temporal.ts';
import { runSluice, startWorker, type Worker } from '../../testbed/world/commands.ts';
import { proxyWrites, weightsSeen } from '../../testbed/world/observe.ts';
import { type Home, writeDirectory } from '../../testbed/world/operator-files.ts';
import type { Service } from '../../testbed/world/service.ts';
import { environment, specText } from '../servers/short-spec.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { type ContainerHost, openHost, secret } from './host.ts';

/** A whole host as its operator has it: containers, Caddy, Prometheus, users, and the real worker and command line. */
const folder = temporaryFolder('containers');
const stops: (() => Promise<void>)[] = [];
let host: ContainerHost;
let admin: Recorder;
let world: Home;
let worker: Worker;
let load: Load;
let stable: Release;

async function up<Server extends { stop(): Promise<void> }>(starting: Promise<Server>): Promise<Server> {
  const server = await starting;
  stops.push(() => server.stop());
  return server;
}

beforeAll(async () => {
  host = await up(openHost(folder));
  stable = host.release('v1');
  const [temporal] = await Promise.all([
    up(startTemporal({ folder: join(folder, 'temporal') })),
    host.runStable(stable, { env: [`DATABASE_PASSWORD=${secret}`] }),
  ]);
  const publicPort = await freePort();
  const publicUrl = `http://127.0.0.1:${publicPort}`;
  const handle = [{ handler: 'reverse_proxy', upstreams: [{ dial: host.slots.a }] }];
  const routes = [{ match: [{ host: ['web.test'] }], handle }];
  const srv0 = { listen: [`127.0.0.1:${publicPort}`], automatic_https: { disable: true }, routes };
  const caddy = await up(startCaddy({ folder: join(folder, 'caddy'), apps: { http: { servers: { srv0 } } } }));
  admin = await up(startRecorder({ upstream: caddy.adminUrl, logFile: join(folder, 'admin.jsonl') }));
  const targets = Object.entries(host.slots).map(([slot, address]) => ({ job: 'web', address, labels: { slot } }));
  const prometheus = await up(startPrometheus({ folder: join(folder, 'prometheus'), targets }));
  await awaitSamples(prometheus.url, 'http_requests_total{app="web",release="v1"}');
  world = { folder, taskQueue: 'sluice', temporal, prometheus, publicUrl, connections: {}, notify: null };
  writeDirectory(folder);
  worker = await startWorker(world, 'worker', {
    connections: {
      edge: {
        ...{ kind: 'caddy', admin: admin.url, public: publicUrl, persistence: 'resume' },
        routes: {
          web: {
            ...{ match: { host: 'web.test' }, slots: host.slots },
            deploy: {
              ...{ kind: 'docker', engine: { socket: host.socket }, containers: host.containers },
              ...{ repositories: [host.repository], ready: '/healthz' },
              environment: { PORT: '{{port}}', RELEASE: '{{label}}' },
            },
          },
        },
      },
    },
  });
  stops.push(() => worker.end());
  load = startLoad({ url: publicUrl, ratePerSecond: 40, maxSeconds: 240, headers: { host: 'web.test' } });
  stops.push(() => load.stop());
});

afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
});

async function rollOut(release: Release) {
  const file = join(folder, `${release.label}.yaml`);
  const steps = [
    { weight: '20%', bake: '3s' },
    { weight: '100%', bake: '2s' },
  ];
  const parts = { release: { image: host.repository, digest: 'required' } };
  writeFileSync(file, specText({ service: 'web', steps, judged: true, parts }));
  const image = `${release.image}@${release.digest}`;
  const args = ['start', file, '--image', image, '--label', release.label, '--requester', 'rita', '--wait'];
  const began = Date.now();
  const result = await runSluice(world, args, { timeoutMs: 150_000 });
  const writes = ofRoute().filter(({ at }) => at >= began);
  return { ...result, weights: weightsSeen(writes), fence: Math.max(...writes.map(({ claim }) => claim?.fence ?? 0)) };
}

/** What Caddy was told about the host's route. */
function ofRoute() {
  const { a, b } = host.slots;
  return proxyWrites(admin.entries(), { slots: { a: { address: a }, b: { address: b } } } as Service);
}

/** A request may be on its way while a weight is written. */
const onItsWayMs = 1_000;

interface Logged {
  readonly at: number;
  readonly release: string;
  readonly status: number;
}

/** What a container wrote about the requests it answered. */
async function served(name: string): Promise<readonly Logged[]> {
  return (await host.logs(name)).map((line) => JSON.parse(line) as Logged);
}

const running = async () => {
  const all = await Promise.all((await host.names()).map((name) => host.inspect(name)));
  return all.filter(({ State }) => State.Running).map(({ Name }) => Name.replace(/^\//, ''));
};

test('a good release goes through its steps into the idle slot’s container, and the loser is stopped', async () => {
  const release = host.release('v2');
  const { code, stdout, stderr, weights, fence } = await rollOut(release);
  expect(`${stdout}${stderr}`).toContain('completed');
  expect(code).toBe(0);
  expect(weights).toEqual([2_000, 10_000]);
  expect(await host.names()).toEqual([`${host.containers.a}.${fence}`, `${host.containers.b}.${fence}`]);
  expect(await running()).toEqual([`${host.containers.b}.${fence}`]);
  const log = await served(`${host.containers.b}.${fence}`);
  expect(new Set(log.map((one) => one.release))).toEqual(new Set(['v2']));
  const old = await served(`${host.containers.a}.${fence}`);
  expect(old.some((one) => one.release === 'v1')).toBe(true);
  expect(old.filter(({ at }) => at > writtenAt('v2', 10_000) + onItsWayMs)).toEqual([]);
  expect(load.counts().byRelease['v2']?.[200]).toBeGreaterThan(50);
  expect(load.counts().failed).toBe(0);
  const { Image } = await host.inspect(`${host.containers.b}.${fence}`);
  const image = JSON.parse((await host.ask('GET', `/images/${Image}/json`)).body) as { RepoDigests: string[] };
  expect(image.RepoDigests).toContain(`${host.repository}@${release.digest}`);
});

test('a bad one goes back by itself, and its container answers nobody any more', async () => {
  const { code, stdout, stderr, weights, fence } = await rollOut(host.release('v3', { failEvery: 2 }));
  expect(`${stdout}${stderr}`).toContain('rolled-back');
  expect(code).toBe(4);
  expect(weights).toEqual([2_000, 0]);
  expect(await running()).toEqual([`${host.containers.b}.${fence}`]);
  const bad = await served(`${host.containers.a}.${fence}`);
  expect(bad.some(({ release, status }) => release === 'v3' && status === 500)).toBe(true);
  const zero = writtenAt('v3', 0);
  expect(bad.filter(({ at, release }) => release === 'v3' && at > zero + onItsWayMs)).toEqual([]);
  const good = await served(`${host.containers.b}.${fence}`);
  expect(good.filter(({ at }) => at > zero).length).toBeGreaterThan(0);
});

/** When Caddy had accepted the first write by which a release under test had this share after another one. */
function writtenAt(label: string, bp: number): number {
  const writes = ofRoute().filter(({ claim }) => claim?.canary.label === label);
  const found = writes.find(({ canaryBp }, at) => canaryBp === bp && at > 0 && writes[at - 1]?.canaryBp !== bp);
  if (found === undefined) throw new Error(`Caddy was never told ${bp} for ${label}`);
  return found.at;
}

test('no secret of the containers is in a history, in the worker’s log or in what Caddy was told', async () => {
  const connection = await Connection.connect({ address: world.temporal.address });
  const { workflow } = new Client({ connection });
  const histories: string[] = [];
  for await (const { workflowId, runId } of workflow.list()) {
    const history = await workflow.getHandle(workflowId, runId).fetchHistory();
    histories.push(JSON.stringify(history), payloadsIn(history));
  }
  await connection.close();
  expect(histories.join('')).toContain(host.repository);
  const log = readFileSync(worker.logFile, 'utf8');
  expect(log).toContain(`rollout/${environment}/web`);
  for (const text of [...histories, log, readFileSync(join(folder, 'admin.jsonl'), 'utf8')]) {
    expect(text).not.toContain(secret);
    expect(text).not.toContain(Buffer.from(secret).toString('base64').slice(4, -4));
  }
});

/** Payloads as text: in JSON they are lists of numbers. */
function payloadsIn(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (typeof value !== 'object' || value === null) return '';
  return Object.values(value).map(payloadsIn).join('\n');
}
