/** Finds the pinned servers: environment variable, then PATH, then cache folder, then a build from `tools/`. */

import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { inProject } from '../root.ts';
import { buildOnce } from './build.ts';

export type ServerName = 'temporal' | 'prometheus' | 'caddy' | 'versitygw';

export const serverNames: readonly ServerName[] = ['temporal', 'prometheus', 'caddy', 'versitygw'];

/** How a server is found and built. */
export interface ServerRecipe {
  readonly name: ServerName;
  /** Names a binary that is to be used instead of all others. */
  readonly variable: string;
  readonly module: string;
  readonly package: string;
  readonly tags: string | null;
  /** Linker flags; the version is known only when `go.mod` has been read. */
  readonly ldflags: (version: string) => string;
}

const plain = () => '-s -w';

const recipes: Readonly<Record<ServerName, ServerRecipe>> = {
  temporal: {
    name: 'temporal',
    variable: 'SLUICE_TEMPORAL',
    module: 'github.com/temporalio/cli',
    package: 'github.com/temporalio/cli/cmd/temporal',
    tags: null,
    ldflags: (version) => `-s -w -X github.com/temporalio/cli/internal/temporalcli.Version=${version}`,
  },
  prometheus: {
    name: 'prometheus',
    variable: 'SLUICE_PROMETHEUS',
    module: 'github.com/prometheus/prometheus',
    package: 'github.com/prometheus/prometheus/cmd/prometheus',
    tags: 'remove_all_sd',
    ldflags: plain,
  },
  caddy: {
    name: 'caddy',
    variable: 'SLUICE_CADDY',
    module: 'github.com/caddyserver/caddy/v2',
    package: 'github.com/caddyserver/caddy/v2/cmd/caddy',
    tags: null,
    ldflags: plain,
  },
  versitygw: {
    name: 'versitygw',
    variable: 'SLUICE_VERSITYGW',
    module: 'github.com/versity/versitygw',
    package: 'github.com/versity/versitygw/cmd/versitygw',
    tags: null,
    ldflags: plain,
  },
};

/** Path of a server's binary; builds it on first use, which takes minutes and shows its progress on stderr. */
export async function locate(name: ServerName): Promise<string> {
  const recipe = recipes[name];
  const named = process.env[recipe.variable];
  if (named !== undefined && named !== '') {
    if (isExecutable(named)) return named;
    throw new Error(`${recipe.variable} names ${named}, which is not a program that can be run`);
  }
  const version = pinnedVersion(recipe);
  const cached = join(cacheFolder(), `${name}-${version}`);
  return onPath(name) ?? (isExecutable(cached) ? cached : await buildOnce(recipe, version, cached));
}

/** Where built servers are kept; safe to delete. */
function cacheFolder(): string {
  const { SLUICE_CACHE, XDG_CACHE_HOME } = process.env;
  const base = SLUICE_CACHE ?? (XDG_CACHE_HOME ? join(XDG_CACHE_HOME, 'sluice') : join(homedir(), '.cache', 'sluice'));
  return join(base, 'servers');
}

/** `tools/<name>/go.mod` is the only place that pins a version. */
function pinnedVersion(recipe: ServerRecipe): string {
  const file = inProject('tools', recipe.name, 'go.mod');
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
