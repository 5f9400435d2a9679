/** Sluice itself in a world: the worker and the command line as real processes. */

import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { inProject } from '../root.ts';
import { isUp } from '../servers/http.ts';
import { freePort } from '../servers/ports.ts';
import { type RealProcess, startProcess } from '../servers/process.ts';
import { type Home, writeWorkerConfig } from './operator-files.ts';

export interface Worker extends RealProcess {
  readonly configFile: string;
  /** Serves /metrics, /healthz and /readyz. */
  readonly url: string;
}

export interface WorkerOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Names its files. @default worker-1, worker-2, … */
  readonly name?: string;
  /** Added to its connections to the world's own servers, in the form of the worker's configuration. */
  readonly connections?: Readonly<Record<string, unknown>>;
  /** Parts of its configuration beside the usual ones, such as an archive. */
  readonly parts?: Readonly<Record<string, unknown>>;
  /** A command that starts it, in front of its own. */
  readonly inside?: readonly string[];
  /** Longest time between two heartbeats that Temporal sees. @default 5s */
  readonly heartbeat?: string;
  /** What starts Sluice: another build of it has its own. @default that of this folder */
  readonly launcher?: string;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The command is killed after this time. @default 60_000 */
  readonly timeoutMs?: number;
}

export interface CommandResult {
  /** Exit code; `null` when it was killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const launcher = inProject('bin', 'sluice');

/** Returns when the worker says that it is ready. */
export async function startWorker(home: Home, name: string, options: WorkerOptions): Promise<Worker> {
  const port = await freePort();
  const { connections = {}, heartbeat = '5s', parts = {}, inside = [] } = options;
  const configFile = writeWorkerConfig(home, name, { port, connections, heartbeat, parts });
  const url = `http://127.0.0.1:${port}`;
  const [command, ...args] = [
    ...[...inside, process.execPath],
    ...[options.launcher ?? launcher, 'worker', '--config', configFile],
  ] as const;
  const worker = await startProcess({
    name,
    command,
    args,
    folder: home.folder,
    env: { ...environment(home), ...options.env },
    ready: () => isUp(`${url}/readyz`),
    readyWithinMs: 60_000,
  });
  return { ...worker, configFile, url };
}

/** Runs `sluice` with these arguments against the world's Temporal. */
export async function runSluice(home: Home, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const child = spawn(process.execPath, [launcher, ...args], {
    cwd: options.cwd ?? home.folder,
    env: { ...process.env, ...environment(home), NO_COLOR: '1', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 60_000,
    killSignal: 'SIGKILL',
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
}

/** What a shell needs so that `sluice` and `temporal` find this world. */
export function environment(home: Home): Record<string, string> {
  return {
    TEMPORAL_ADDRESS: home.temporal.address,
    TEMPORAL_NAMESPACE: home.temporal.namespace,
    SLUICE_TASK_QUEUE: home.taskQueue,
  };
}
