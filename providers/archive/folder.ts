/** An archive in a folder of the worker's machine, or of a disk that all workers have mounted. */

import { constants } from 'node:fs';
import { access, mkdir, open, readdir, readFile, rename, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { ProviderError, type ProviderErrorCode } from '../errors.ts';
import type { Archive, Shelf } from '../ports.ts';

export interface FolderOptions {
  readonly folder: string;
  /** Some letters and digits, other ones each time. */
  readonly random: () => string;
}

const mostKeys = 20_000;

/** The folder itself must be there: a disk that is not mounted is not written beside. */
export function createFolderArchive({ folder, random }: FolderOptions): Archive {
  const fileOf = (key: string) => path.join(folder, ...key.split('/'));
  return {
    name: `folder ${folder}`,
    ping: () =>
      doing(`look at the archive's folder ${folder}`, async () => {
        await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
        if ((await statfs(folder)).bavail === 0) throw new Full();
        return `folder ${folder} can be written`;
      }),
    put: (key, text) =>
      doing(`write the record ${key}`, async () => {
        await access(folder);
        await writeOnce(fileOf(key), text, random());
      }),
    shelf: shelfOf(folder, fileOf),
  };
}

/** Beside its place first, so that what stands there is always whole, whenever the worker or the machine goes down. */
async function writeOnce(file: string, text: string, mark: string): Promise<void> {
  const there = await contentOf(file);
  if (there === text) return;
  if (there !== null) throw new Occupied();
  const parent = path.dirname(file);
  await mkdir(parent, { recursive: true, mode: 0o750 });
  const unfinished = path.join(parent, `.${path.basename(file)}.${mark}.part`);
  try {
    await writeDurably(unfinished, text);
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  await flushFolder(parent);
  await sweep(parent, path.basename(file));
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o640);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A name is durable once its folder is. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What a killed worker left of the same record. */
async function sweep(folder: string, name: string): Promise<void> {
  const left = (await readdir(folder)).filter((entry) => entry.startsWith(`.${name}.`) && entry.endsWith('.part'));
  await Promise.all(left.map((entry) => rm(path.join(folder, entry), { force: true })));
}

async function contentOf(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

// ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function shelfOf(folder: string, fileOf: (key: string) => string): Shelf {
  return {
    keys: (beginning) =>
      doing(`list the archive's folder ${folder}`, async () => {
        const [environment, service] = beginning.split('/');
        const found: string[] = [];
        for (const env of await foldersIn(folder, environment))
          for (const name of await foldersIn(path.join(folder, env), service))
            for (const file of await readdir(path.join(folder, env, name))) found.push(`${env}/${name}/${file}`);
        const keys = found.filter((key) => key.startsWith(beginning)).sort();
        return { keys: keys.slice(-mostKeys), complete: keys.length <= mostKeys };
      }),
    get: (key) => doing(`read the record ${key}`, () => readFile(fileOf(key), 'utf8')),
  };
}

/** All of them, or the one of that name; none when the folder is not there yet. */
async function foldersIn(parent: string, only: string | undefined): Promise<readonly string[]> {
  try {
    const entries = await readdir(parent, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    return only === undefined || only === '' ? names : names.filter((name) => name === only);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

// ── Errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A file that is not ours to change stands where the record belongs. */
class Occupied extends Error {}

class Full extends Error {
  readonly code = 'ENOSPC';
}

async function doing<Answer>(what: string, act: () => Promise<Answer>): Promise<Answer> {
  try {
    return await act();
  } catch (error) {
    const facts = error instanceof Occupied ? occupied : factsOf(error);
    if (facts === null) throw error;
    throw new ProviderError({ ...facts, doing: what, cause: error });
  }
}

type Facts = { readonly code: ProviderErrorCode; readonly detail: string };

const occupied: Facts = { code: 'conflict', detail: 'another file stands there; it is left as it is: move it away' };

/** `null` for what is no failure of a disk. */
function factsOf(error: unknown): Facts | null {
  const code = (error as Partial<NodeJS.ErrnoException>).code;
  if (code === undefined) return null;
  return known[code] ?? { code: 'unreachable', detail: `the disk says ${code}` };
}

const known: Readonly<Record<string, Facts>> = {
  ENOENT: { code: 'missing', detail: 'there is no such folder or file' },
  ENOTDIR: { code: 'missing', detail: 'a file stands where a folder should be' },
  EACCES: { code: 'denied', detail: 'the worker may not write or read there' },
  EPERM: { code: 'denied', detail: 'the worker may not write or read there' },
  EROFS: { code: 'denied', detail: 'the disk can only be read' },
  ENOSPC: { code: 'unreachable', detail: 'the disk is full' },
  EDQUOT: { code: 'unreachable', detail: "the disk's quota is used up" },
  EFBIG: { code: 'unreachable', detail: 'the file would be larger than is allowed' },
};
