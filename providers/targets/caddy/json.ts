/** Small readers for Caddy's configuration: anything may stand there. */

import type { JsonValue } from '../../../plan/plan.ts';

export type JsonObject = Readonly<Record<string, JsonValue>>;

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects in a list; nothing else, and nothing when it is no list. Positions are lost: see `entriesOf`. */
export function objectsOf(value: JsonValue | undefined): readonly JsonObject[] {
  return entriesOf(value).map(([, item]) => item);
}

/** The objects in a list with their positions. */
export function entriesOf(value: JsonValue | undefined): readonly (readonly [number, JsonObject])[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly JsonValue[]).flatMap((item, index) => (isObject(item) ? [[index, item] as const] : []));
}

/** The texts in a list. */
export function textsOf(value: JsonValue | undefined): readonly string[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly JsonValue[]).filter((item): item is string => typeof item === 'string');
}

/** A copy of a list with one item replaced. */
export function withItem(value: JsonValue | undefined, index: number, item: JsonValue): readonly JsonValue[] {
  const list: readonly JsonValue[] = Array.isArray(value) ? (value as readonly JsonValue[]) : [];
  return list.map((old, at) => (at === index ? item : old));
}
