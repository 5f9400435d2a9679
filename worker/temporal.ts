/** The way to the Temporal server: one connection for workers and client, waited for when the server is away. */

import { loadClientConnectConfig } from '@temporalio/envconfig';
import { Client } from '@temporalio/client';
import { defaultFailureConverter } from '@temporalio/common';
import { NativeConnection, type NativeConnectionOptions } from '@temporalio/worker';
import type { Clock } from '../providers/ports.ts';
import type { WorkerConfig } from '../spec/worker-config.ts';
import { payloadConverter } from '../workflows/payload-converter.ts';
import type { Log } from './logger.ts';
import { WorkerProblem } from './problem.ts';
import { within } from './within.ts';

export interface TemporalDoor {
  readonly connection: NativeConnection;
  readonly client: Client;
  readonly namespace: string;
  /** `null` when the server answers within two seconds, else one sentence. */
  problem(): Promise<string | null>;
}

export interface TemporalAddress {
  readonly options: NativeConnectionOptions;
  readonly namespace: string;
}

const firstPauseMs = 1_000;
const longestPauseMs = 15_000;
const answerMs = 2_000;

/** From the configuration, else from the `TEMPORAL_*` environment or profile, like Temporal's own tools. Throws `WorkerProblem`. */
export function temporalAddress(configured: WorkerConfig['temporal']): TemporalAddress {
  if (configured !== null) return { options: { address: configured.address }, namespace: configured.namespace };
  try {
    const { connectionOptions, namespace } = loadClientConnectConfig();
    return { options: connectionOptions, namespace: namespace ?? 'default' };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new WorkerProblem(`the Temporal profile cannot be read: ${why}`, { cause: error });
  }
}

/** Tries until server and namespace answer, saying so once per try; rejects only when `signal` is aborted. */
export async function connectTemporal(
  { options, namespace }: TemporalAddress,
  { log, clock, signal }: { readonly log: Log; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<TemporalDoor> {
  const address = options.address ?? 'localhost:7233';
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, longestPauseMs)) {
    signal.throwIfAborted();
    try {
      return await opened(options, namespace);
    } catch (error) {
      const why = wordsFor(error, namespace);
      log.warn({ address, namespace, retryInSeconds: pause / 1_000 }, `Temporal is not ready: ${why}`);
    }
    await clock.sleep(pause, signal);
  }
}

async function opened(options: NativeConnectionOptions, namespace: string): Promise<TemporalDoor> {
  const connection = await NativeConnection.connect(options);
  try {
    await within(answerMs, connection.workflowService.describeNamespace({ namespace }));
  } catch (error) {
    await connection.close();
    throw error;
  }
  const dataConverter = { payloadConverter, failureConverter: defaultFailureConverter, payloadCodecs: [] };
  const client = new Client({ connection, namespace, dataConverter });
  return { connection, client, namespace, problem: () => problemOf(connection, namespace) };
}

async function problemOf(connection: NativeConnection, namespace: string): Promise<string | null> {
  try {
    await within(answerMs, connection.workflowService.describeNamespace({ namespace }));
    return null;
  } catch (error) {
    return `Temporal does not answer: ${wordsFor(error, namespace)}`;
  }
}

const notFound = 5;

/** One line from an error of the SDK's connection or client. */
export function wordsFor(error: unknown, namespace: string): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return wordsFor(error.cause, namespace);
  const { code, details } = error as { code?: unknown; details?: unknown };
  if (code === notFound) return `namespace ${namespace} does not exist`;
  const text = typeof details === 'string' && details !== '' ? details : error.message;
  // The SDK's transport errors carry the system's words deep inside a debug print.
  const inner = /message: \\?"([^"\\]+)/.exec(text)?.[1];
  return inner ?? text.split('\n', 1)[0] ?? '';
}
