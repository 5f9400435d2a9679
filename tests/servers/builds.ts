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

/** With `instead` in its workflows in place of what is there. */
export function buildWith(folder: string, name: string, there: string, instead: string): string {
  return changedBuild(folder, name, (code) => {
    if (code.split(there).length !== 2) throw new Error(`"${there}" does not stand once in the bundle`);
    return code.replace(there, instead);
  });
}
