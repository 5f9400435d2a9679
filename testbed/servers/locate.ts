/** Finds the pinned servers: environment variable, then PATH, then cache folder, then a build from `tools/`. */

import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { inProject } from '../root.ts';
import { buildOnce } from './build.ts';
import type { ServerName, ServerRecipe } from './recipe.ts';

export const serverNames: readonly ServerName[] = ['temporal', 'prometheus', 'caddy', 'versitygw'];

/** What a Kubernetes of our own is made of, beside Envoy, which is not built. */
export const clusterNames: readonly ServerName[] = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'contour'];

const plain = () => '-s -w';

/** Without these flags `/version` says v0.0.0 and clients take it for one of the first. */
const kubernetes = (version: string) => {
  const [major = '', minor = ''] = version.split('.');
  const facts = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor };
  const flags = Object.entries(facts).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  return ['-s -w', ...flags].join(' ');
};

const recipes: Readonly<Record<ServerName, ServerRecipe>> = {
  temporal: {
    name: 'temporal',
    folder: 'temporal',
    variable: 'SLUICE_TEMPORAL',
    module: 'github.com/temporalio/cli',
    package: 'github.com/temporalio/cli/cmd/temporal',
    tags: null,
    ldflags: (version) => `-s -w -X github.com/temporalio/cli/internal/temporalcli.Version=${version}`,
  },
  prometheus: {
    name: 'prometheus',
    folder: 'prometheus',
    variable: 'SLUICE_PROMETHEUS',
    module: 'github.com/prometheus/prometheus',
    package: 'github.com/prometheus/prometheus/cmd/prometheus',
    tags: 'remove_all_sd',
    ldflags: plain,
  },
  caddy: {
    name: 'caddy',
    folder: 'caddy',
    variable: 'SLUICE_CADDY',
    module: 'github.com/caddyserver/caddy/v2',
    package: 'github.com/caddyserver/caddy/v2/cmd/caddy',
    tags: null,
    ldflags: plain,
  },
  versitygw: {
    name: 'versitygw',
    folder: 'versitygw',
    variable: 'SLUICE_VERSITYGW',
    module: 'github.com/versity/versitygw',
    package: 'github.com/versity/versitygw/cmd/versitygw',
    tags: null,
    ldflags: plain,
  },
  etcd: {
    name: 'etcd',
    folder: 'etcd',
    variable: 'SLUICE_ETCD',
    module: 'go.etcd.io/etcd/server/v3',
    package: 'go.etcd.io/etcd/server/v3',
    tags: null,
    ldflags: plain,
  },
  'kube-apiserver': {
    name: 'kube-apiserver',
    folder: 'kubernetes',
    variable: 'SLUICE_KUBE_APISERVER',
    module: 'k8s.io/kubernetes',
    package: 'k8s.io/kubernetes/cmd/kube-apiserver',
    tags: null,
    ldflags: kubernetes,
  },
  'kube-controller-manager': {
    name: 'kube-controller-manager',
    folder: 'kubernetes',
    variable: 'SLUICE_KUBE_CONTROLLER_MANAGER',
    module: 'k8s.io/kubernetes',
    package: 'k8s.io/kubernetes/cmd/kube-controller-manager',
    tags: null,
    ldflags: kubernetes,
  },
  contour: {
    name: 'contour',
    folder: 'contour',
    variable: 'SLUICE_CONTOUR',
    module: 'github.com/projectcontour/contour',
    package: 'github.com/projectcontour/contour/cmd/contour',
    tags: null,
    ldflags: plain,
  },
};

/** Path of a server's binary; builds it on first use, which takes minutes and shows its progress on stderr. */
export async function locate(name: ServerName): Promise<string> {
  const recipe = recipes[name];
  const version = pinnedVersion(recipe);
  return find(name, recipe.variable, version, (cached) => buildOnce(recipe, version, cached));
}

/** The places where a program may be, in their order; `make` puts it into the cache when it is in none of them. */
export async function find(
  name: string,
  variable: string,
  version: string,
  make: (cached: string) => Promise<string>,
): Promise<string> {
  const named = process.env[variable];
  if (named !== undefined && named !== '') {
    if (isExecutable(named)) return named;
    throw new Error(`${variable} names ${named}, which is not a program that can be run`);
  }
  const cached = join(cacheFolder(), `${name}-${version}`);
  return onPath(name) ?? (isExecutable(cached) ? cached : await make(cached));
}

/** Where built servers are kept; safe to delete. */
export function cacheFolder(): string {
  const { SLUICE_CACHE, XDG_CACHE_HOME } = process.env;
  const base = SLUICE_CACHE ?? (XDG_CACHE_HOME ? join(XDG_CACHE_HOME, 'sluice') : join(homedir(), '.cache', 'sluice'));
  return join(base, 'servers');
}

/** `tools/<folder>/go.mod` is the only place that pins a version. */
function pinnedVersion(recipe: ServerRecipe): string {
  const file = inProject('tools', recipe.folder, 'go.mod');
  const version = new RegExp(`${recipe.module} v(\\S+)`).exec(readFileSync(file, 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${file} does not pin ${recipe.module}`);
  return version;
}

function onPath(name: string): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false; // absent or not ours to run: the next place is tried
  }
}
