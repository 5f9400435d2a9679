/** The two SDK workers of a process: rollouts with their effects, and, on a queue of its own, the watches. */

import {
  Worker,
  type InjectedSinks,
  type NativeConnection,
  type WorkerDeploymentOptions,
  type WorkerOptions,
} from '@temporalio/worker';
import type { Activities } from '../activities/contract.ts';
import { watchQueue } from '../workflows/messages.ts';
import type { ObserverSinks } from '../workflows/sinks.ts';
import { bundlePath, payloadConverterPath, versionedBundlePath } from './paths.ts';

export interface WorkersOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly taskQueue: string;
  /** Longest time between two heartbeats that reach the server, ms. */
  readonly heartbeatMs: number;
  /** Which build the worker of rollouts is. */
  readonly deployment: WorkerDeploymentOptions;
  readonly activities: Activities;
  readonly sinks: InjectedSinks<ObserverSinks>;
}

export interface Workers {
  /** Resolves when both have stopped; rejects when one fails, after the other was stopped. */
  run(): Promise<void>;
  /** Hands watches over at once, lets effects finish for ten seconds, then cancels them; may be called again. */
  stop(): void;
  /** `null` when both poll, else one sentence. */
  problem(): string | null;
}

/** One slot per open watch; everything else must never wait behind them. */
const watchSlots = 1_500;
const effectSlots = 200;

export async function createWorkers(options: WorkersOptions): Promise<Workers> {
  const watch: Activities['watch'] = (input) => options.activities.watch(input);
  const others = Object.fromEntries(Object.entries(options.activities).filter(([name]) => name !== 'watch'));
  const rollouts = await Worker.create({
    ...common(options),
    taskQueue: options.taskQueue,
    activities: others,
    workflowBundle: { codePath: options.deployment.useWorkerVersioning ? versionedBundlePath : bundlePath },
    sinks: options.sinks,
    workerDeploymentOptions: options.deployment,
    // Effects under way are finished here.
    shutdownGraceTime: '10s',
    maxConcurrentActivityTaskExecutions: effectSlots,
    maxCachedWorkflows: 1_000,
    // A dead worker's sticky queue must not keep its rollouts waiting.
    stickyQueueScheduleToStartTimeout: '3s',
  });
  // Without a version, whatever the other's is: a watch goes on on a worker of any build when those of its rollout's are gone.
  const watches = await Worker.create({
    ...common(options),
    taskQueue: watchQueue(options.taskQueue),
    activities: { watch },
    // A watch is handed over at once: what it knows travels in its heartbeats.
    shutdownGraceTime: 0,
    maxConcurrentActivityTaskExecutions: watchSlots,
  });
  return together([rollouts, watches]);
}

function common({ connection, namespace, heartbeatMs }: WorkersOptions) {
  return {
    connection,
    namespace,
    dataConverter: { payloadConverterPath },
    maxHeartbeatThrottleInterval: heartbeatMs,
    // What neither ends nor hears its cancellation is left to the server's time-outs.
    shutdownForceTime: '25s',
  } satisfies Partial<WorkerOptions>;
}

function together(workers: readonly Worker[]): Workers {
  const stop = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  return {
    stop,
    problem: () => {
      const idle = workers.filter((worker) => worker.getState() !== 'RUNNING');
      return idle.length === 0 ? null : `a worker does not poll: ${idle.map((worker) => worker.getState()).join(', ')}`;
    },
    run: async () => {
      const runs = workers.map((worker) =>
        worker.run().finally(() => {
          // One without the other would leave rollouts without a watch, or watches without their rollouts.
          stop();
        }),
      );
      const ended = await Promise.allSettled(runs);
      const failed = ended.find((end) => end.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    },
  };
}
