/** The demo's world of hosts behind Caddy. */

import { inProject } from '../root.ts';
import { ask } from '../servers/http.ts';
import { startWorld } from '../world.ts';
import { proxyReads, userRequests } from '../world/observe.ts';
import type { ScenarioName, Stage } from './stage.ts';

export async function caddyStage(folder: string, names: readonly ScenarioName[]): Promise<Stage> {
  const world = await startWorld({ folder, services: names, temporal: { ui: true } });
  const reads = (name: string) => proxyReads(world.admin.entries(), world.service(name));
  return {
    temporal: world.temporal,
    prometheusUrl: world.prometheus.url,
    taskQueue: world.taskQueue,
    env: world.env,
    door: `proxy         ${world.publicUrl}   (Host: ${names.map((name) => `${name}.test`).join(', ')})`,
    file: (name) => inProject('examples', 'demo', `${name}.yaml`),
    digest: (name, label) => world.digest(name, label),
    sluice: (args) => world.sluice(args),
    startWorker: (options) => world.startWorker(options),
    load: (name, options) => world.load(name, options),
    setFaults: (name, label, faults) => world.setFaults(name, label, faults),
    writes: (name) => world.proxyWrites(name),
    reads,
    weightsSeen: (name) => world.weightsSeenByProxy(name),
    users: (name, label, from, to) => userRequests(world.service(name), label, from, to),
    serving: async (name) => {
      await ask(`${world.admin.url}/config/apps/http/servers/srv0/routes`, { timeoutMs: 30_000 });
      const read = reads(name).at(-1);
      if (read === undefined) throw new Error(`the proxy shows no split of ${name}`);
      const slot = (['a', 'b'] as const).find((one) => read.bySlot[one] === 10_000);
      const states = await world.service(name).slotStates();
      return { label: slot === undefined ? null : (states[slot]?.release?.label ?? null), at: read.at };
    },
    calledAfter: (after) => world.admin.entries().find(({ at }) => at > after)?.at ?? null,
    stop: () => world.stop(),
  };
}
