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
 * On condition that what the change rests on is still so: the claim, and what stands at the places that are written. What
 * others write elsewhere on the object meanwhile does not matter, however often they do. Without a claim there is nothing to
 * test, so the whole version must be the same. Answers: 422 for a test that fails, 409 for another version.
 */
export function onlyIfUnchanged(object: JsonObject, claimKey: string, ops: readonly PatchOp[]): readonly PatchOp[] {
  const claim = textAt(object, 'metadata', 'annotations', claimKey);
  const [uid, version] = ['uid', 'resourceVersion'].map((key) => textAt(object, 'metadata', key) ?? '');
  if (claim === null) return [{ op: 'replace', path: '/metadata/resourceVersion', value: version ?? '' }, ...ops];
  const written = ops.flatMap(({ path }): PatchOp[] => {
    const value = valueAt(object, path);
    return value === undefined ? [] : [{ op: 'test', path, value }];
  });
  const claimPath = pointer('metadata', 'annotations', claimKey);
  return [
    { op: 'test', path: '/metadata/uid', value: uid ?? '' },
    { op: 'test', path: claimPath, value: claim },
    ...written.filter(({ path }) => path !== claimPath),
    ...ops,
  ];
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
