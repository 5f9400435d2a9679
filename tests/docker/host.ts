/** A host with containers for tests: a registry with releases, a stable container as its operator started it, and looks at the engine past everything of ours. */

import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import type { Release } from '../../plan/release.ts';
import { createEngine } from '../../providers/engine.ts';
import type { Engine } from '../../providers/ports.ts';
import { askEngine } from '../../testbed/containers/ask.ts';
import { type Behaviour, layerOf } from '../../testbed/containers/images.ts';
import { type Registry, startRegistry } from '../../testbed/containers/registry.ts';
import { freePort } from '../../testbed/servers/ports.ts';
import { waitFor } from '../../testbed/wait.ts';
import { isUp } from '../../testbed/servers/http.ts';

export const secret = 'correct-horse-battery';

export interface ContainerFacts {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly State: { readonly Running: boolean; readonly Status: string; readonly StartedAt: string };
  readonly Config: { readonly Env: readonly string[]; readonly Labels: Readonly<Record<string, string>> | null };
  readonly HostConfig: { readonly RestartPolicy: { readonly Name: string }; readonly Binds: readonly string[] | null };
}

export interface ContainerHost {
  readonly socket: string;
  readonly engine: Engine;
  readonly registry: Registry;
  /** Where the host's repository is, without tag or digest. */
  readonly repository: string;
  readonly containers: { readonly a: string; readonly b: string };
  readonly ports: { readonly a: number; readonly b: number };
  readonly slots: { readonly a: string; readonly b: string };
  /** Keeps a new image in the registry and names it as a release. */
  release(label: string, behaviour?: Partial<Behaviour>, config?: Readonly<Record<string, unknown>>): Release;
  /** Brings an image of a release to the engine without any registry; returns its id. */
  load(behaviour: Partial<Behaviour>): Promise<string>;
  /** Starts a container by hand and waits until it answers, where it has a port. */
  run(name: string, options: RunOptions): Promise<void>;
  /** Slot a serves this release, started by hand. */
  runStable(release: Release, more?: Partial<RunOptions>): Promise<void>;
  /** Names of the host's containers, sorted; those of others on the engine are left out. */
  names(): Promise<readonly string[]>;
  inspect(name: string): Promise<ContainerFacts>;
  /** What a container wrote, line by line. */
  logs(name: string): Promise<readonly string[]>;
  ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: string }>;
  /** Removes every container of the host. */
  clear(): Promise<void>;
  stop(): Promise<void>;
}

export interface RunOptions {
  readonly release: Release;
  readonly port: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly env?: readonly string[];
  readonly host?: Readonly<Record<string, unknown>>;
  readonly start?: boolean;
}

export async function openHost(folder: string): Promise<ContainerHost> {
  const socket = inject('engine');
  // Names of a run: an engine of the machine's may have others' containers on it.
  const run = `sluice-test-${randomBytes(4).toString('hex')}`;
  const registry = await startRegistry(inject('registryPort'));
  const repository = `${registry.address}/${run}`;
  const containers = { a: `${run}-a`, b: `${run}-b` };
  const ports = { a: await freePort(), b: await freePort() };
  const layers = join(folder, run);
  mkdirSync(layers, { recursive: true });
  const ask: ContainerHost['ask'] = (method, path, body) => askEngine(socket, method, path, body);
  const must = async (method: string, path: string, body?: unknown) => {
    const answer = await ask(method, path, body);
    if (answer.status > 299 && answer.status !== 304)
      throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
    return answer.body;
  };
  const names = async () => {
    const listed = JSON.parse(await must('GET', '/containers/json?all=1')) as { Names: readonly string[] }[];
    const all = listed.flatMap(({ Names }) => Names.map((name) => name.replace(/^\//, '')));
    return all.filter((name) => name.startsWith(run)).toSorted();
  };
  const images = async () => {
    const listed = JSON.parse(await must('GET', '/images/json')) as Record<string, string | readonly string[] | null>[];
    const isOurs = (image: (typeof listed)[number]) => JSON.stringify(image).includes(run);
    return listed.filter(isOurs).map(({ Id }) => String(Id));
  };
  const clear = async () => {
    for (const name of await names()) await must('DELETE', `/containers/${name}?force=1`);
  };
  const host: ContainerHost = {
    ...{ socket, engine: createEngine({ kind: 'socket', path: socket }), registry, repository, containers, ports },
    slots: { a: `127.0.0.1:${ports.a}`, b: `127.0.0.1:${ports.b}` },
    release: (label, behaviour = {}, config = {}) => {
      const layer = layerOf(inject('app'), layers, { app: 'web', label, ...behaviour });
      const digest = registry.push({ layer, config: { Entrypoint: ['/app'], ...config } });
      return { digest, label, image: repository };
    },
    load: async (behaviour) => {
      const layer = layerOf(inject('app'), layers, { app: 'web', ...behaviour });
      const changes = encodeURIComponent('ENTRYPOINT ["/app"]');
      const said = await must('POST', `/images/create?fromSrc=-&changes=${changes}`, layer);
      const [id] = /sha256:[0-9a-f]{64}/.exec(said) ?? [];
      if (id === undefined) throw new Error(`no id in ${said}`);
      return id;
    },
    run: async (name, { release, port, labels = {}, env = [], host: more = {}, start = true }) => {
      const reference = `${release.image}@${release.digest}`;
      await must('POST', `/images/create?fromImage=${encodeURIComponent(reference)}`);
      await must('POST', `/containers/create?name=${name}`, {
        Image: reference,
        Env: [`PORT=${port}`, `RELEASE=${release.label}`, ...env],
        Labels: labels,
        HostConfig: { NetworkMode: 'host', ...more },
      });
      if (!start) return;
      await must('POST', `/containers/${name}/start`);
      await waitFor(() => isUp(`http://127.0.0.1:${port}/healthz`), { for: `${name} to answer`, withinMs: 60_000 });
    },
    runStable: (release, more = {}) =>
      host.run(containers.a, {
        ...{ release, port: ports.a, env: [`DATABASE_PASSWORD=${secret}`, 'COLOUR=blue'] },
        labels: {
          'sluice.route': 'web',
          'sluice.label': release.label,
          team: 'shop',
          'com.docker.compose.service': 'web',
        },
        host: { RestartPolicy: { Name: 'unless-stopped' } },
        ...more,
      }),
    names,
    inspect: async (name) => JSON.parse(await must('GET', `/containers/${name}/json`)) as ContainerFacts,
    logs: async (name) => {
      const { body } = await ask('GET', `/containers/${name}/logs?stdout=1&stderr=1`);
      // Each piece has a head of eight bytes that says where it was written.
      return body.split('\n').flatMap((line) => (line.includes('{') ? [line.slice(line.indexOf('{'))] : []));
    },
    ask,
    clear,
    stop: async () => {
      await clear();
      for (const id of await images()) await must('DELETE', `/images/${id}?force=1`);
      await registry.stop();
    },
  };
  return host;
}
