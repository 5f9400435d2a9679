/** The custom resource definitions of the cluster, read from the archives of the pinned Go modules in `tools/crds`. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { inProject } from '../root.ts';
import { cacheFolder } from '../servers/locate.ts';
import type { KubeObject } from './objects.ts';

/** Files of a module's archive, and the definitions wanted from them. */
interface Source {
  readonly module: string;
  readonly files: readonly string[];
  readonly names: RegExp;
}

const gatewayKinds = ['gatewayclasses', 'gateways', 'grpcroutes', 'httproutes', 'referencegrants'];

const sources: readonly Source[] = [
  {
    module: 'sigs.k8s.io/gateway-api',
    files: gatewayKinds.map((kind) => `config/crd/standard/gateway.networking.k8s.io_${kind}.yaml`),
    names: /\.gateway\.networking\.k8s\.io$/,
  },
  {
    module: 'github.com/projectcontour/contour',
    files: ['examples/contour/01-crds.yaml'],
    names: /^(contourconfigurations|extensionservices|httpproxies|tlscertificatedelegations)\.projectcontour\.io$/,
  },
  {
    module: 'istio.io/api',
    files: ['kubernetes/customresourcedefinitions.gen.yaml'],
    names: /^(virtualservices|destinationrules)\.networking\.istio\.io$/,
  },
];

/** Parsed once and kept beside the servers: the YAML is megabytes. */
export function customResources(): readonly KubeObject[] {
  const key = createHash('sha256')
    .update(readFileSync(inProject('tools', 'crds', 'go.sum')))
    .update(JSON.stringify(names));
  const cached = join(cacheFolder(), `crds-${key.digest('hex').slice(0, 16)}.json`);
  if (!existsSync(cached)) {
    mkdirSync(dirname(cached), { recursive: true });
    const unfinished = `${cached}.${process.pid}.tmp`;
    writeFileSync(unfinished, JSON.stringify(readModules()));
    renameSync(unfinished, cached);
  }
  return JSON.parse(readFileSync(cached, 'utf8')) as readonly KubeObject[];
}

const names = sources.map(({ names: wanted, files }) => [wanted.source, files]);

function readModules(): KubeObject[] {
  const folders = moduleFolders();
  return sources.flatMap(({ module, files, names: wanted }) => {
    const folder = folders.get(module);
    if (folder === undefined) throw new Error(`tools/crds/go.mod does not name ${module}`);
    const documents = files.flatMap((file) => parseAllDocuments(readFileSync(join(folder, file), 'utf8')));
    const objects = documents
      .map((document) => document.toJS() as KubeObject | null)
      .filter((object) => object !== null);
    return objects.filter(({ metadata }) => wanted.test(metadata.name)).map(withoutDescriptions);
  });
}

/** They are three quarters of it, for people to read, and the API server starts faster without them. */
export function withoutDescriptions(object: KubeObject): KubeObject {
  const text = JSON.stringify(object, (key, value: unknown) => {
    return key === 'description' && typeof value === 'string' ? undefined : value;
  });
  return JSON.parse(text) as KubeObject;
}

/** Where Go has put the archives, by module; it checks them against `go.sum`. */
function moduleFolders(): Map<string, string> {
  const { status, stdout, stderr, error } = spawnSync(
    'go',
    ['mod', 'download', '-json', ...sources.map(({ module }) => module)],
    { cwd: inProject('tools', 'crds'), encoding: 'utf8' },
  );
  if (status !== 0) {
    const why = error === undefined ? stderr + stdout : 'there is no Go to fetch them with';
    throw new Error(`the custom resource definitions of the cluster are needed, but ${why}`);
  }
  const told = [...stdout.matchAll(/^\{$[\s\S]*?^\}$/gm)].map(
    ([text]) => JSON.parse(text) as { Path: string; Dir: string },
  );
  return new Map(told.map(({ Path, Dir }) => [Path, Dir]));
}
