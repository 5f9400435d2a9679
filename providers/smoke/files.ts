/** The operator's folder of files that smoke may upload. */

import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { ProviderError } from '../errors.ts';
import type { SmokeFiles } from '../ports.ts';

/** Larger files are no smoke. */
const maxBytes = 10 * 1_024 * 1_024;

/** `folder` is `null` where the operator offers none. */
export function createSmokeFiles(folder: string | null): SmokeFiles {
  return {
    missing: async (names) => {
      const there = await Promise.all(names.map((name) => isThere(folder, name)));
      return names.filter((_, index) => there[index] !== true);
    },
    read: async (name) => {
      if (!(await isThere(folder, name))) throw missing(name);
      return readFile(path.join(folder ?? '', name));
    },
  };
}

/** Names come from a plan: what leads out of the folder is not there. */
async function isThere(folder: string | null, name: string): Promise<boolean> {
  if (folder === null || !isWithin(folder, name)) return false;
  try {
    const found = await stat(path.join(folder, name));
    return found.isFile() && found.size <= maxBytes;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

function isWithin(folder: string, name: string): boolean {
  return path.resolve(folder, name).startsWith(`${path.resolve(folder)}${path.sep}`);
}

function missing(name: string): ProviderError {
  const detail = `file ${name} is not among the smoke files of this worker`;
  return new ProviderError({ code: 'missing', doing: 'read a smoke file', detail });
}
