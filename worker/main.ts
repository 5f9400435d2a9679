/** The worker process: wires everything, runs until it is told to stop, and stops gracefully. */

import { setMaxListeners } from 'node:events';
import { createActivities } from '../activities/index.ts';
import type { Ports } from '../activities/ports.ts';
import { createHealth, serveHealth, type Readiness } from './health.ts';
import { openHouse, type House } from './house.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createPorts } from './ports.ts';
import { createRollouts, createStateCounts } from './rollouts.ts';
import { createRuns } from './runs.ts';
import { createStanding, type Standing } from './standing.ts';
import { installRuntime, type SdkMetrics } from './runtime.ts';
import { stopOnSignals } from './stop.ts';
import { connectTemporal, temporalAddress, type TemporalDoor } from './temporal.ts';
import { createWorkers, type Workers } from './workers.ts';

export interface RunOptions {
  /** Aborting it stops the worker gracefully, like SIGTERM. */
  readonly signal?: AbortSignal;
}

const mostListeners = 200;

/**
 * Runs until SIGINT, SIGTERM or the signal; a second SIGINT or SIGTERM ends the process at once. Waits for a Temporal
 * server that is away. Throws `WorkerProblem` for what the operator must mend, before anything is started.
 */
export async function runWorker(configFile: string, options: RunOptions = {}): Promise<void> {
  const house = await openHouse(configFile);
  // One activity's signal serves all its requests at once; Node's ten would print warnings between the log lines.
  setMaxListeners(mostListeners);
  const stop = new AbortController();
  const forget = stopOnSignals(stop, house.log, options.signal);
  try {
    await serve(house, stop.signal);
  } catch (error) {
    if (!stop.signal.aborted || error !== stop.signal.reason) throw error;
  } finally {
    forget();
    house.log.info('stopped');
  }
}

/** What is there by now; metrics and health are served from the first moment. */
interface Running {
  sdk?: SdkMetrics;
  door?: TemporalDoor;
  workers?: Workers;
  counts?: ReturnType<typeof createStateCounts>;
  standing?: Standing;
}

async function serve(house: House, stop: AbortSignal): Promise<void> {
  const { config, log, clock, http } = house;
  const temporal = temporalAddress(config.temporal);
  const running: Running = {};
  const metrics = createMetrics({ now: () => clock.now(), states: async () => running.counts?.() ?? new Map() });
  const app = createHealth({
    metrics: () => allMetrics(metrics, running.sdk),
    readiness: () => readinessOf(running),
    warnings: () => [running.standing?.problem() ?? []].flat(),
  });
  const health = await serveHealth(app, config.listen);
  log.info({ listen: config.listen, port: health.port }, 'metrics and health are served');
  try {
    running.sdk = await installRuntime(log, http); // it keeps the process up, so it comes after the port, which may be taken
    running.door = await connectTemporal(temporal, { log, clock, signal: stop });
    await work(house, running.door, running, metrics, stop);
  } finally {
    await running.door?.connection.close();
    await health.close();
  }
}

async function work(
  house: House,
  { client, connection, namespace }: TemporalDoor,
  running: Running,
  { observer, sinks }: Metrics,
  stop: AbortSignal,
): Promise<void> {
  const { config, deployment, clock, log } = house;
  const { taskQueue, heartbeatMs } = config;
  running.counts = createStateCounts(client, () => clock.now());
  const [rollouts, runs] = [createRollouts(client), createRuns(client, taskQueue)];
  const ports = createPorts({ ...house, rollouts, runs, observer });
  await hearTheTime(ports, stop);
  const activities = createActivities(ports);
  const facts = { connection, namespace, taskQueue, heartbeatMs, deployment };
  const workers = await createWorkers({ ...facts, activities, sinks });
  running.workers = workers;
  const onStop = (): void => workers.stop();
  stop.addEventListener('abort', onStop, { once: true });
  const ended = workers.run();
  log.info({ taskQueue, namespace }, 'the worker polls');
  // It may have been told to stop while it was being made.
  if (stop.aborted) workers.stop();
  const { version, useWorkerVersioning } = deployment;
  if (!useWorkerVersioning) return ended;
  const { deploymentName, buildId: build } = version;
  running.standing = createStanding({ client, taskQueue, version: { deployment: deploymentName, build }, clock, log });
  const over = new AbortController();
  const followed = running.standing.follow(over.signal);
  try {
    await ended;
  } finally {
    over.abort();
    await followed;
  }
}

const hearWithinMs = 3_000;

/** Before anything is timed: whoever answers tells its time. What does not answer is no reason to wait. */
async function hearTheTime({ connections }: Ports, stop: AbortSignal): Promise<void> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(hearWithinMs)]);
  await Promise.allSettled(connections.map((connection) => connection.ping(signal)));
}

async function readinessOf({ door, workers }: Running): Promise<Readiness> {
  return {
    temporal: door === undefined ? 'not connected yet' : await door.problem(),
    workers: workers === undefined ? 'not started yet' : workers.problem(),
  };
}

async function allMetrics(metrics: Metrics, sdk: SdkMetrics | undefined): Promise<string> {
  const [ours, theirs] = await Promise.all([metrics.text(), sdk?.text() ?? '']);
  return `${ours.trimEnd()}\n${theirs}`;
}
