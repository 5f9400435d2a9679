/** The operator's secrets by name: from the environment or from a folder with one file each. */

import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { ProviderError } from '../errors.ts';
import type { Secrets } from '../ports.ts';
import { createRedactor } from './redact.ts';

export type SecretsOptions = {
  /** Other values that must never be shown, such as the connections' credentials. */
  readonly alsoRedact?: readonly string[];
} & (
  | {
      readonly from: 'env';
      readonly prefix: string;
      readonly env: Readonly<Record<string, string | undefined>>;
    }
  | { readonly from: 'folder'; readonly path: string }
);

const name = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const largestFile = 64 * 1024;

type Values = ReadonlyMap<string, string>;

/**
 * Values are read anew at each question, so a rotated secret is used at once; a value once seen stays redacted.
 * Throws `ProviderError` `missing` when the folder cannot be read.
 */
export async function createSecrets(options: SecretsOptions): Promise<Secrets> {
  const known = new Set(options.alsoRedact);
  let redact = createRedactor(known);
  const read = async (): Promise<Values> => {
    const values = options.from === 'env' ? fromEnvironment(options) : await fromFolder(options.path);
    const before = known.size;
    for (const value of values.values()) known.add(value);
    if (known.size !== before) redact = createRedactor(known);
    return values;
  };
  await read();
  return {
    missing: async (names) => {
      const values = await read();
      return names.filter((wanted) => !values.has(wanted));
    },
    value: async (wanted) => {
      const value = (await read()).get(wanted);
      if (value !== undefined) return value;
      throw new ProviderError({
        code: 'missing',
        doing: `use the secret ${name.test(wanted) ? wanted : 'with an unusable name'}`,
        detail:
          options.from === 'env' ? `${options.prefix}… is not set or empty` : 'there is no such file, or it is empty',
      });
    },
    redact: (text) => redact(text),
  };
}

function fromEnvironment({ prefix, env }: SecretsOptions & { from: 'env' }): Values {
  const entries = Object.entries(env).flatMap(([variable, value]): [string, string][] =>
    variable.startsWith(prefix) && value !== undefined && value !== '' ? [[variable.slice(prefix.length), value]] : [],
  );
  return new Map(entries.filter(([key]) => name.test(key)));
}

/** Only files that the listing shows are ever opened, so a name from a spec cannot reach outside the folder. */
async function fromFolder(folder: string): Promise<Values> {
  const files = await listed(folder);
  const entries = await Promise.all(
    files.map(async (file) => [file, await contentOf(path.join(folder, file))] as const),
  );
  return new Map(entries.flatMap(([file, value]): [string, string][] => (value === '' ? [] : [[file, value]])));
}

async function listed(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((file) => name.test(file));
  } catch (error) {
    const detail = `the folder cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`;
    throw new ProviderError({ code: 'missing', doing: 'read the secrets', detail });
  }
}

/** Without the line end that editors add. Anything that is no small readable file counts as empty. */
async function contentOf(file: string): Promise<string> {
  try {
    const facts = await stat(file);
    if (!facts.isFile() || facts.size > largestFile) return '';
    return (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  } catch {
    // Rotated away between the listing and the reading: the same as not there.
    return '';
  }
}
