/** `make verify SHARED=FOLDER`: what the testbed takes for the world, held against published facts. */

import { checkCrds } from './crds.ts';

const [shared] = process.argv.slice(2);
if (shared === undefined) {
  process.stderr.write('usage: make verify SHARED=<folder with the published facts>\n');
  process.exit(2);
}
const checks = checkCrds(shared);
for (const { what, holds } of checks) process.stdout.write(`${holds ? '✓' : '✗'} ${what}\n`);
// Nothing compared is nothing shown.
process.exitCode = checks.length > 0 && checks.every(({ holds }) => holds) ? 0 : 1;
