/** What a field wants, in words: kept beside its schema and used for every message about it. */

import * as z from 'zod';
import { listed } from './nearest.ts';

/** `noun` completes "… is not"; `like` gives examples. */
export interface Expectation {
  readonly noun: string;
  readonly like?: string;
}

const expectations = z.registry<Expectation>();

/** Remembers what a schema expects, for its refinements and descriptions too; returns the same schema. */
export function expecting<S extends z.ZodType>(schema: S, noun: string, like?: string): S {
  expectations.add(schema, like === undefined ? { noun } : { noun, like });
  return schema;
}

/** What was remembered for a schema itself. */
export function rememberedFor(schema: z.core.$ZodType): Expectation | undefined {
  return expectations.get(schema as z.ZodType);
}

/** Noun and examples in one phrase. */
export function wordsOf(expectation: Expectation): string {
  return expectation.like === undefined ? expectation.noun : `${expectation.noun} ${expectation.like}`;
}

/** What was remembered, or what can be told from the schema's type. */
export function expectationOf(schema: z.core.$ZodType): Expectation {
  const own = rememberedFor(schema);
  if (own !== undefined) return own;
  const def = (schema as z.core.$ZodTypes)._zod.def;
  switch (def.type) {
    case 'string':
      return { noun: 'a text' };
    case 'number':
      return { noun: 'a number' };
    case 'boolean':
      return { noun: 'true or false' };
    case 'array':
      return { noun: 'a list' };
    case 'object':
      return { noun: 'a mapping', like: `with ${Object.keys(def.shape).slice(0, 6).join(', ')}` };
    case 'record':
      return { noun: 'a mapping' };
    case 'literal':
      return { noun: wordsFor(def.values.map(String)) };
    case 'enum':
      return { noun: wordsFor(Object.values(def.entries).map(String)) };
    default:
      return { noun: 'something else' };
  }
}

/** `one of a, b`, or the only one. */
export function wordsFor(values: readonly string[]): string {
  const unique = [...new Set(values)];
  return unique.length === 1 ? JSON.stringify(unique[0]) : `one of ${listed(unique)}`;
}
