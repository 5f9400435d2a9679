/** Runs test suites one after the other and prints the sum as the last line: `N passed, N failed, N skipped`. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { inProject } from './root.ts';

interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The part of vitest's JSON report that is summed. */
const reportSchema = z.object({
  success: z.boolean(),
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int(),
});

const folder = inProject('.sluice');

function runSuite(project: string): Totals {
  const report = inProject('.sluice', `tests-${project}.json`);
  rmSync(report, { force: true });
  const vitest = inProject('node_modules', 'vitest', 'vitest.mjs');
  const args = ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { status } = spawnSync(process.execPath, [vitest, ...args], {
    cwd: inProject(),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
  const counted = reportSchema.parse(JSON.parse(readFileSync(report, 'utf8')));
  const { numPassedTests: passed, numFailedTests, numPendingTests, numTodoTests } = counted;
  // A suite may break outside of its tests: while it is loaded, set up or torn down.
  const broken = numFailedTests === 0 && (status !== 0 || !counted.success) ? 1 : 0;
  return { passed, failed: numFailedTests + broken, skipped: numPendingTests + numTodoTests };
}

mkdirSync(folder, { recursive: true });
const sum = process.argv
  .slice(2)
  .map(runSuite)
  .reduce<Totals>(
    (all, one) => ({
      passed: all.passed + one.passed,
      failed: all.failed + one.failed,
      skipped: all.skipped + one.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
const line = `${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped\n`;
writeFileSync(inProject('.sluice', 'tests.txt'), line);
process.stdout.write(line);
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0;
