/** The life of one pod on the node: its containers, its status written back, its end with grace. */

import { setTimeout as sleep } from 'node:timers/promises';
import { type KubeApi, KubeError } from '../api.ts';
import { objectPath } from '../objects.ts';
import { type ContainerLife, type ContainerWorld, startContainer } from './container.ts';
import { environmentOf } from './environment.ts';
import type { ContainerSpec, Pod } from './pod.ts';
import { type Condition, statusOf } from './status.ts';

export interface PodWorld extends Pick<ContainerWorld, 'images' | 'present' | 'app' | 'backOff'> {
  readonly api: KubeApi;
  readonly logFile: (pod: Pod, container: ContainerSpec) => string;
  readonly requestLog: (pod: Pod, container: ContainerSpec) => string;
  /** Called after every change. */
  readonly changed: () => void;
}

export interface PodLife {
  readonly pod: Pod;
  readonly address: string;
  readonly containers: readonly ContainerLife[];
  /** The API's newest word about it. */
  update(pod: Pod): void;
  /** The API does not know it any more: no grace. */
  vanish(): void;
  /** Resolves when nothing of it runs and nobody will write about it. */
  readonly gone: Promise<void>;
}

export function startPod(pod: Pod, address: string, world: PodWorld): PodLife {
  const startedAt = new Date();
  const over = new AbortController();
  const writer = statusWriter(pod, world.api, over.signal, () => {
    const facts = { uid: pod.metadata.uid, address, startedAt, containers: containers.map((one) => one.facts()) };
    return (before: readonly Condition[]) => statusOf(facts, before);
  });
  const changed = () => {
    writer.write();
    world.changed();
  };
  const containers: ContainerLife[] = [];
  for (const spec of pod.spec.containers) {
    containers.push(
      startContainer(spec, {
        ...world,
        address,
        logFile: world.logFile(pod, spec),
        requestLog: world.requestLog(pod, spec),
        environment: () => environmentOf(world.api, pod, address, spec),
        changed,
      }),
    );
  }
  let ending = false;
  let finish: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => (finish = resolve));
  const stop = async (graceMs: number) => {
    await Promise.all(containers.map((one) => one.stop(graceMs)));
    over.abort();
    world.changed();
  };
  const end = async (graceMs: number) => {
    const began = Date.now();
    await Promise.all(containers.map((one) => farewell(one, graceMs)));
    await stop(Math.max(0, graceMs - (Date.now() - began)));
    await remove(pod, world.api);
    finish();
  };
  changed();
  return {
    pod,
    address,
    containers,
    update: ({ metadata }) => {
      if (metadata.deletionTimestamp === undefined || ending) return;
      ending = true;
      void end((metadata.deletionGracePeriodSeconds ?? 30) * 1_000);
    },
    vanish: () => {
      over.abort();
      if (!ending) void stop(0).then(finish);
      else finish();
      ending = true;
    },
    gone,
  };
}

/** `preStop`: the time in which a pod still answers while proxies learn that it leaves. */
async function farewell(container: ContainerLife, mostMs: number): Promise<void> {
  const { sleep: pause, exec } = container.facts().spec.lifecycle?.preStop ?? {};
  const command = /^sleep (\d+)$/.exec((exec?.command ?? []).slice(-2).join(' '))?.[1];
  const seconds = pause?.seconds ?? Number(command ?? 0);
  if (container.process() !== null) await sleep(Math.min(mostMs, seconds * 1_000));
}

async function remove(pod: Pod, api: KubeApi): Promise<void> {
  const options = { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } };
  for (;;) {
    try {
      await api.remove(objectPath(pod), options);
      return;
    } catch (error) {
      if (error instanceof KubeError && error.status === 409) return; // another pod has the name by now
      tell(pod, error); // the API is away
      await sleep(200);
    }
  }
}

/** Writes the newest status, one call at a time, until the API has it or the pod is over. */
function statusWriter(
  pod: Pod,
  api: KubeApi,
  over: AbortSignal,
  facts: () => (before: readonly Condition[]) => ReturnType<typeof statusOf>,
): { write(): void } {
  let due = false;
  let writing = false;
  let before: readonly Condition[] = [];
  const run = async () => {
    writing = true;
    while (due && !over.aborted) {
      due = false;
      const status = facts()(before);
      before = status.conditions;
      try {
        await api.merge(`${objectPath(pod)}/status`, { metadata: { uid: pod.metadata.uid }, status });
      } catch (error) {
        if (error instanceof KubeError && [404, 409, 422].includes(error.status)) break; // it is gone, or another one
        tell(pod, error);
        due = true;
        await sleep(200);
      }
    }
    writing = false;
  };
  return {
    write: () => {
      due = true;
      if (!writing) void Promise.resolve().then(run);
    },
  };
}

function tell(pod: Pod, error: unknown): void {
  process.stderr.write(`${objectPath(pod)}: ${error instanceof Error ? error.message : String(error)}\n`);
}
