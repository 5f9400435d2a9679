/** A terminal that remembers what was written, and runs the command line in this process. */

import type { Io } from '../../cli/io.ts';
import { run } from '../../cli/run.ts';

export interface Ran {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

/** `answers`: what the person types, question by question; absent when nobody is there. */
export async function sluice(args: readonly string[], answers?: readonly string[]): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const typed = [...(answers ?? [])];
  const io: Io = {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    interactive: false,
    width: 100,
    color: false,
    env: {},
    command: 'sluice',
    user: 'ana',
    ask: answers === undefined ? null : async () => typed.shift() ?? '',
    live: async () => ({
      show: (picture) => void out.push(picture),
      say: (line) => void out.push(line),
      done: () => undefined,
    }),
    signal: new AbortController().signal,
  };
  const exit = await run(args, io);
  return { exit, out: out.join('\n'), err: err.join('\n') };
}
