/** Entry point of the `sluice` command. */

import { processIo } from './io.ts';
import { run } from './run.ts';

/** Sets the exit code and lets the process end by itself, so that everything written is flushed. */
export async function main(args: readonly string[]): Promise<void> {
  process.stdout.on('error', leaveQuietly);
  process.exitCode = await run(args, processIo());
}

/** `sluice timeline … | head`: nobody reads any more, which is no mistake. */
function leaveQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
}
