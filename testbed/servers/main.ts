/** `make servers`: finds or builds all servers and says where they are. */

import { locate, serverNames } from './locate.ts';

try {
  // One after the other: each build uses every core by itself.
  for (const name of serverNames) process.stdout.write(`${name}: ${await locate(name)}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
