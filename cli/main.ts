/** Entry point of the `sluice` command. */

import { processIo } from './io.ts';
import { run } from './run.ts';

/** Sets the exit code and lets the process end by itself, so that everything written is flushed. */
export async function main(args: readonly string[]): Promise<void> {
  process.exitCode = await run(args, processIo());
}
