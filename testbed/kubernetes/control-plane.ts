/** etcd, the API server and the controller manager inside a network: a real control plane, with one administrator and an API whose clients must know its certificate. */

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { locate } from '../servers/locate.ts';
import type { ServerName } from '../servers/recipe.ts';
import { type Lives, startLives, startProcess } from '../servers/process.ts';
import { type ClusterAccess, createApi, type KubeApi } from './api.ts';
import { nodeAddress, type Network } from './network.ts';

export interface ControlPlane {
  readonly etcd: Lives;
  readonly apiserver: Lives;
  readonly controllers: Lives;
  /** For clients on our side, as administrator. */
  readonly api: KubeApi;
  /** The API server's own certificate and key, for a recorder that stands in its place. */
  readonly certificate: { readonly cert: string; readonly key: string };
  /** For clients inside, as administrator. */
  readonly kubeconfig: string;
}

/** Where the API server is for those inside. */
export const inside = 'https://127.0.0.1:6443';

/** Those that a rollout can meet; nodes never fail here, so nobody watches over them. */
const controllers = [
  'deployment-controller',
  'replicaset-controller',
  'endpoints-controller',
  'endpointslice-controller',
  'garbage-collector-controller',
  'namespace-controller',
  'serviceaccount-controller',
  'pod-garbage-collector-controller',
  'horizontal-pod-autoscaler-controller',
  'disruption-controller',
];

/** Stopping is up to the caller: each part is registered in `stops` as soon as it runs. */
export async function startControlPlane(
  folder: string,
  network: Network,
  stops: (() => Promise<void>)[],
): Promise<ControlPlane> {
  const files = secrets(folder);
  const port = await network.door({ host: '127.0.0.1', port: 6443 });
  const server = `https://127.0.0.1:${port}`;
  const run = async (name: ServerName, flags: readonly string[], ready: () => Promise<boolean>): Promise<Lives> => {
    const command = network.inside(await locate(name), flags);
    const start = () => startProcess({ name, ...command, folder: join(folder, name), ready });
    const lives = await startLives(start);
    stops.push(() => lives.kill()); // they take seconds to say goodbye, and nobody misses what they would save
    return lives;
  };
  // They wait for each other.
  const etcdUp = run('etcd', etcdFlags(join(folder, 'etcd', 'data')), async () => true);
  const access = (): ClusterAccess => ({ server, ca: readFileSync(files.certificate, 'utf8'), token: files.token });
  const apiserverUp = run('kube-apiserver', apiserverFlags(files), async () => {
    return existsSync(files.certificate) && existsSync(files.certificateKey) && isReady(access());
  });
  const [etcd, apiserver] = await settled([etcdUp, apiserverUp]);
  const kubeconfig = join(folder, 'kubeconfig.json');
  writeFileSync(kubeconfig, kubeconfigOf({ ...access(), server: inside }), { mode: 0o600 });
  return {
    etcd,
    apiserver,
    controllers: await run('kube-controller-manager', controllerFlags(folder, kubeconfig), async () => true),
    api: createApi(access()),
    certificate: { cert: access().ca, key: readFileSync(files.certificateKey, 'utf8') },
    kubeconfig,
  };
}

/** All of them, or the first failure when none is on its way any more: what has started must be known before it is stopped. */
async function settled<T>(starts: readonly [Promise<T>, Promise<T>]): Promise<readonly [T, T]> {
  await Promise.allSettled(starts);
  return Promise.all(starts);
}

interface Secrets {
  readonly folder: string;
  readonly token: string;
  readonly tokens: string;
  readonly signing: string;
  readonly verifying: string;
  /** The API server makes it itself. */
  readonly certificate: string;
  readonly certificateKey: string;
}

function secrets(folder: string): Secrets {
  const own = join(folder, 'secrets');
  mkdirSync(own, { recursive: true, mode: 0o700 });
  const file = (name: string, content: string) => {
    writeFileSync(join(own, name), content, { mode: 0o600 });
    return join(own, name);
  };
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const token = randomBytes(24).toString('hex');
  return {
    folder: own,
    token,
    tokens: file('tokens.csv', `${token},admin,admin,"system:masters"\n`),
    signing: file('service-accounts.key', privateKey),
    verifying: file('service-accounts.pub', publicKey),
    certificate: join(own, 'apiserver.crt'),
    certificateKey: join(own, 'apiserver.key'),
  };
}

function etcdFlags(data: string): string[] {
  const [clients, peers] = ['http://127.0.0.1:2379', 'http://127.0.0.1:2380'];
  return [
    '--unsafe-no-fsync',
    `--data-dir=${data}`,
    `--listen-client-urls=${clients}`,
    `--advertise-client-urls=${clients}`,
    `--listen-peer-urls=${peers}`,
    `--initial-advertise-peer-urls=${peers}`,
    `--initial-cluster=default=${peers}`,
  ];
}

function apiserverFlags({ folder, tokens, signing, verifying }: Secrets): string[] {
  const issuer = 'https://kubernetes.default.svc';
  return [
    '--etcd-servers=http://127.0.0.1:2379',
    '--bind-address=127.0.0.1',
    '--secure-port=6443',
    `--advertise-address=${nodeAddress}`,
    `--cert-dir=${folder}`,
    `--service-account-key-file=${verifying}`,
    `--service-account-signing-key-file=${signing}`,
    `--service-account-issuer=${issuer}`,
    `--api-audiences=${issuer}`,
    `--token-auth-file=${tokens}`,
    '--authorization-mode=RBAC',
    '--anonymous-auth=false',
    '--service-cluster-ip-range=10.0.0.0/16',
    '--endpoint-reconciler-type=none',
    '--disable-admission-plugins=ServiceAccount', // pods would wait for tokens that nobody mounts
  ];
}

function controllerFlags(folder: string, kubeconfig: string): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    '--leader-elect=false',
    '--bind-address=127.0.0.1',
    '--use-service-account-credentials=false',
    `--cert-dir=${join(folder, 'kube-controller-manager')}`,
    ...['--kube-api-qps=500', '--kube-api-burst=1000'],
    ...['--concurrent-replicaset-syncs=20', '--concurrent-deployment-syncs=20'],
    `--controllers=${controllers.join(',')}`,
  ];
}

async function isReady(access: ClusterAccess): Promise<boolean> {
  const api = createApi(access);
  try {
    return (await api.ask('GET', '/readyz', { timeoutMs: 1_000 })).status === 200;
  } catch {
    return false; // not yet
  } finally {
    api.close();
  }
}

/** JSON is YAML. */
export function kubeconfigOf({ server, ca, token }: ClusterAccess): string {
  const name = 'testbed';
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  });
}
