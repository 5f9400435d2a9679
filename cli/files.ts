/** Reads the files that the person at the keyboard names. */

import { readFile } from 'node:fs/promises';
import { CliError } from './errors.ts';

/** Throws `CliError` usage when the file cannot be read. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CliError('usage', `${file}: ${whyNot(error as NodeJS.ErrnoException)}`, { data: { file } });
  }
}

function whyNot({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'no such file';
  return code === 'EISDIR' ? 'it is a folder' : message;
}
