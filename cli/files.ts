/** Reads the files that the person at the keyboard names. */

import { readFile } from 'node:fs/promises';
import { CliError } from './errors.ts';

/** Throws `CliError` usage when the file cannot be read. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (error as Error).message;
    throw new CliError('usage', `${file}: ${why}`, { data: { file } });
  }
}
