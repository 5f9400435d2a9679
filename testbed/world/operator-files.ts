/** What the operator of a world would have written: the directory of people, and the worker's configuration. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Recorder } from '../recorder.ts';
import type { Prometheus } from '../servers/prometheus.ts';
import type { Temporal } from '../servers/temporal.ts';
import type { Service } from './service.ts';

/** Who may do what in every world. */
export const people = {
  rita: { name: 'Rita', roles: ['release-manager'], contacts: { email: 'rita@example.org' } },
  ana: { name: 'Ana', roles: ['sre'], contacts: { email: 'ana@example.org' } },
  sam: { name: 'Sam', roles: ['sre'], contacts: { email: 'sam@example.org' } },
  quinn: { name: 'Quinn', roles: ['qa'], contacts: { email: 'quinn@example.org' } },
  olga: { name: 'Olga', roles: ['on-call'], contacts: { email: 'olga@example.org' } },
};

/** What a worker of this world has to know. */
export interface Surroundings {
  readonly folder: string;
  readonly taskQueue: string;
  readonly temporal: Temporal;
  readonly prometheus: Prometheus;
  /** In front of Caddy's admin API. */
  readonly admin: Recorder;
  readonly publicUrl: string;
  readonly services: readonly Service[];
  /** A webhook that is told what rollouts announce; `null` for nobody. */
  readonly notify: string | null;
}

/** Writes `directory.yaml` and returns its path. */
export function writeDirectory(folder: string): string {
  return write(join(folder, 'directory.yaml'), {
    apiVersion: 'sluice/v1',
    kind: 'Directory',
    identity: 'trust',
    people,
  });
}

export interface WorkerFacts {
  /** Where it listens. */
  readonly port: number;
  /** Beside those to the world's own servers. */
  readonly connections: Readonly<Record<string, unknown>>;
  readonly heartbeat: string;
  /** Beside the usual ones. */
  readonly parts: Readonly<Record<string, unknown>>;
}

/** Writes `<name>.yaml` for a worker, and returns its path. */
export function writeWorkerConfig(world: Surroundings, name: string, facts: WorkerFacts): string {
  const { port, connections, heartbeat, parts } = facts;
  const prometheus = { kind: 'prometheus', url: world.prometheus.url };
  const routes = world.services.map((service) => [service.name, routeOf(service)] as const);
  return write(join(world.folder, `${name}.yaml`), {
    apiVersion: 'sluice/v1',
    kind: 'Worker',
    taskQueue: world.taskQueue,
    temporal: { address: world.temporal.address, namespace: world.temporal.namespace },
    directory: './directory.yaml',
    listen: `127.0.0.1:${port}`,
    logs: { level: 'info' },
    heartbeat,
    connections: {
      prometheus,
      'prometheus-prod': prometheus, // the name that the documentation uses
      edge: {
        kind: 'caddy',
        admin: world.admin.url,
        public: world.publicUrl,
        persistence: 'resume',
        routes: Object.fromEntries(routes),
      },
      ...connections,
    },
    smoke: { allow: [world.publicUrl] },
    notify: world.notify === null ? [] : [{ kind: 'webhook', name: 'people', url: world.notify }],
    ...parts,
  });
}

function routeOf(service: Service) {
  return {
    server: 'srv0',
    match: { host: service.host },
    slots: { a: service.slots.a.address, b: service.slots.b.address },
    deploy: { kind: 'hook', url: service.recorder.url },
  };
}

function write(file: string, content: unknown): string {
  writeFileSync(file, stringify(content));
  return file;
}
