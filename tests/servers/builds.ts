/** Other builds of Sluice, as a deployment brings them. */

import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inProject } from '../../testbed/root.ts';

const bundles = ['workflow-bundle.js', 'workflow-bundle-versioned.js'];

/** A copy in `folder` whose workflow code is changed; returns what starts it. */
export function changedBuild(folder: string, name: string, change: (code: string) => string): string {
  const build = join(folder, name);
  for (const part of ['dist', 'bin', 'package.json']) cpSync(inProject(part), join(build, part), { recursive: true });
  symlinkSync(inProject('node_modules'), join(build, 'node_modules'));
  for (const bundle of bundles) {
    const file = join(build, 'dist', bundle);
    writeFileSync(file, change(readFileSync(file, 'utf8')));
  }
  return join(build, 'bin', 'sluice');
}

/** The same code under another digest. */
export function anotherBuild(folder: string): string {
  return changedBuild(folder, 'another-build', (code) => `// another build\n${code}`);
}

/** The same code that waits seconds where Sluice waits minutes: for a release to become ready, and for data to come back. */
export function impatientBuild(folder: string): string {
  const name = 'impatient';
  const launcher = buildWith(folder, name, 'deploying: 30 * 60_000', 'deploying: 45_000');
  for (const [file, there, instead] of [
    ['providers/targets/caddy/places.js', 'patienceMs = 10 * 60_000;', 'patienceMs = 12_000;'],
    ['activities/watch-milestones.js', 'const gapMs = 300_000;', 'const gapMs = 5_000;'],
    ['activities/watch-standing.js', 'ms: 300_000 }', 'ms: 3_000 }'],
  ] as const) {
    const path = join(folder, name, 'dist', file);
    writeFileSync(path, replacedOnce(readFileSync(path, 'utf8'), there, instead));
  }
  return launcher;
}

/** With `instead` in its workflows in place of what is there. */
export function buildWith(folder: string, name: string, there: string, instead: string): string {
  return changedBuild(folder, name, (code) => replacedOnce(code, there, instead));
}

function replacedOnce(code: string, there: string, instead: string): string {
  if (code.split(there).length !== 2) throw new Error(`"${there}" does not stand once in the code`);
  return code.replace(there, instead);
}
