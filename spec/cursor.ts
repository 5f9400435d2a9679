/** A place in plain data that may be half broken: lets cross-checks read what is readable and skip the rest. */

import type * as z from 'zod';
import type { Path } from './diagnostics.ts';
import { childOf } from './schema-walk.ts';

export class Cursor {
  readonly path: Path;
  readonly raw: unknown;

  constructor(raw: unknown, path: Path = []) {
    this.raw = raw;
    this.path = path;
  }

  /** The value under a key; a cursor on nothing where there is none. */
  at(...keys: readonly (string | number)[]): Cursor {
    return keys.reduce<Cursor>((here, key) => new Cursor(childOf(here.raw, key), [...here.path, key]), this);
  }

  get exists(): boolean {
    return this.raw !== undefined && this.raw !== null;
  }

  /** Elements of a list; none for anything else. */
  list(): readonly Cursor[] {
    return Array.isArray(this.raw) ? this.raw.map((_, index) => this.at(index)) : [];
  }

  /** Entries of a mapping; none for anything else. */
  entries(): readonly (readonly [key: string, value: Cursor])[] {
    if (typeof this.raw !== 'object' || this.raw === null || Array.isArray(this.raw)) return [];
    return Object.keys(this.raw).map((key) => [key, this.at(key)]);
  }

  text(): string | undefined {
    return typeof this.raw === 'string' ? this.raw : undefined;
  }

  /** The value in the form of a schema; `undefined` when it has not that form, which then is told elsewhere. */
  as<T>(schema: z.ZodType<T>): T | undefined {
    const result = schema.safeParse(this.raw);
    return result.success ? result.data : undefined;
  }
}
