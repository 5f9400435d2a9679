/** A benchmark as people run it, once through: what it prints as JSON. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { inProject } from '../testbed/root.ts';

const run = promisify(execFile);

/** Throws with what it said when it ends with another code than 0. */
export async function benched(name: string, ...args: readonly string[]): Promise<unknown> {
  const command = [inProject('dist', 'bench', 'main.js'), name, '--json', '--tries', '1', ...args];
  const { stdout } = await run(process.execPath, command, { maxBuffer: 16 * 1024 * 1024 });
  return JSON.parse(stdout) as unknown;
}
