/** The demo's world on a Kubernetes of our own: the same rollout files, with a Deployment behind a Gateway as their target. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { collectionPath } from '../kubernetes/objects.ts';
import { connectPlane, startPlane } from '../kubernetes/plane.ts';
import { routePathOf, stateOf } from '../kubernetes/route-record.ts';
import { type ClusterWorld, startClusterWorld } from '../kubernetes/world.ts';
import { inProject } from '../root.ts';
import type { ScenarioName, Stage } from './stage.ts';

export async function kubernetesStage(folder: string, names: readonly ScenarioName[]): Promise<Stage> {
  const ground = mkdtempSync(join(tmpdir(), 'sluice-demo-')); // the paths of sockets must be short
  const running = await startPlane({ folder: ground });
  const plane = connectPlane(running.facts);
  const stopPlane = async () => {
    plane.api.close();
    await running.stop();
    rmSync(ground, { recursive: true, force: true });
  };
  const world = await startClusterWorld({ folder, plane, services: names, temporal: { ui: true } }).catch(
    async (error: unknown) => {
      await stopPlane();
      throw error;
    },
  );
  return {
    temporal: world.temporal,
    prometheusUrl: plane.prometheusUrl,
    taskQueue: world.taskQueue,
    env: world.env,
    door: `Gateway       ${world.publicUrl}   (Host: ${names.map((name) => world.service(name).host).join(', ')})`,
    file: (name) => fileFor(world, folder, name),
    digest: (name, label) => world.digest(name, label),
    sluice: (args) => world.sluice(args),
    startWorker: (options) => world.startWorker(options),
    load: (name, options) => world.load(name, options),
    setFaults: async (name, label, { errorRate = 0 }) => world.setFaults(name, label, { errorRate }),
    writes: (name) => world.routeWrites(name),
    reads: (name) => world.routeReads(name).filter(({ accepted }) => accepted),
    weightsSeen: (name) => world.weightsSeen(name),
    users: (name, label, from = 0, to = Infinity) => world.requestsSince(name, from, label).filter(({ at }) => at < to),
    serving: (name) => serving(world, name),
    calledAfter: (after) => world.api.entries().find(({ at }) => at > after)?.at ?? null,
    stop: async () => {
      await world.stop();
      await stopPlane();
    },
  };
}

interface DemoFile {
  readonly target: unknown;
  readonly rollback: Readonly<Record<string, unknown>>;
}

/**
 * The worker stands outside of the cluster, where no pod of stable's can be asked alone; and pods of the canary have an
 * `app` label of their own, so that the stable Service does not choose them: their namespace says whose they are.
 */
function fileFor(world: ClusterWorld, folder: string, name: ScenarioName): string {
  const text = readFileSync(inProject('examples', 'demo', `${name}.yaml`), 'utf8');
  const spec = parse(text.replaceAll(`app="${name}"`, `namespace="${world.service(name).namespace}"`)) as DemoFile;
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, stringify({ ...spec, target: world.target(name), rollback: { ...spec.rollback, confirm: [] } }));
  return file;
}

async function serving(world: ClusterWorld, name: ScenarioName): Promise<{ label: string | null; at: number }> {
  const route = world.service(name);
  const { api } = world.plane;
  const { bySlot, at } = stateOf(await api.read(routePathOf(route)), route, Date.now());
  const deployment = bySlot.a === 10_000 ? name : bySlot.b === 10_000 ? `${name}-canary` : null;
  if (deployment === null) return { label: null, at };
  const path = `${collectionPath('apps/v1', 'Deployment', route.namespace)}/${deployment}`;
  const object = await api.read<Deployment>(path);
  const image = object.spec.template.spec.containers[0]?.image ?? '';
  return { label: ['v1', 'v2'].find((label) => image.endsWith(world.digest(name, label))) ?? null, at };
}

interface Deployment {
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } };
  };
}
