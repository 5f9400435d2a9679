/** The real world in a box: Temporal, Prometheus, Caddy and services behind recorders, as a user would have them before Sluice comes. */

import { mkdirSync } from 'node:fs';
import type { FaultsInput } from './demo-service/faults.ts';
import { type Load, type LoadOptions, startLoad } from './load.ts';
import type { Prometheus } from './servers/prometheus.ts';
import type { CommandOptions, CommandResult, Worker, WorkerOptions } from './world/commands.ts';
import { environment, runSluice, startWorker } from './world/commands.ts';
import { type ProxyWrite, proxyWrites, userRequests, weightsSeen } from './world/observe.ts';
import { caddyConnection, type Home, writeDirectory } from './world/operator-files.ts';
import { all, type ServerOptions, type Servers, startServers, type Stoppable } from './world/servers.ts';
import { digestOf, type Service } from './world/service.ts';

export interface WorldOptions extends ServerOptions {
  /** @default 'sluice' */
  readonly taskQueue?: string;
  /** A webhook for what rollouts tell people. @default nobody is told */
  readonly notify?: string;
}

export interface World extends Servers, Home {
  readonly prometheus: Prometheus;
  readonly directoryFile: string;
  /** Variables with which `sluice` and `temporal` in a shell find this world. */
  readonly env: Readonly<Record<string, string>>;
  /** Throws for a name that the world was not started with. */
  service(name: string): Service;
  startWorker(options?: WorkerOptions): Promise<Worker>;
  sluice(args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** User requests to a service, through the proxy. */
  load(service: string, options: Pick<LoadOptions, 'ratePerSecond' | 'maxSeconds'>): Load;
  /** Puts faults on a release that runs now. */
  setFaults(service: string, label: string, faults: FaultsInput): Promise<void>;
  /** A made-up digest, always the same for a service and a label. */
  digest(service: string, label: string): string;
  /** All writes to a service's route that Caddy accepted. */
  proxyWrites(service: string): readonly ProxyWrite[];
  /** Weights of the release under test as the proxy was told them one after the other, basis points, without repeats. */
  weightsSeenByProxy(service: string): readonly number[];
  /** User requests that a release answered since then (epoch ms), by the services' own logs. */
  canaryRequestsSince(service: string, since: number, label?: string): number;
  /** Stops workers first and servers last, whatever state they are in. */
  stop(): Promise<void>;
}

/** Returns when everything is up, each service serves `v1` and Prometheus has its samples of it. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const servers: Stoppable[] = [];
  const users: Stoppable[] = [];
  const stop = async () => {
    for (const undo of users.splice(0).reverse()) await undo();
    await all(servers.splice(0).map((undo) => undo()));
  };
  try {
    return await compose(options, { servers, users, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Stops {
  readonly servers: Stoppable[];
  /** Workers and load, which need the servers. */
  readonly users: Stoppable[];
  readonly stop: () => Promise<void>;
}

async function compose(options: WorldOptions, { servers: started, users, stop }: Stops): Promise<World> {
  const { folder } = options;
  mkdirSync(folder, { recursive: true });
  const servers = await startServers(options, started);
  const { taskQueue = 'sluice', notify = null } = options;
  const surroundings = { folder, taskQueue, notify, connections: { edge: caddyConnection(servers) }, ...servers };
  const service = (name: string): Service => {
    const found = servers.services.find((one) => one.name === name);
    if (found === undefined) throw new Error(`the world has no service ${name}`);
    return found;
  };
  const writes = (name: string) => proxyWrites(servers.admin.entries(), service(name));
  let workers = 0;
  return {
    ...surroundings,
    directoryFile: writeDirectory(folder),
    env: environment(surroundings),
    service,
    startWorker: async (worker = {}) => {
      const running = await startWorker(surroundings, worker.name ?? `worker-${++workers}`, worker);
      users.push(() => running.end());
      return running;
    },
    sluice: (args, command = {}) => runSluice(surroundings, args, command),
    load: (name, load) => {
      const running = startLoad({ ...load, url: servers.publicUrl, headers: { host: service(name).host } });
      users.push(() => running.stop());
      return running;
    },
    setFaults: (name, label, faults) => service(name).setFaults(label, faults),
    digest: digestOf,
    proxyWrites: writes,
    weightsSeenByProxy: (name) => weightsSeen(writes(name)),
    canaryRequestsSince: (name, since, label = 'v2') => userRequests(service(name), label, since).length,
    stop,
  };
}
