/** JSON patches (RFC 6902), each on condition that the object is still the one that was read. */

import type { JsonValue } from '../../../plan/plan.ts';
import { at, isObject, type JsonObject, textAt } from './json.ts';

export type PatchOp =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: JsonValue }
  | { readonly op: 'remove'; readonly path: string };

/** `pointer('metadata', 'annotations', 'sluice/claim')` → `/metadata/annotations/sluice~1claim` */
export function pointer(...segments: readonly (string | number)[]): string {
  return segments.map((one) => `/${String(one).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/**
 * On condition that what the change rests on is still so: the claim, or that there is none and the spec is as it was read, and
 * what stands at the places that are written. What others write elsewhere on the object meanwhile does not matter, however
 * often they do. The answer to a condition that fails is 422.
 */
export function onlyIfUnchanged(object: JsonObject, claimKey: string, ops: readonly PatchOp[]): readonly PatchOp[] {
  const test = (path: string): readonly PatchOp[] => {
    const value = valueAt(object, path);
    return value === undefined ? [] : [{ op: 'test', path, value }];
  };
  const claimPath = pointer('metadata', 'annotations', claimKey);
  const isClaimed = textAt(object, 'metadata', 'annotations', claimKey) !== null;
  const places = new Set(ops.map(({ path }) => path));
  places.delete(claimPath);
  return [
    ...test('/metadata/uid'),
    ...(isClaimed ? test(claimPath) : [absent(object, claimPath), ...test('/spec')]),
    ...[...places].flatMap(test),
    ...ops,
  ];
}

/** An API server finds `null` where nothing stands. */
function absent(object: JsonObject, claimPath: string): PatchOp {
  const path = at(object, 'metadata', 'annotations') === undefined ? pointer('metadata', 'annotations') : claimPath;
  return { op: 'test', path, value: null };
}

function valueAt(object: JsonObject, path: string): JsonValue | undefined {
  const keys = path.split('/').slice(1);
  return keys
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<JsonValue | undefined>((found, key) => {
      if (Array.isArray(found)) return (found as readonly JsonValue[])[Number(key)];
      return at(found, key);
    }, object);
}

/** Sets members of a map that may not be there; `null` takes one out. */
export function setMembers(
  object: JsonObject,
  path: readonly string[],
  members: Readonly<Record<string, JsonValue>>,
): readonly PatchOp[] {
  const there = at(object, ...path);
  const map = isObject(there) ? there : null;
  const wanted = Object.entries(members).filter(([name, value]) => value !== null || map?.[name] !== undefined);
  if (wanted.length === 0) return [];
  const ops = wanted.map(([name, value]): PatchOp => {
    const where = pointer(...path, name);
    return value === null ? { op: 'remove', path: where } : { op: 'add', path: where, value };
  });
  return map === null ? [{ op: 'add', path: pointer(...path), value: {} }, ...ops] : ops;
}

export function setAnnotations(
  object: JsonObject,
  annotations: Readonly<Record<string, string | null>>,
): readonly PatchOp[] {
  return setMembers(object, ['metadata', 'annotations'], annotations);
}
