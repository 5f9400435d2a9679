/** Runs test suites one after the other and prints the sum as the last line: `N passed, N failed, N skipped`. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { z } from 'zod';
import { inProject } from './root.ts';

interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed and why, told again at the end: the log between is long. */
  readonly failures: readonly string[];
}

/** The part of vitest's JSON report that is summed. */
const reportSchema = z.object({
  success: z.boolean(),
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).default([]) }),
      ),
    }),
  ),
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
  if (!existsSync(report))
    return { passed: 0, failed: 1, skipped: 0, failures: [`${project}: broke before its first test`] };
  const counted = reportSchema.parse(JSON.parse(readFileSync(report, 'utf8')));
  const { numPassedTests: passed, numFailedTests, numPendingTests, numTodoTests } = counted;
  // A suite may break outside of its tests: while it is loaded, set up or torn down.
  const broken = numFailedTests === 0 && (status !== 0 || !counted.success) ? 1 : 0;
  const failures = failuresOf(counted.testResults);
  return {
    passed,
    failed: numFailedTests + broken,
    skipped: numPendingTests + numTodoTests,
    failures: broken > 0 && failures.length === 0 ? [`${project}: broke outside of its tests`] : failures,
  };
}

function failuresOf(files: z.infer<typeof reportSchema>['testResults']): string[] {
  return files.flatMap((file) => {
    const where = relative(inProject(), file.name);
    const tests = file.assertionResults.filter((test) => test.status === 'failed');
    if (tests.length === 0) return file.status === 'failed' ? [told(where, file.message)] : [];
    return tests.map((test) => told(`${where} > ${test.fullName}`, test.failureMessages.join('\n')));
  });
}

/** The first lines of a message are its sentence; the rest is in the log. */
const told = (name: string, message: string): string =>
  [`FAILED ${name}`, ...message.split('\n').slice(0, 20)].join('\n  ');

mkdirSync(folder, { recursive: true });
const sum = process.argv
  .slice(2)
  .map(runSuite)
  .reduce<Totals>(
    (all, one) => ({
      passed: all.passed + one.passed,
      failed: all.failed + one.failed,
      skipped: all.skipped + one.skipped,
      failures: [...all.failures, ...one.failures],
    }),
    { passed: 0, failed: 0, skipped: 0, failures: [] },
  );
for (const failure of sum.failures) process.stdout.write(`${failure}\n`);
const line = `${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped\n`;
writeFileSync(inProject('.sluice', 'tests.txt'), line);
process.stdout.write(line);
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0;
