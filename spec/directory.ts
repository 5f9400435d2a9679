/** The operator's directory: people, their roles and how to reach them. A spec names roles, never members. */

import * as z from 'zod';
import { id, line, person } from './names.ts';
import { readDocument, type ReadResult } from './yaml.ts';

export interface Person {
  /** For people to read; `null` when only the key is known. */
  readonly name: string | null;
  readonly roles: readonly string[];
  /** Kind of contact (`email`, `slack`, …) → address. */
  readonly contacts: Readonly<Record<string, string>>;
}

export interface DirectoryFile {
  /** `trust`: whoever says to be somebody is believed. */
  readonly identity: 'trust';
  /** By the name that people sign with. */
  readonly people: Readonly<Record<string, Person>>;
}

/** The file's form; generates schema/directory.schema.json. */
export const directoryFile = z.strictObject({
  apiVersion: z.literal('sluice/v1'),
  kind: z.literal('Directory'),
  identity: z.literal('trust').describe('`trust`: whoever says to be somebody is believed.'),
  people: z.record(
    person,
    z.strictObject({
      name: line.nullable().default(null),
      roles: z.array(id),
      contacts: z.record(id, line).default({}),
    }),
  ),
});

/** The directory, or all problems of the file. */
export function parseDirectory(text: string, file: string): ReadResult<DirectoryFile> {
  const result = readDocument(text, file, directoryFile);
  if (!result.ok) return result;
  const { identity, people } = result.value;
  return { ...result, value: { identity, people } };
}
