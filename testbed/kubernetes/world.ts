/** The real world on Kubernetes: services on a plane, a recorder in front of its API server, Temporal, and Sluice itself as real processes. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Load, type LoadOptions, startLoad } from '../load.ts';
import { type Recorder, startRecorder } from '../recorder.ts';
import { awaitSamples } from '../servers/prometheus.ts';
import { startTemporal, type TemporalOptions } from '../servers/temporal.ts';
import type { CommandOptions, CommandResult, Worker, WorkerOptions } from '../world/commands.ts';
import { environment, runSluice, startWorker } from '../world/commands.ts';
import { weightsSeen } from '../world/observe.ts';
import { type Home, writeDirectory } from '../world/operator-files.ts';
import { all, type Stoppable } from '../world/servers.ts';
import { kubeconfigOf } from './control-plane.ts';
import type { Behaviour, Image } from './images.ts';
import type { Plane } from './plane.ts';
import type { PodRequest } from './requests.ts';
import { routeReads, type RouteState, routeWrites } from './route-record.ts';
import { type DeploymentOptions, imageFor, startWorkload, type Workload } from './workload.ts';

export interface ClusterServiceOptions extends Omit<DeploymentOptions, 'name' | 'namespace' | 'image'> {
  readonly name: string;
  /** How releases behave from their first request on, by label. @default v2, without faults */
  readonly releases?: Readonly<Record<string, Behaviour & Pick<Image, 'pullMs'>>>;
}

export interface ClusterWorldOptions {
  readonly folder: string;
  readonly plane: Plane;
  /** Names, or names with what their releases do; each in a namespace of its own. */
  readonly services: readonly (string | ClusterServiceOptions)[];
  readonly temporal?: Omit<TemporalOptions, 'folder'>;
  /** @default 'sluice' */
  readonly taskQueue?: string;
  /** A webhook for what rollouts tell people. @default nobody is told */
  readonly notify?: string;
  /** How long one call of the worker to the API server may take. @default '5s' */
  readonly within?: string;
}

export interface ClusterWorld extends Home {
  readonly plane: Plane;
  /** In front of the API server, for Sluice alone: tests change the cluster past it. */
  readonly api: Recorder;
  readonly directoryFile: string;
  /** Variables with which `sluice` and `temporal` in a shell find this world. */
  readonly env: Readonly<Record<string, string>>;
  /** Throws for a name that the world was not started with. */
  service(name: string): Workload;
  startWorker(options?: WorkerOptions): Promise<Worker>;
  sluice(args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** User requests to a service, through the Gateway. */
  load(service: string, options: Pick<LoadOptions, 'ratePerSecond' | 'maxSeconds'>): Load;
  /** All pods of a release behave so from their next request on. */
  setFaults(service: string, label: string, behaviour: Behaviour): void;
  /** A made-up digest, always the same for a service of this world and a label. */
  digest(service: string, label: string): string;
  /** The `target` of a service's rollout file. */
  target(service: string): Readonly<Record<string, unknown>>;
  /** Label matchers of the series of a service, both releases. */
  selects(service: string): string;
  /** All writes to a service's route by Sluice that the API server accepted. */
  routeWrites(service: string): readonly RouteState[];
  /** What Sluice could read back of it. */
  routeReads(service: string): readonly RouteState[];
  /** Weights of the release under test as the route was told them one after the other, basis points, without repeats. */
  weightsSeen(service: string): readonly number[];
  /** User requests that pods of a release answered since then (epoch ms), by their own logs. */
  requestsSince(service: string, since: number, label?: string): readonly PodRequest[];
  /** Stops workers first and servers last, whatever state they are in; the plane goes on. */
  stop(): Promise<void>;
}

/** Returns when each service serves `v1` on the plane and Prometheus has its samples of it. */
export async function startClusterWorld(options: ClusterWorldOptions): Promise<ClusterWorld> {
  const stops: Stoppable[] = [];
  const users: Stoppable[] = [];
  const stop = async () => {
    for (const undo of users.splice(0).reverse()) await undo();
    await all(stops.splice(0).map((undo) => undo()));
  };
  try {
    return await compose(options, { stops, users, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Stops {
  readonly stops: Stoppable[];
  /** Workers and load, which need the servers. */
  readonly users: Stoppable[];
  readonly stop: () => Promise<void>;
}

async function compose(options: ClusterWorldOptions, { stops, users, stop }: Stops): Promise<ClusterWorld> {
  const { folder, plane, taskQueue = 'sluice', notify = null, within = '5s' } = options;
  mkdirSync(folder, { recursive: true });
  const up = async <T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const server = await starting;
    stops.push(() => server.stop());
    return server;
  };
  const { access, certificate: tls } = plane;
  const logFile = join(folder, 'api-calls.jsonl');
  const wanted = options.services.map((service) => (typeof service === 'string' ? { name: service } : service));
  const [temporal, api, services] = await all([
    up(startTemporal({ ...options.temporal, folder: join(folder, 'temporal') })),
    up(startRecorder({ upstream: access.server, tls, logFile })),
    all(wanted.map((one) => startService(plane, one, stops))),
  ]);
  const service = (name: string): Workload => {
    const found = services.find((one) => one.name === name);
    if (found === undefined) throw new Error(`the world has no service ${name}`);
    return found;
  };
  const selects = (name: string) => `namespace="${service(name).namespace}"`;
  const kubeconfig = join(folder, 'kubeconfig.json');
  writeFileSync(kubeconfig, kubeconfigOf({ ...plane.worker, server: api.url }), { mode: 0o600 });
  const home: Home = {
    folder,
    taskQueue,
    temporal,
    notify,
    prometheus: { url: plane.prometheusUrl },
    publicUrl: plane.gatewayUrl,
    connections: { cluster: { kind: 'kubernetes', kubeconfig, public: plane.gatewayUrl, within } },
  };
  await all(
    services.map(({ name }) => {
      const series = `http_requests_in_flight{${selects(name)},release="v1"}`;
      return awaitSamples(plane.prometheusUrl, series, 60_000);
    }),
  );
  let workers = 0;
  return {
    ...home,
    plane,
    api,
    directoryFile: writeDirectory(folder),
    env: environment(home),
    service,
    startWorker: async (worker = {}) => {
      const running = await startWorker(home, worker.name ?? `worker-${++workers}`, worker);
      users.push(() => running.end());
      return running;
    },
    sluice: (args, command = {}) => runSluice(home, args, command),
    load: (name, load) => {
      const running = startLoad({ ...load, url: plane.gatewayUrl, headers: { host: service(name).host } });
      users.push(() => running.stop());
      return running;
    },
    setFaults: (name, label, behaviour) => plane.images.change(imageFor(service(name), label).digest, behaviour),
    digest: (name, label) => imageFor(service(name), label).digest,
    target: (name) => targetOf(service(name)),
    selects,
    routeWrites: (name) => routeWrites(api.entries(), service(name)),
    routeReads: (name) => routeReads(api.entries(), service(name)),
    weightsSeen: (name) => weightsSeen(routeWrites(api.entries(), service(name))),
    requestsSince: (name, since, label = 'v2') =>
      plane.requests(service(name).namespace).filter((one) => {
        return one.release === label && one.at >= since && !one.preview && one.path !== '/healthz';
      }),
    stop,
  };
}

/** Its images can be pulled from the beginning; its namespace goes with the world. */
async function startService(plane: Plane, options: ClusterServiceOptions, stops: Stoppable[]): Promise<Workload> {
  const { name, releases = { v2: {} }, labels, ...deployment } = options;
  const namespace = `${name}-${randomBytes(3).toString('hex')}`;
  stops.push(() => plane.api.remove(`/api/v1/namespaces/${namespace}`));
  const workload = await startWorkload(plane, namespace, name, {
    ...deployment,
    labels: { release: 'v1', ...labels },
  });
  for (const [label, behaviour] of Object.entries(releases)) {
    plane.images.push({ ...imageFor(workload, label), ...behaviour });
  }
  return workload;
}

function targetOf({ namespace, name }: Workload): Readonly<Record<string, unknown>> {
  return {
    kind: 'kubernetes',
    connection: 'cluster',
    namespace,
    workload: { deployment: name, container: 'app' },
    service: name,
    router: { kind: 'gateway-api', httpRoute: name },
    deploymentLabels: { release: '{{release.label}}' },
    preview: { header: 'x-sluice-preview: canary' },
    drain: '1s',
  };
}
