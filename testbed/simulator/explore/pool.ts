/** Explores on every core: processes that take seeds from one queue until it is empty. */

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { inProject } from '../../root.ts';
import { nothingYet, together } from './exploration.ts';
import type { Explored, Range } from './exploration.ts';

export interface Exploration extends Range {
  readonly processes: number;
  /** Options of `main.ts` for how they live. */
  readonly how?: readonly string[];
  /** So far. */
  readonly onProgress?: (explored: Explored) => void;
}

/** Small, so that all processes end at about the same time. */
const chunk = 25;
/** Most of what a life makes is garbage at its end: a larger nursery copies less of it. */
const nodeOptions = ['--max-semi-space-size=32'];

/** Throws when one of the processes ends before its work. */
export async function exploreOnAll(exploration: Exploration): Promise<Explored> {
  const { processes, how = [], onProgress } = exploration;
  const queue = chunksOf(exploration);
  let explored = nothingYet;
  const work = async (): Promise<void> => {
    const child = fork(inProject('dist', 'testbed', 'simulator', 'explore', 'main.js'), ['--served', ...how], {
      execArgv: nodeOptions,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const more = await ask(child, next);
        explored = together(explored, more);
        onProgress?.(explored);
      }
    } finally {
      child.kill();
    }
  };
  await Promise.all(Array.from({ length: Math.min(processes, queue.length) }, work));
  return explored;
}

function chunksOf({ from, lives }: Range): Range[] {
  return Array.from({ length: Math.ceil(lives / chunk) }, (_, index) => ({
    from: from + index * chunk,
    lives: Math.min(chunk, lives - index * chunk),
  }));
}

function ask(child: ChildProcess, range: Range): Promise<Explored> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => {
      const seeds = `seeds ${String(range.from)} to ${String(range.from + range.lives - 1)}`;
      reject(new Error(`a process ended with ${String(code)} while it lived ${seeds}`));
    };
    child.once('exit', ended);
    child.once('message', (explored) => {
      child.off('exit', ended);
      resolve(explored as Explored);
    });
    child.send(range);
  });
}
