/** The terminal, files and person around a command; tests give another one. */

import { userInfo } from 'node:os';
import type { createInterface } from 'node:readline/promises';
import { calledAs } from './called.ts';
import { CliError } from './errors.ts';
import type { Live } from './live.ts';

export interface Io {
  /** Writes a text and a line end to standard output. */
  out(text: string): void;
  err(text: string): void;
  /** Standard output is a terminal: live views and questions make sense. */
  readonly interactive: boolean;
  readonly width: number;
  /** The terminal shows colours; `--no-color` still switches them off. */
  readonly color: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the person types to call this: `sluice`, or the way to it. */
  readonly command: string;
  /** Name of the person at the keyboard, as the system knows it. */
  readonly user: string;
  /** Asks one line; `null` when nobody is there to answer. */
  readonly ask: ((question: string) => Promise<string>) | null;
  /** Pictures that replace each other. */
  live(): Promise<Live>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** The process's own terminal. Only a command that looks at `signal` outlives Ctrl-C, and only the first one. */
export function processIo(): Io {
  const { stdout, stderr, stdin, env } = process;
  const interactive = stdout.isTTY;
  let stopped: AbortController | null = null;
  return {
    out: (text) => void stdout.write(`${text}\n`),
    err: (text) => void stderr.write(`${text}\n`),
    interactive,
    get width() {
      return interactive ? stdout.columns : 100;
    },
    color: interactive && env['NO_COLOR'] === undefined && stdout.hasColors(),
    env,
    command: calledAs(process.argv[1], process.cwd(), env['PATH']),
    user: env['SLUICE_USER'] ?? systemUser(),
    ask: interactive && stdin.isTTY ? askTerminal : null,
    live: async () => (await import('./live.ts')).liveOn(stdout),
    get signal() {
      stopped ??= stopOnSignals();
      return stopped.signal;
    },
  };
}

function stopOnSignals(): AbortController {
  const stopped = new AbortController();
  const stop = () => stopped.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  return stopped;
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown'; // a container may run under an id without a name
  }
}

async function askTerminal(question: string): Promise<string> {
  const readline: { createInterface: typeof createInterface } = await import('node:readline/promises');
  const prompt = readline.createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await prompt.question(question);
  } catch (error) {
    if ((error as Error).name !== 'AbortError') throw error;
    throw new CliError('interrupted', 'stopped at the question: nothing was sent or written');
  } finally {
    prompt.close();
  }
}
