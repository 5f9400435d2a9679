/** Caddy's configuration as a tree behind paths: the walk of its `admin.go`, with its words and statuses. */

import { createHash } from 'node:crypto';

export type Tree = null | boolean | number | string | Tree[] | { [key: string]: Tree };
type Branch = { [key: string]: Tree };

/** What Caddy's API answers instead of an effect. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export type Change = 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What Go's walk calls an error without a status of its own. */
const broken = (message: string): Refusal => new Refusal(500, message);

/** The value under a path, `null` for a key that is absent in an object that is there. Throws `Refusal` (500). */
export function read(root: Branch, path: string): Tree {
  let at: Tree = root;
  const parts = partsOf(path);
  for (const [depth, part] of parts.entries()) at = step(at, part, parts, depth, path);
  return at;
}

/** Changes the tree in place. Throws `Refusal`. */
export function write(root: Branch, path: string, method: Change, value: Tree): void {
  const parts = partsOf(path);
  const spread = parts.at(-1) === '...';
  if (spread) parts.pop();
  let at: Tree = root;
  for (const [depth, part] of parts.entries()) {
    if (isBranch(at)) {
      const below: Tree = at[part] ?? null;
      if (Array.isArray(below) && depth === parts.length - 2) {
        return writeItem(below, path, parts.at(-1) ?? '', method, value, spread);
      }
      if (depth === parts.length - 1) return writeKey(at, path, part, method, value, spread);
      if (below === null && method === 'PUT') at[part] = {};
    }
    at = step(at, part, parts, depth, path);
  }
}

function step(at: Tree, part: string, parts: readonly string[], depth: number, path: string): Tree {
  if (isBranch(at)) {
    const below = at[part] ?? null;
    // Reading an item of a list is checked where the list hangs.
    if (Array.isArray(below) && depth === parts.length - 2) indexIn(below, parts[depth + 1] ?? '', path, below.length);
    return below;
  }
  const here = `/${parts.slice(0, depth + 1).join('/')}`;
  if (Array.isArray(at)) return at[indexIn(at, part, here, at.length)] ?? null;
  throw broken(`invalid traversal path at: ${here.slice(1)}`);
}

function indexIn(list: readonly Tree[], part: string, path: string, below: number): number {
  const index = Number(part);
  if (!/^-?\d+$/.test(part)) {
    const why = part === '' ? 'empty index' : `strconv.Atoi: parsing ${JSON.stringify(part)}: invalid syntax`;
    throw broken(`[${path}] invalid array index '${part}': ${why}`);
  }
  if (String(index) !== part) throw broken(`[${path}] invalid array index '${part}': non-canonical array index`);
  if (index < 0 || index >= below || index > list.length) throw broken(`[${path}] array index out of bounds: ${part}`);
  return index;
}

/** POST appends to the list that the last part would be an index into. */
function writeItem(list: Tree[], path: string, part: string, method: Change, value: Tree, spread: boolean): void {
  if (method === 'POST') return append(list, value, spread);
  const index = indexIn(list, part, path, method === 'PUT' ? list.length + 1 : list.length);
  if (method === 'PUT') list.splice(index, 0, value);
  else if (method === 'PATCH') list[index] = value;
  else list.splice(index, 1);
}

function writeKey(at: Branch, path: string, key: string, method: Change, value: Tree, spread: boolean): void {
  const exists = Object.hasOwn(at, key);
  const below = at[key];
  if (method === 'POST') {
    if (Array.isArray(below)) return append(below, value, spread);
  } else if (method === 'PUT') {
    if (exists) throw new Refusal(409, `[${path}] key already exists: ${key}`);
  } else if (!exists) {
    throw new Refusal(404, `[${path}] key does not exist: ${key}`);
  }
  if (method === 'DELETE') Reflect.deleteProperty(at, key);
  else at[key] = value;
}

function append(list: Tree[], value: Tree, spread: boolean): void {
  if (spread && !Array.isArray(value)) throw broken('final element is not an array');
  if (spread && Array.isArray(value)) list.push(...value);
  else list.push(value);
}

function partsOf(path: string): string[] {
  const clean = path.replace(/^\/+|\/+$/g, '');
  if (clean === '') throw broken('no traversable path');
  return clean.split('/');
}

export function isBranch(value: Tree | undefined): value is Branch {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `@id` → path. Throws `Refusal` (400) for an id that stands twice. */
export function indexIds(value: Tree, path: string, index = new Map<string, string>()): Map<string, string> {
  if (Array.isArray(value)) for (const [at, item] of value.entries()) indexIds(item, `${path}/${at}`, index);
  if (!isBranch(value)) return index;
  for (const [key, item] of Object.entries(value)) {
    if (key !== '@id') indexIds(item, `${path}/${key}`, index);
    else if (typeof item !== 'string' && typeof item !== 'number') {
      throw new Refusal(400, `indexing config: ${path}: @id field must be a string or number`);
    } else {
      const earlier = index.get(String(item));
      if (earlier !== undefined) {
        throw new Refusal(400, `indexing config: duplicate ID '${String(item)}' found at ${earlier} and ${path}`);
      }
      index.set(String(item), path);
    }
  }
  return index;
}

/** As Go writes JSON: keys in order, `<`, `>` and `&` escaped. */
export function goJson(value: Tree): string {
  return JSON.stringify(sorted(value)).replaceAll(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function sorted(value: Tree): Tree {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isBranch(value)) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

/** Caddy hashes what it answers, the line's end included; which hash is its own affair. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
