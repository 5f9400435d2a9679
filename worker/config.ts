/** Reads the operator's files: the configuration once, the directory whenever it has changed. */

import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { renderProblems } from '../spec/diagnostics.ts';
import { parseDirectory, type DirectoryFile } from '../spec/directory.ts';
import { parseWorkerConfig, type WorkerConfig } from '../spec/worker-config.ts';
import { WorkerProblem } from './problem.ts';

export interface LoadedConfig {
  readonly config: WorkerConfig;
  /** Relative paths in the file mean this folder. */
  readonly folder: string;
}

/** Throws `WorkerProblem` with the whole report. */
export async function loadWorkerConfig(file: string): Promise<LoadedConfig> {
  const result = parseWorkerConfig(await textOf(file), file);
  if (!result.ok) throw new WorkerProblem(renderProblems(result.problems));
  return { config: result.value, folder: path.dirname(path.resolve(file)) };
}

/** A loader for `createDirectory`: parses again only when the file has changed, and remembers why a version was refused. */
export function directoryLoader(file: string): () => Promise<DirectoryFile> {
  let seen = '';
  let latest: () => DirectoryFile = () => {
    throw new WorkerProblem(`${file}: not read yet`);
  };
  return async () => {
    const mark = await markOf(file);
    if (mark !== seen) {
      const result = parseDirectory(await textOf(file), file);
      seen = mark;
      latest = () => {
        if (result.ok) return result.value;
        throw new WorkerProblem(renderProblems(result.problems));
      };
    }
    return latest();
  };
}

async function markOf(file: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(file);
    return `${mtimeMs}/${size}/${ino}`;
  } catch (error) {
    throw unreadable(file, error);
  }
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: string, error: unknown): WorkerProblem {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
  const why = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
  return new WorkerProblem(`${file}: ${why}`, { cause: error });
}
