/** What JSON paths find in answers, and whether an answer contains what is expected. */

import type { JsonValue } from '../../plan/plan.ts';
import { matches } from '../json-path.ts';
import { SmokeProblem } from './template.ts';

/** Everything a path finds. Throws `SmokeProblem` for a path that cannot be evaluated. */
export function find(path: string, json: JsonValue): readonly JsonValue[] {
  try {
    return matches(path, json);
  } catch (error) {
    throw new SmokeProblem(`JSON path ${path} cannot be evaluated`, { cause: error });
  }
}

/** Neither null nor empty. */
export function isThere(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === '') return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

/** Where an answer does not contain what is expected, in words; `null` when it does. */
export function mismatch(expected: JsonValue, actual: JsonValue | undefined, path = '$'): string | null {
  if (Array.isArray(expected)) return mismatchOfArray(expected, actual, path);
  if (expected === null || typeof expected !== 'object') {
    return expected === actual ? null : `${path}: expected ${written(expected)}, got ${written(actual)}`;
  }
  if (actual === null || typeof actual !== 'object' || Array.isArray(actual)) {
    return `${path}: expected an object, got ${written(actual)}`;
  }
  for (const [key, item] of Object.entries(expected)) {
    const own = Object.hasOwn(actual, key) ? (actual as Readonly<Record<string, JsonValue>>)[key] : undefined;
    const found = mismatch(item, own, `${path}.${key}`);
    if (found !== null) return found;
  }
  return null;
}

/** Every expected item must be contained in some item, in any order. */
function mismatchOfArray(expected: readonly JsonValue[], actual: JsonValue | undefined, path: string): string | null {
  if (!Array.isArray(actual)) return `${path}: expected a list, got ${written(actual)}`;
  const missing = expected.find((item) => !actual.some((own: JsonValue) => mismatch(item, own) === null));
  return missing === undefined ? null : `${path}: no item contains ${written(missing)}`;
}

/** In full: the report is cut only after secrets are hidden, as half a secret would not be found. */
function written(value: JsonValue | undefined): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
