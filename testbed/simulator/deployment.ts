/** What runs in a simulation: our own activities and providers, wired as the worker wires them, over simulated doors. */

import type { ActivityFunction } from '@temporalio/common';
import { createActivities } from '../../activities/index.ts';
import type { Observer } from '../../activities/ports.ts';
import { createDirectory } from '../../providers/directory/directory.ts';
import type { People } from '../../providers/directory/directory.ts';
import type { Clock, Http, Secrets, SmokeFiles, Sockets } from '../../providers/ports.ts';
import { createSecrets } from '../../providers/secrets/secrets.ts';
import type { WorkerConfig } from '../../spec/worker-config.ts';
import { openArchive } from '../../worker/archive.ts';
import { createLog } from '../../worker/logger.ts';
import { createPorts, type PortsOptions } from '../../worker/ports.ts';
import { controlOrigins, createWorldTime } from '../../worker/time.ts';

/** What the operator of the simulated world has declared. */
export interface Operator {
  readonly config: WorkerConfig;
  /** Read whenever the directory is; throws while it is away. */
  readonly people: People['people'];
  readonly secrets: Secrets;
}

export interface Doors {
  readonly http: Http;
  readonly sockets: Sockets;
  readonly clock: Clock;
  readonly random: () => string;
}

export type Equip = (doors: Doors) => Readonly<Record<string, ActivityFunction>>;

/** Secrets by name, as the environment would hold them. */
export async function secretsOf(values: Readonly<Record<string, string>>): Promise<Secrets> {
  return createSecrets({ from: 'env', prefix: '', env: values });
}

/** `temporal`: whom the worker asks about runs. */
export function equipment(operator: Operator, temporal: () => Pick<PortsOptions, 'rollouts' | 'runs'>): Equip {
  const { config, secrets } = operator;
  const log = createLog({ level: 'fatal', redact: (line) => secrets.redact(line) });
  const credentials = new Map<string, string>();
  const origins = controlOrigins(config);
  return ({ http: door, sockets, clock: machine, random }) => {
    const time = createWorldTime(machine, ignore);
    const { clock } = time;
    const http = time.listening(door, origins);
    const ports = createPorts({
      config,
      credentials,
      clock,
      http,
      sockets,
      engine: noEngine,
      cluster: noCluster,
      random,
      wrongByMs: () => time.wrongByMs(),
      files: anyFile,
      archive: openArchive(config.archive, '.', { http, clock, random, credentials }),
      directory: createDirectory({ load: async () => ({ identity: 'trust', people: operator.people }) }),
      directoryProblem: () => null,
      secrets,
      ...temporal(),
      observer: nobody,
      log,
    });
    return createActivities(ports) as unknown as Readonly<Record<string, ActivityFunction>>;
  };
}

/** Simulated hosts are reached through deploy hooks. */
export const noEngine = (): never => {
  throw new Error('a simulated world has no container engine');
};

export const noCluster = (): never => {
  throw new Error('a simulated world has no cluster');
};

/** What a plan uploads is there, and nobody looks at it. */
const anyFile: SmokeFiles = { missing: async () => [], read: async (name) => Buffer.from(name) };

const ignore = (): void => undefined;
/** Metrics of a simulated worker are nobody's. */
const nobody: Observer = {
  effect: ignore,
  weights: ignore,
  findings: ignore,
  bake: ignore,
  zero: ignore,
  smoke: ignore,
  notice: ignore,
  looked: ignore,
  orphan: ignore,
};
