/** A real container engine for tests: the machine's Docker when there is one, else Podman's service, with storage and settings of its own. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProcess } from '../servers/process.ts';
import { askEngine } from './ask.ts';

export interface TestEngine {
  /** Its socket. */
  readonly socket: string;
  /** In words, for people. */
  readonly what: string;
  /** Ends what was started for it, containers included. */
  stop(): Promise<void>;
}

export interface EngineOptions {
  readonly folder: string;
  /** `127.0.0.1:port` of a registry that speaks plain HTTP. */
  readonly registry: string;
}

export async function startEngine(options: EngineOptions): Promise<TestEngine> {
  const docker = await runningDocker();
  if (docker !== null) return { socket: docker, what: `Docker at ${docker}`, stop: async () => undefined };
  providePodman();
  return startPodman(options);
}

// ── The machine's Docker ─────────────────────────────────────────────────────────────────────────────────────────────

/** The first socket behind which Docker itself answers: a Podman of the machine's would not pull from our registry. */
async function runningDocker(): Promise<string | null> {
  const named = /^unix:\/\/(.+)$/.exec(process.env['DOCKER_HOST'] ?? '')?.[1];
  for (const socket of named === undefined ? ['/var/run/docker.sock'] : [named, '/var/run/docker.sock']) {
    if (existsSync(socket) && (await isDocker(socket))) return socket;
  }
  return null;
}

async function isDocker(socket: string): Promise<boolean> {
  try {
    const { body } = await askEngine(socket, 'GET', '/version');
    const { Components = [] } = JSON.parse(body) as { Components?: readonly { Name?: string }[] };
    return Components.some(({ Name }) => Name === 'Engine');
  } catch {
    return false; // nobody behind it
  }
}

// ── Podman ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Throws with what helps when it is not there and may not be installed. */
function providePodman(): void {
  const lacking = ['podman', 'runc', 'unshare'].filter((command) => !isThere(command));
  const isRoot = process.getuid?.() === 0;
  if (lacking.length > 0 && isRoot && isThere('apt-get')) {
    process.stderr.write('installing podman and runc with apt-get\n');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const apt = (...args: string[]) =>
      spawnSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
    const install = ['install', '--yes', '--no-install-recommends', 'podman', 'runc'];
    if (apt(...install) || (apt('update') && apt(...install))) return;
  }
  if (lacking.length === 0 && isRoot) return;
  const why =
    lacking.length > 0 ? `${lacking.join(', ')} cannot be found` : 'Podman can be set up for tests by root only';
  throw new Error(
    [
      `A container engine is needed, no Docker answers at ${process.env['DOCKER_HOST'] ?? '/var/run/docker.sock'}, and ${why}.`,
      'Any one of these helps:',
      '  - start Docker, or set DOCKER_HOST=unix:///… to its socket',
      '  - install podman and runc (on Debian: apt-get install podman runc) and run this as root',
    ].join('\n'),
  );
}

function isThere(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;
}

/**
 * In a process namespace of its own: whatever happens to the tests, the engine's end is the end of every container. Host network,
 * no cgroups of the containers' own and plain copies as storage work wherever the tests themselves do.
 */
async function startPodman({ folder, registry }: EngineOptions): Promise<TestEngine> {
  mkdirSync(folder, { recursive: true });
  const file = (name: string, lines: readonly string[]) => {
    writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
    return join(folder, name);
  };
  const env = {
    CONTAINERS_CONF: file('containers.conf', [
      '[containers]',
      ...['netns = "host"', 'cgroupns = "host"', 'cgroups = "no-conmon"'],
      'default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]',
      '[engine]',
      ...['runtime = "runc"', 'cgroup_manager = "cgroupfs"', 'events_logger = "file"'],
      `tmp_dir = ${JSON.stringify(join(folder, 'tmp'))}`,
    ]),
    CONTAINERS_STORAGE_CONF: file('storage.conf', [
      '[storage]',
      'driver = "vfs"',
      `graphroot = ${JSON.stringify(join(folder, 'storage'))}`,
      `runroot = ${JSON.stringify(join(folder, 'run'))}`,
    ]),
    CONTAINERS_REGISTRIES_CONF: file('registries.conf', [
      'unqualified-search-registries = []',
      '[[registry]]',
      `location = ${JSON.stringify(registry)}`,
      'insecure = true',
    ]),
  };
  const socket = join(folder, 'engine.sock');
  const podman = await startProcess({
    name: 'podman',
    command: 'unshare',
    args: [
      ...['--mount', '--pid', '--fork', '--mount-proc', '--kill-child'],
      ...['podman', 'system', 'service', '--time=0', `unix://${socket}`],
    ],
    folder,
    env,
    ready: async () => existsSync(socket) && (await answers(socket)),
  });
  return { socket, what: `Podman's service at ${socket}`, stop: () => podman.end() };
}

async function answers(socket: string): Promise<boolean> {
  try {
    return (await askEngine(socket, 'GET', '/version')).status === 200;
  } catch {
    return false; // not yet
  }
}
