/** One real process of the testbed: its folder, its log, its readiness, and how it stops, dies or freezes. */

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../wait.ts';
import { forgetGroup, signalGroup, watchGroup } from './guard.ts';

export interface ProcessOptions {
  /** Names the log file and the messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Working folder and place of the log; made when missing. */
  readonly folder: string;
  /** Added to our own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Asked until true. */
  readonly ready: () => Promise<boolean>;
  /** @default 30_000 */
  readonly readyWithinMs?: number;
}

export interface RealProcess {
  readonly pid: number;
  readonly logFile: string;
  /** `code 0` or `signal SIGKILL` once it has ended, `null` while it lives. */
  ended(): string | null;
  /** SIGTERM, after 10 s SIGKILL; returns when it is gone. What it started itself may live on. */
  stop(): Promise<void>;
  /** SIGKILL to the process alone; returns when it is gone. What it started itself lives on. */
  kill(): Promise<void>;
  /** `stop`, then SIGKILL to everything that it started and left behind. */
  end(): Promise<void>;
  /** SIGSTOP: alive, holding its ports, answering nobody. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
}

/** Starts a process in a group of its own and returns when it is ready; throws with the end of its log when it never is. */
export async function startProcess(options: ProcessOptions): Promise<RealProcess> {
  const started = launch(options);
  try {
    await waitFor(
      async () => {
        if (started.ended() !== null) throw new Error(`it ended with ${started.ended()}`);
        return options.ready();
      },
      { for: `${options.name} to be ready`, withinMs: options.readyWithinMs ?? 30_000 },
    );
    return started;
  } catch (error) {
    await started.end();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${options.name} did not start: ${reason}\n${tail(started.logFile)}`, { cause: error });
  }
}

/** A server over several lives: every start is a process of its own. */
export interface Lives {
  /** The newest one. */
  process(): RealProcess;
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** Ends it if it still runs, and starts it again. */
  restart(): Promise<void>;
}

export async function startLives(start: () => Promise<RealProcess>): Promise<Lives> {
  let running = await start();
  return {
    process: () => running,
    stop: () => running.end(),
    kill: () => running.kill(),
    restart: async () => {
      await running.end();
      running = await start();
    },
  };
}

function launch(options: ProcessOptions): RealProcess {
  mkdirSync(options.folder, { recursive: true });
  const logFile = join(options.folder, `${options.name}.log`);
  const log = openSync(logFile, 'a');
  const child = spawn(options.command, options.args, {
    cwd: options.folder,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', log, log],
    detached: true, // its own group, so that what it starts can be found after it has died
  });
  closeSync(log);
  let ended: string | null = null;
  const gone = new Promise<void>((resolve) => {
    child.once('error', (error) => resolve(void (ended = error.message)));
    child.once('exit', (code, signal) => resolve(void (ended = signal === null ? `code ${code}` : `signal ${signal}`)));
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`cannot run ${options.command}`);
  watchGroup(pid);
  void gone.then(() => {
    if (!signalGroup(pid, 0)) forgetGroup(pid);
  });
  return { pid, logFile, ended: () => ended, ...controls(pid, () => ended, gone) };
}

function controls(pid: number, ended: () => string | null, gone: Promise<void>) {
  const signal = (name: NodeJS.Signals) => {
    if (ended() === null) process.kill(pid, name);
  };
  const kill = async () => {
    signal('SIGKILL');
    await gone;
  };
  const stop = async () => {
    signal('SIGCONT'); // a frozen process would not see the next one
    signal('SIGTERM');
    const patience = new AbortController();
    const late = sleep(10_000, 'late' as const, { signal: patience.signal }).catch(() => 'done' as const);
    if ((await Promise.race([gone, late])) === 'late') await kill();
    patience.abort();
  };
  const end = async () => {
    await stop();
    const deadline = Date.now() + 300; // what is left then are zombies that nobody collected yet: harmless
    while (signalGroup(pid, 'SIGKILL') && Date.now() < deadline) await sleep(10);
    forgetGroup(pid);
  };
  return { stop, kill, end, pause: () => signal('SIGSTOP'), resume: () => signal('SIGCONT') };
}

/** The last lines of a log, for an error message. */
function tail(file: string): string {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return [...lines.slice(-15), `(whole log: ${file})`].join('\n');
}
