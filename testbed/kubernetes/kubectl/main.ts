/** As much of `kubectl` as the pages of docs/ use, for machines that have none: same words, same effects, far fewer of both. */

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { type ClusterAccess, createApi, type KubeApi } from '../api.ts';
import { collectionPath, type KubeObject } from '../objects.ts';
import { rolledOut } from '../workload.ts';

/** In the form that the testbed writes. */
interface Kubeconfig {
  readonly clusters: readonly [{ readonly cluster: { server: string; 'certificate-authority-data': string } }];
  readonly users: readonly [{ readonly user: { token: string } }];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    filename: { type: 'string', short: 'f', multiple: true, default: [] },
    namespace: { type: 'string', short: 'n', default: 'default' },
    patch: { type: 'string' },
    duration: { type: 'string' },
    output: { type: 'string', short: 'o' },
    minify: { type: 'boolean' },
    flatten: { type: 'boolean' },
  },
});

async function run(api: KubeApi, [{ cluster }]: Kubeconfig['clusters']): Promise<string> {
  const { namespace, patch } = values;
  const words = positionals.join(' ');
  const name = positionals.at(-1) ?? '';
  if (words === 'apply') return apply(api, values.filename);
  if (words === `create token ${name}`) return tokenOf(api, namespace, name, values.duration ?? '1h');
  if (words === `patch deployment ${name}` && patch !== undefined) {
    const path = `${collectionPath('apps/v1', 'Deployment', namespace)}/${name}`;
    const type = 'application/strategic-merge-patch+json';
    const { status, body } = await api.ask('PATCH', path, { json: JSON.parse(patch) as unknown, type });
    if (status !== 200) throw new Error(JSON.stringify(body));
    return `deployment.apps/${name} patched`;
  }
  if (words === `rollout status deployment ${name}`) {
    await rolledOut(api, namespace, name, 120_000);
    return `deployment "${name}" successfully rolled out`;
  }
  if (words === 'config view' && values.output === 'jsonpath={.clusters[0].cluster}') return JSON.stringify(cluster);
  throw new Error(`this kubectl does not know: ${process.argv.slice(2).join(' ')}`);
}

async function apply(api: KubeApi, files: readonly string[]): Promise<string> {
  const texts = files.map((file) => readFileSync(file === '-' ? 0 : file, 'utf8'));
  const objects = texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as KubeObject));
  for (const object of objects) await api.apply(object);
  return objects.map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name} applied`).join('\n');
}

async function tokenOf(api: KubeApi, namespace: string, name: string, duration: string): Promise<string> {
  const [, hours] = /^(\d+)h$/.exec(duration) ?? [];
  const path = `${collectionPath('v1', 'ServiceAccount', namespace)}/${name}/token`;
  const { status } = await api.create<{ status: { token: string } }>(path, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: Number(hours) * 3_600 },
  });
  return status.token;
}

const config = JSON.parse(readFileSync(process.env['KUBECONFIG'] ?? '', 'utf8')) as Kubeconfig;
const access: ClusterAccess = {
  server: config.clusters[0].cluster.server,
  ca: Buffer.from(config.clusters[0].cluster['certificate-authority-data'], 'base64').toString(),
  token: config.users[0].user.token,
};
const api = createApi(access);
try {
  console.log(await run(api, config.clusters));
} finally {
  api.close();
}
