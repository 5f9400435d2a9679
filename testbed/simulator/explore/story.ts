/** What is needed to understand and to repeat one life, as text; and the shortest one of a seed, told by a process of its own. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { inProject } from '../../root.ts';
import type { Life, Lived } from './life.ts';

export function storyOf({ life, lived }: { readonly life: Life; readonly lived: Lived }): string {
  return [
    `seed ${String(life.seed)}: ${lived.broken ?? 'every promise was kept'}; outcome ${lived.outcome}`,
    JSON.stringify({ gates: life.plan.gates.map(({ id }) => id), ...life.mischief }, null, 1),
    ...lived.trace,
    `again: node dist/testbed/simulator/explore/main.js --show ${String(life.seed)}`,
  ].join('\n');
}

/** Lived by the build. `how`: options of `main.ts`. */
export async function shortestStory(seed: number, how: readonly string[] = []): Promise<string> {
  const main = inProject('dist', 'testbed', 'simulator', 'explore', 'main.js');
  const run = promisify(execFile)(process.execPath, [main, '--show', String(seed), ...how], { maxBuffer: 1e8 });
  // A broken promise is exit code 1.
  const { stderr } = await run.catch((error: unknown) => error as { stderr: string });
  return stderr;
}
