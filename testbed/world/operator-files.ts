/** What the operator of a world would have written: the directory of people, and the worker's configuration. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Recorder } from '../recorder.ts';
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

/** What Sluice has to know of a world, whatever its releases run on. */
export interface Home {
  readonly folder: string;
  readonly taskQueue: string;
  readonly temporal: Temporal;
  readonly prometheus: { readonly url: string };
  /** Where users arrive; smoke may go there. */
  readonly publicUrl: string;
  /** A webhook that is told what rollouts announce; `null` for nobody. */
  readonly notify: string | null;
  /** To what releases run on, in the form of the worker's configuration. */
  readonly connections: Readonly<Record<string, unknown>>;
}

/** What `caddyConnection` has to know. */
export interface CaddySite {
  /** In front of Caddy's admin API. */
  readonly admin: Recorder;
  readonly publicUrl: string;
  readonly services: readonly Service[];
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
export function writeWorkerConfig(home: Home, name: string, facts: WorkerFacts): string {
  const { port, connections, heartbeat, parts } = facts;
  const prometheus = { kind: 'prometheus', url: home.prometheus.url };
  return write(join(home.folder, `${name}.yaml`), {
    apiVersion: 'sluice/v1',
    kind: 'Worker',
    taskQueue: home.taskQueue,
    temporal: { address: home.temporal.address, namespace: home.temporal.namespace },
    directory: './directory.yaml',
    listen: `127.0.0.1:${port}`,
    logs: { level: 'info' },
    heartbeat,
    connections: {
      prometheus,
      'prometheus-prod': prometheus, // the name that the documentation uses
      ...home.connections,
      ...connections,
    },
    smoke: { allow: [home.publicUrl] },
    notify: home.notify === null ? [] : [{ kind: 'webhook', name: 'people', url: home.notify }],
    ...parts,
  });
}

/** To a Caddy with a route for each service. */
export function caddyConnection({ admin, publicUrl, services }: CaddySite): unknown {
  const routes = Object.fromEntries(services.map((service) => [service.name, routeOf(service)] as const));
  return { kind: 'caddy', admin: admin.url, public: publicUrl, persistence: 'resume', routes };
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
