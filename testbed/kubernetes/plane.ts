/** A whole Kubernetes of our own: control plane, one node whose pods are real processes, a Gateway, and a Prometheus that scrapes the pods. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildApp } from '../containers/images.ts';
import { inProject } from '../root.ts';
import { locateEnvoy } from '../servers/envoy.ts';
import { clusterNames, locate } from '../servers/locate.ts';
import { startPrometheus } from '../servers/prometheus.ts';
import { type Lives, startLives, startProcess } from '../servers/process.ts';
import { waitFor } from '../wait.ts';
import { type ClusterAccess, createApi, type KubeApi } from './api.ts';
import { inside, startControlPlane } from './control-plane.ts';
import { customResources } from './crds.ts';
import { startDataPlane } from './data-plane.ts';
import { admitWorker } from './identity.ts';
import { type Images, imagesIn } from './images.ts';
import type { BackOff } from './kubelet/container.ts';
import type { KubeletConfig } from './kubelet/main.ts';
import type { PodProcess } from './kubelet/published.ts';
import { type Network, startNetwork } from './network.ts';
import { collectionPath } from './objects.ts';
import { type Part, partAt, type PartName, serveParts } from './parts.ts';
import { type PodRequest, requestsIn } from './requests.ts';

export interface PlaneOptions {
  readonly folder: string;
  /** Between restarts of a crashing container and pulls of a missing image. @default 1 s, doubled up to 30 s */
  readonly backOff?: BackOff;
  /** @default 1_000 */
  readonly scrapeEveryMs?: number;
}

/** Everything that another process needs to use a plane; plain JSON. */
export interface PlaneFacts {
  readonly folder: string;
  /** As administrator, straight to the API server. */
  readonly access: ClusterAccess;
  /** As Sluice's worker, whose rights `startWorkload` gives for each service. */
  readonly worker: ClusterAccess;
  /** The API server's own, for a recorder that stands in its place. */
  readonly certificate: { readonly cert: string; readonly key: string };
  /** The Gateway's listener on our loopback; routes are told apart by host name. */
  readonly gatewayUrl: string;
  readonly prometheusUrl: string;
  /** Where faults on its parts are asked for. */
  readonly partsUrl: string;
}

export interface Plane extends PlaneFacts {
  readonly api: KubeApi;
  readonly images: Images;
  part(name: PartName): Part;
  /** User requests that pods of a namespace answered, by their own logs. */
  requests(namespace: string): readonly PodRequest[];
  /** Processes of a namespace's pods that run now. */
  processes(namespace: string): readonly PodProcess[];
}

/** A plane that another process started. */
export function connectPlane(facts: PlaneFacts): Plane {
  const { images, requests, processes } = places(facts.folder);
  return {
    ...facts,
    api: createApi(facts.access),
    images: imagesIn(images),
    part: (name) => partAt(facts.partsUrl, name),
    requests: (namespace) => requestsIn(requests, namespace),
    processes: (namespace) => {
      const all = JSON.parse(readFileSync(processes, 'utf8')) as readonly PodProcess[];
      return all.filter((one) => one.namespace === namespace);
    },
  };
}

export interface RunningPlane {
  readonly facts: PlaneFacts;
  /** Nothing of it is left afterwards, but the folder. */
  stop(): Promise<void>;
}

/** Returns when the Gateway is programmed and Prometheus answers. What it started is stopped when it fails. */
export async function startPlane(options: PlaneOptions): Promise<RunningPlane> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const undo of stops.splice(0).reverse()) await undo();
  };
  try {
    return { facts: await compose(options, stops), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function places(folder: string) {
  return {
    images: join(folder, 'images'),
    requests: join(folder, 'requests'),
    logs: join(folder, 'logs'),
    processes: join(folder, 'processes.json'),
    scrape: join(folder, 'scrape.json'),
  };
}

async function compose(options: PlaneOptions, stops: (() => Promise<void>)[]): Promise<PlaneFacts> {
  const { folder, scrapeEveryMs } = options;
  mkdirSync(folder, { recursive: true });
  // All of them first, one after the other: a build takes minutes and every core.
  for (const name of clusterNames) await locate(name);
  await locateEnvoy();
  await locate('prometheus');
  const app = buildApp(folder);
  const network = await startNetwork();
  stops.push(() => network.stop());
  const control = await startControlPlane(folder, network, stops);
  const { api, certificate, kubeconfig } = control;
  const kubeletUp = startKubelet(options, network, api.access, app, stops);
  const prometheusUp = startPrometheus({
    folder: join(folder, 'prometheus'),
    targets: [],
    targetsFile: places(folder).scrape,
    network,
    ...(scrapeEveryMs === undefined ? {} : { scrapeEveryMs }),
  });
  const gatewayUp = establish(api).then(() => startDataPlane(folder, network, api, kubeconfig, stops));
  await Promise.allSettled([kubeletUp, prometheusUp, gatewayUp]);
  const prometheus = await prometheusUp;
  stops.push(() => prometheus.kill());
  const [kubelet, gateway] = [await kubeletUp, await gatewayUp];
  const { etcd, apiserver, controllers } = control;
  const { contour, envoy } = gateway;
  const worker = await admitWorker(api);
  const parts = await serveParts({ etcd, apiserver, controllers, kubelet, contour, envoy, prometheus });
  stops.push(() => parts.stop());
  return {
    folder,
    access: api.access,
    worker,
    certificate,
    gatewayUrl: gateway.url,
    prometheusUrl: prometheus.url,
    partsUrl: parts.url,
  };
}

async function startKubelet(
  { folder, backOff = { firstMs: 1_000, mostMs: 30_000 } }: PlaneOptions,
  network: Network,
  { ca, token }: ClusterAccess,
  app: string,
  stops: (() => Promise<void>)[],
): Promise<Lives> {
  const configFile = join(folder, 'kubelet.json');
  const config: KubeletConfig = { access: { server: inside, ca, token }, app, backOff, ...places(folder) };
  writeFileSync(configFile, JSON.stringify(config), { mode: 0o600 });
  const main = inProject('dist', 'testbed', 'kubernetes', 'kubelet', 'main.js');
  const command = network.inside(process.execPath, [main, configFile]);
  const ready = async () => existsSync(config.processes);
  const lives = await startLives(() => startProcess({ name: 'kubelet', ...command, folder, ready }));
  stops.push(() => lives.process().end()); // and its pods
  return lives;
}

interface Definition {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** Installs the custom resources and waits until the API serves them. */
async function establish(api: KubeApi): Promise<void> {
  await Promise.all(
    customResources().map(async (object) => {
      const all = collectionPath(object.apiVersion, object.kind);
      await api.create(all, object);
      const path = `${all}/${object.metadata.name}`;
      await waitFor(
        async () => {
          const { status } = await api.read<Definition>(path);
          return status?.conditions?.some((one) => one.type === 'Established' && one.status === 'True') === true;
        },
        { for: `${object.metadata.name} to be served`, withinMs: 30_000, everyMs: 50 },
      );
    }),
  );
}
