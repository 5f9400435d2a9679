/** Answers who holds which role, from the operator's file; a broken new file never unseats the last good one. */

import { ProviderError } from '../errors.ts';
import type { Directory } from '../ports.ts';

/** What this room needs of the operator's directory file. */
export interface People {
  readonly identity: 'trust';
  readonly people: Readonly<Record<string, { readonly roles: readonly string[] }>>;
}

export interface DirectoryOptions {
  /** Asked at every question; it decides itself whether the file must be read again. Throws when the file is broken. */
  readonly load: () => Promise<People>;
  /** Told when loading starts to fail, fails for another reason, or works again (`null`). */
  readonly onBroken?: (problem: string | null) => void;
}

/** Throws `ProviderError` `missing` as long as there has been no good version. */
export function createDirectory(options: DirectoryOptions): Directory {
  const people = keepLastGood(options);
  return {
    identity: async () => (await people()).identity,
    rolesOf: async (person) => {
      const all = (await people()).people;
      // Names come from messages: `constructor` is nobody.
      return Object.hasOwn(all, person) ? (all[person]?.roles ?? null) : null;
    },
    membersOf: async (role) =>
      Object.entries((await people()).people)
        .filter(([, { roles }]) => roles.includes(role))
        .map(([person]) => person)
        .sort(),
  };
}

function keepLastGood({ load, onBroken }: DirectoryOptions): () => Promise<People> {
  let good: People | null = null;
  let broken: string | null = null;
  const note = (problem: string | null): void => {
    if (problem !== broken) onBroken?.(problem);
    broken = problem;
  };
  return async () => {
    try {
      good = await load();
      note(null);
      return good;
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      note(detail);
      if (good !== null) return good;
      throw new ProviderError({ code: 'missing', doing: 'read the directory', detail, cause: error });
    }
  };
}
