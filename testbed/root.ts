/** Where the project lies on disk, from sources and from `dist/` alike. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder that holds `package.json`; `dist/` has none of its own. */
export const projectRoot = findRoot(import.meta.dirname);

/** A path inside the project. */
export function inProject(...parts: string[]): string {
  return join(projectRoot, ...parts);
}

function findRoot(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) throw new Error(`no package.json above ${start}`);
  }
}
