/** Contour and Envoy inside a network: one Gateway that takes routes of every namespace, and splits their traffic for real. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { locateEnvoy } from '../servers/envoy.ts';
import { isUp } from '../servers/http.ts';
import { locate } from '../servers/locate.ts';
import { type Lives, startLives, startProcess } from '../servers/process.ts';
import { waitFor } from '../wait.ts';
import type { KubeApi } from './api.ts';
import type { Network } from './network.ts';
import { collectionPath, type KubeObject } from './objects.ts';

export interface DataPlane {
  readonly contour: Lives;
  readonly envoy: Lives;
  /** `http://127.0.0.1:port` of the Gateway's listener. */
  readonly url: string;
}

/** Routes name it as their parent. */
export const gateway = { name: 'gateway', namespace: 'projectcontour', port: 8080 };

export const gatewayClass = 'contour';

// Contour's own: Envoy may not bind low ports, so each listener is 8000 higher.
const listener = gateway.port + 8000;
const ports = { xds: 8001, http: 8002, health: 8003, stats: 8004 };

/** Needs the custom resources. Stopping is up to the caller. */
export async function startDataPlane(
  folder: string,
  network: Network,
  api: KubeApi,
  kubeconfig: string,
  stops: (() => Promise<void>)[],
): Promise<DataPlane> {
  for (const object of gatewayObjects()) await api.apply(object);
  const [contour, envoy] = [await locate('contour'), await locateEnvoy()];
  const own = join(folder, 'contour');
  mkdirSync(own, { recursive: true });
  const configFile = join(own, 'contour.json');
  const { name, namespace } = gateway;
  writeFileSync(configFile, JSON.stringify({ gateway: { gatewayRef: { name, namespace } } }));
  const bootstrapFile = join(own, 'envoy.json');
  bootstrap(contour, own, bootstrapFile);

  const [port, health] = [
    await network.door({ host: '127.0.0.1', port: listener }),
    await network.door({ host: '127.0.0.1', port: ports.health }),
  ];
  const run = async (
    part: 'contour' | 'envoy',
    binary: string,
    flags: readonly string[],
    ready: () => Promise<boolean>,
  ) => {
    const command = network.inside(binary, flags);
    const lives = await startLives(() => startProcess({ name: part, ...command, folder: own, ready }));
    stops.push(() => lives.kill());
    return lives;
  };
  const up = await Promise.allSettled([
    run('contour', contour, contourFlags(kubeconfig, configFile), () => isUp(`http://127.0.0.1:${health}/healthz`)),
    run('envoy', envoy, envoyFlags(bootstrapFile), async () => true),
  ]);
  const [contourUp, envoyUp] = up.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  }) as [Lives, Lives];
  await programmed(api);
  return { contour: contourUp, envoy: envoyUp, url: `http://127.0.0.1:${port}` };
}

function gatewayObjects(): KubeObject[] {
  const { name, namespace, port } = gateway;
  const group = 'gateway.networking.k8s.io/v1';
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    {
      apiVersion: group,
      kind: 'GatewayClass',
      metadata: { name: gatewayClass },
      spec: { controllerName: 'projectcontour.io/gateway-controller' },
    },
    {
      apiVersion: group,
      kind: 'Gateway',
      metadata: { name, namespace },
      spec: {
        gatewayClassName: gatewayClass,
        listeners: [{ name: 'http', protocol: 'HTTP', port, allowedRoutes: { namespaces: { from: 'All' } } }],
      },
    },
  ] as KubeObject[];
}

function bootstrap(contour: string, folder: string, file: string): void {
  const args = [
    ...['bootstrap', '--xds-address', '127.0.0.1', '--xds-port', String(ports.xds)],
    ...['--admin-address', join(folder, 'admin.sock'), file],
  ];
  const { status, stderr } = spawnSync(contour, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`contour bootstrap: ${stderr}`);
}

function contourFlags(kubeconfig: string, configFile: string): string[] {
  const on = (what: string, port: number) => [`--${what}-address=127.0.0.1`, `--${what}-port=${port}`];
  return [
    'serve',
    `--kubeconfig=${kubeconfig}`,
    '--insecure',
    '--disable-leader-election', // it would end itself when the API server is away
    ...on('xds', ports.xds),
    ...on('http', ports.http),
    ...on('health', ports.health),
    ...on('stats', ports.stats),
    '--envoy-service-http-address=127.0.0.1',
    `--config-path=${configFile}`,
    // Their kinds are not among the custom resources.
    ...['tlsroutes', 'tcproutes', 'backendtlspolicies'].map((feature) => `--disable-feature=${feature}`),
  ];
}

function envoyFlags(bootstrapFile: string): string[] {
  return [
    ...['-c', bootstrapFile, '--service-cluster', 'projectcontour', '--service-node', 'envoy'],
    ...['--concurrency', '1', '--disable-hot-restart', '--log-level', 'warning'],
  ];
}

interface GatewayStatus {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** Contour has taken the Gateway; Envoy opens the listener with the first route. */
async function programmed(api: KubeApi): Promise<void> {
  const path = `${collectionPath('gateway.networking.k8s.io/v1', 'Gateway', gateway.namespace)}/${gateway.name}`;
  await waitFor(
    async () => {
      const { status } = await api.read<GatewayStatus>(path);
      return status?.conditions?.some((one) => one.type === 'Programmed' && one.status === 'True') === true;
    },
    { for: 'the Gateway to be programmed', withinMs: 30_000 },
  );
}
