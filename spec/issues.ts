/** From zod's issues to problems in words, each at the place in the text that has to be changed. */

import type * as z from 'zod';
import { formatPath, type Path, type Problem } from './diagnostics.ts';
import { expectationOf, rememberedFor, wordsFor, wordsOf, type Expectation } from './expectations.ts';
import { distance } from 'fastest-levenshtein';
import { didYouMean, nearest } from './nearest.ts';
import { childOf, keysAt, schemasAt, valueAt } from './schema-walk.ts';
import { isSecretKey, maskSecrets } from './source.ts';

/** A problem before its place in the text is known. */
export interface Finding extends Pick<Problem, 'message' | 'expected' | 'hint'> {
  readonly path: Path;
  /** What to point at: the value, its key, or a character of a text value. @default 'value' */
  readonly at?: 'value' | 'key' | number;
  /** @default 'error' */
  readonly severity?: Problem['severity'];
  /** What was most likely meant: with it in place the value around it can be checked too. */
  readonly meant?: string;
}

type Issue = z.core.$ZodIssue;

/** All findings of one failed parse of `data`. */
export function findingsOf(issues: readonly Issue[], schema: z.core.$ZodType, data: unknown): readonly Finding[] {
  const flat = issues.flatMap((issue) => flatten(issue, data, []));
  const misspelt = new Set(flat.flatMap((issue) => meantKeys(issue, schema, data)));
  return flat
    .filter((issue) => valueAt(data, pathOf(issue)) !== undefined || !misspelt.has(formatPath(pathOf(issue))))
    .flatMap((issue) => explain(issue, schema, data));
}

/** Paths of the keys that unknown ones stand for: a missing key whose misspelt form is there is one problem, not two. */
function meantKeys(issue: Issue, schema: z.core.$ZodType, data: unknown): readonly string[] {
  if (issue.code !== 'unrecognized_keys') return [];
  const parent = pathOf(issue);
  const valid = keysAt(schema, data, parent);
  return issue.keys.flatMap((key) => {
    const meant = nearest(key, valid);
    return meant === null ? [] : [formatPath([...parent, meant])];
  });
}

/** A union's own issue says little: take the issues of the member that fits best. */
function flatten(issue: Issue, data: unknown, base: Path): readonly Issue[] {
  const path = [...base, ...pathOf(issue)];
  const here = { ...issue, path } as Issue;
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [here];
  const members = issue.errors.filter(
    (errors) => !errors.some((error) => error.path.length === 0 && isWrongKind(error)),
  );
  const best = members.toSorted((a, b) => unfitness(a) - unfitness(b))[0];
  return best === undefined ? [here] : best.flatMap((error) => flatten(error, data, path));
}

/** The member wants another kind of value altogether, or all of its own members do. */
function isWrongKind(issue: Issue): boolean {
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    return issue.errors.every((errors) => errors.some((error) => error.path.length === 0 && isWrongKind(error)));
  }
  return issue.code === 'invalid_type' || issue.code === 'invalid_value' || issue.code === 'invalid_format';
}

/** Fewer issues fit better; among equals the member whose missing key looks most like an unknown one. */
function unfitness(errors: readonly Issue[]): number {
  const unknown = errors.flatMap((error) => (error.code === 'unrecognized_keys' ? error.keys : []));
  const others = errors.filter((error) => error.code !== 'unrecognized_keys');
  const distances = others.flatMap((error) => unknown.map((key) => distance(key, String(error.path.at(-1)))));
  return (unknown.length + others.length) * 1000 + Math.min(999, ...distances);
}

function explain(issue: Issue, schema: z.core.$ZodType, data: unknown): readonly Finding[] {
  const path = pathOf(issue);
  if (issue.code === 'unrecognized_keys') {
    const valid = keysAt(schema, data, path);
    return issue.keys.map((key) => unknownKey(path, key, valid));
  }
  if (issue.code === 'invalid_key') return [badKey(path, schema, data)];
  if (issue.code === 'invalid_union' && issue.errors.length === 0) return [badTag(issue, path, schema, data)];
  const value = valueAt(data, path);
  const expectation = expectationAt(schema, data, path);
  const expected = wordsOf(expectation);
  if (value === undefined && path.length > 0) return [missing(path, expected)];
  if (issue.code === 'too_small' && Array.isArray(value))
    return [{ path, message: `the list has too few entries`, expected: `at least ${String(issue.minimum)}` }];
  if (issue.code === 'too_big' && Array.isArray(value))
    return [{ path, message: `the list has too many entries`, expected: `at most ${String(issue.maximum)}` }];
  if (value === null) return [{ path, message: `${JSON.stringify(String(path.at(-1)))} has no value`, expected }];
  const hint = typeof value === 'string' ? didYouMean(value, wordsIn(issue)) : undefined;
  return [
    {
      path,
      message: `${quote(value, path)} is not ${expectation.noun}`,
      expected,
      ...hinted(hint),
    },
  ];
}

/** The words of which one is allowed; a single one is said as what is expected. */
function wordsIn(issue: Issue): readonly string[] {
  if (issue.code === 'invalid_union') return issue.errors.flat().flatMap(wordsIn);
  return issue.code === 'invalid_value' && issue.values.length > 1 ? issue.values.map(String) : [];
}

function unknownKey(parent: Path, key: string, valid: readonly string[]): Finding {
  const path = [...parent, key];
  const name = JSON.stringify(key.slice(0, 60));
  if (valid.includes(key)) return { path, at: 'key', message: `${name} cannot stand beside the other keys here` };
  const message = `unknown key ${name}`;
  return { path, at: 'key', message, expected: wordsFor(valid), ...hinted(didYouMean(key, valid)) };
}

function badKey(path: Path, schema: z.core.$ZodType, data: unknown): Finding {
  const record = schemasAt(schema, data, path.slice(0, -1)).find((candidate) => candidate._zod.def.type === 'record');
  const expectation =
    record?._zod.def.type === 'record' ? expectationOf(record._zod.def.keyType) : { noun: 'a valid key' };
  return {
    path,
    at: 'key',
    message: `${quote(path.at(-1), [])} is not ${expectation.noun}`,
    expected: wordsOf(expectation),
  };
}

/** The key that tells a union's members apart is missing or has an unknown value. */
function badTag(issue: z.core.$ZodIssueInvalidUnion, at: Path, schema: z.core.$ZodType, data: unknown): Finding {
  const discriminator = issue.discriminator ?? 'kind';
  const owner = at.at(-1) === discriminator ? at.slice(0, -1) : at;
  const tags = schemasAt(schema, data, owner).flatMap((member) =>
    [...(member._zod.propValues?.[discriminator] ?? [])].map(String),
  );
  const path = [...owner, discriminator];
  const tag = childOf(valueAt(data, owner), discriminator);
  const expected = wordsFor(tags);
  if (tag === undefined) return missing(path, expected);
  const message = `unknown ${discriminator} ${quote(tag, path)}`;
  const meant = typeof tag === 'string' ? nearest(tag, tags) : null;
  if (typeof tag !== 'string' || meant === null) return { path, message, expected };
  return { path, message, expected, meant, ...hinted(didYouMean(tag, tags)) };
}

function hinted(hint: string | undefined): Pick<Finding, 'hint'> {
  return hint === undefined ? {} : { hint };
}

function missing(path: Path, expected: string): Finding {
  return { path: path.slice(0, -1), message: `missing key ${JSON.stringify(String(path.at(-1)))}`, expected };
}

function expectationAt(schema: z.core.$ZodType, data: unknown, path: Path): Expectation {
  const all = schemasAt(schema, data, path, (candidate) => rememberedFor(candidate) !== undefined).map(expectationOf);
  const nouns = [...new Set(all.map((expectation) => expectation.noun))];
  const likes = [...new Set(all.map((expectation) => expectation.like).filter((like) => like !== undefined))];
  if (nouns.length === 0) return { noun: 'allowed here' };
  return { noun: nouns.join(' or '), ...(nouns.length === 1 && likes[0] !== undefined ? { like: likes[0] } : {}) };
}

/** A value as it may stand in a message: short, and never a secret. */
function quote(value: unknown, path: Path): string {
  if (isSecretKey(path.findLast((key) => typeof key === 'string'))) return 'this value';

  if (typeof value === 'string')
    return JSON.stringify(maskSecrets(value.length > 60 ? `${value.slice(0, 60)}…` : value));
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : 'this';
}

/** YAML and zod know no symbols as keys. */
function pathOf(issue: Pick<Issue, 'path'>): Path {
  return issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key));
}
