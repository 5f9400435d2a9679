/** What a worker has before anything is started: the operator's files read and checked, the doors to the world open. */

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { WorkerDeploymentOptions } from '@temporalio/worker';
import { createClock } from '../providers/clock.ts';
import { createCluster } from '../providers/cluster.ts';
import { createDirectory } from '../providers/directory/directory.ts';
import { ProviderError } from '../providers/errors.ts';
import { createHttp } from '../providers/http.ts';
import { createEngine } from '../providers/engine.ts';
import type {
  Archive,
  Clock,
  Cluster,
  ClusterAccess,
  Directory,
  Engine,
  EngineAddress,
  Http,
  Secrets,
  SmokeFiles,
  Sockets,
} from '../providers/ports.ts';
import { createSecrets } from '../providers/secrets/secrets.ts';
import { createSmokeFiles } from '../providers/smoke/files.ts';
import { createSockets } from '../providers/sockets.ts';
import type { WorkerConfig } from '../spec/worker-config.ts';
import { openArchive } from './archive.ts';
import { directoryLoader, loadWorkerConfig } from './config.ts';
import { accessOf } from './kubernetes-sites.ts';
import { credentialsOf } from './credentials.ts';
import { createLog, type Log } from './logger.ts';
import { bundlePath, payloadConverterPath, versionedBundlePath } from './paths.ts';
import { WorkerProblem } from './problem.ts';
import { clockInWords, controlOrigins, createWorldTime } from './time.ts';
import { deploymentOf } from './version.ts';

export interface House {
  readonly config: WorkerConfig;
  /** Which build this worker is. */
  readonly deployment: WorkerDeploymentOptions;
  /** Values of the environment variables that credentials name. */
  readonly credentials: ReadonlyMap<string, string>;
  readonly log: Log;
  readonly secrets: Secrets;
  readonly directory: Directory;
  /** Why the newest version of the directory's file is not in use; `null` when it is. */
  readonly directoryProblem: () => string | null;
  readonly clock: Clock;
  /** So much this machine's clock is ahead of those of the servers around, ms; 0 when it is right. */
  readonly wrongByMs: () => number;
  readonly http: Http;
  readonly sockets: Sockets;
  /** The door to a container engine that the configuration names. */
  readonly engine: (address: EngineAddress) => Engine;
  /** The door to a cluster that the configuration names. */
  readonly cluster: (access: ClusterAccess) => Cluster;
  /** What smoke may upload. */
  readonly files: SmokeFiles;
  /** Where records of rollouts are kept; `null` for nowhere. */
  readonly archive: Archive | null;
  /** Some letters and digits, other ones each time. */
  readonly random: () => string;
}

/** Throws `WorkerProblem` for everything that the operator must mend. */
export async function openHouse(configFile: string): Promise<House> {
  const { config, folder } = await loadWorkerConfig(configFile);
  checkBuild();
  const deployment = deploymentOf(config.versioning, process.env);
  const credentials = credentialsOf(config, process.env);
  const secrets = await openSecrets(config, folder, [...credentials.values()]);
  const log = createLog({ level: config.logs.level, redact: (line) => secrets.redact(line) });
  const people = await openDirectory(path.resolve(folder, config.directory), log);
  const time = createWorldTime(createClock(), (wrongByMs) => tellTime(log, wrongByMs));
  const doors = {
    clock: time.clock,
    http: time.listening(createHttp(), controlOrigins(config)),
    wrongByMs: () => time.wrongByMs(),
    sockets: createSockets(),
    random,
  };
  const files = createSmokeFiles(config.smoke.files === null ? null : path.resolve(folder, config.smoke.files));
  const engine = (address: EngineAddress): Engine => createEngine(inFolder(folder, address));
  const cluster = clusters(folder, time.clock);
  for (const connection of Object.values(config.connections)) {
    if (connection.kind === 'kubernetes') cluster(accessOf(connection));
  }
  const archive = openArchive(config.archive, folder, { ...doors, credentials });
  return { config, deployment, credentials, log, secrets, ...people, ...doors, engine, cluster, files, archive };
}

/** One door to each cluster, with its connections and credentials, for all rollouts there. */
function clusters(folder: string, clock: Clock): (access: ClusterAccess) => Cluster {
  const doors = new Map<string, Cluster>();
  return (named) => {
    const access = named.kind === 'in-cluster' ? named : { ...named, path: path.resolve(folder, named.path) };
    const key = JSON.stringify(access);
    const door = doors.get(key) ?? createCluster(access, clock);
    doors.set(key, door);
    return door;
  };
}

/** Relative paths mean the folder of the configuration. */
function inFolder(folder: string, address: EngineAddress): EngineAddress {
  return address.kind === 'socket'
    ? { ...address, path: path.resolve(folder, address.path) }
    : { ...address, certificates: path.resolve(folder, address.certificates) };
}

function tellTime(log: Log, wrongByMs: number): void {
  if (wrongByMs === 0) log.info('the clock of this machine agrees with those of the servers around again');
  else log.error({ wrongBySeconds: Math.round(wrongByMs / 1_000) }, `${clockInWords(wrongByMs)}; their time is used`);
}

function random(): string {
  return randomBytes(4).toString('hex');
}

function checkBuild(): void {
  const lacking = [bundlePath, versionedBundlePath, payloadConverterPath].filter((file) => !existsSync(file));
  if (lacking.length === 0) return;
  throw new WorkerProblem(`the workflow bundle is missing (${lacking.join(', ')}): run \`npm run build\``);
}

async function openSecrets({ secrets }: WorkerConfig, folder: string, alsoRedact: readonly string[]): Promise<Secrets> {
  try {
    return await createSecrets(
      secrets.from === 'env'
        ? { ...secrets, env: process.env, alsoRedact }
        : { from: 'folder', path: path.resolve(folder, secrets.path), alsoRedact },
    );
  } catch (error) {
    throw error instanceof ProviderError ? new WorkerProblem(error.message, { cause: error }) : error;
  }
}

async function openDirectory(file: string, log: Log): Promise<Pick<House, 'directory' | 'directoryProblem'>> {
  const load = directoryLoader(file);
  await load();
  let broken: string | null = null;
  const directory = createDirectory({
    load,
    onBroken: (problem) => {
      broken = problem;
      if (problem === null) log.info({ file }, 'the directory is in order again');
      else log.error({ file, problem }, 'the new directory is broken; the last good version stays in use');
    },
  });
  await directory.identity();
  return { directory, directoryProblem: () => broken };
}
