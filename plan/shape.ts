/** What JSON from a stranger must look like: small checks put together, each saying where the first fault is. */

/** The first fault in words, with its place; `null` when there is none. */
export type Check = (value: unknown, at: string) => string | null;

/** Fields of `T` and no others; every key has to be named here, also the optional ones. */
export function object<T>(fields: { readonly [Key in keyof Required<T>]: Check }): Check {
  const checks = Object.entries<Check>(fields);
  return (value, at) => {
    if (!isRecord(value)) return `${at} is no object`;
    const unknown = Object.keys(value).find((key) => !Object.hasOwn(fields, key));
    if (unknown !== undefined) return `${at} has an unknown key ${JSON.stringify(unknown.slice(0, 60))}`;
    return first(checks, ([key, check]) => check(Object.hasOwn(value, key) ? value[key] : undefined, `${at}.${key}`));
  };
}

/** One of several objects, told apart by their `kind`. */
export function union(kinds: Readonly<Record<string, Check>>): Check {
  return (value, at) => {
    const kind = isRecord(value) && typeof value['kind'] === 'string' ? value['kind'] : '';
    const check = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
    return check === undefined ? `${at} is none of ${Object.keys(kinds).join(', ')}` : check(value, at);
  };
}

export function list(check: Check, most = 200): Check {
  return (value, at) => {
    if (!Array.isArray(value) || value.length > most) return `${at} is no list of at most ${String(most)}`;
    return first([...value.entries()], ([index, item]) => check(item, `${at}[${String(index)}]`));
  };
}

/** Values under keys that pass a check of their own. */
export function record(keys: Check, check: Check): Check {
  return (value, at) => {
    if (!isRecord(value)) return `${at} is no object`;
    return first(Object.entries(value), ([key, item]) => keys(key, `a key of ${at}`) ?? check(item, `${at}.${key}`));
  };
}

export function oneOf(...values: readonly (string | number | boolean | null)[]): Check {
  return (value, at) =>
    values.some((known) => known === value) ? null : `${at} is none of ${values.map(String).join(', ')}`;
}

/** Whole numbers in a range, both ends included. */
export function whole(least: number, most: number): Check {
  return (value, at) =>
    Number.isInteger(value) && Number(value) >= least && Number(value) <= most
      ? null
      : `${at} is no whole number from ${String(least)} to ${String(most)}`;
}

/** Numbers in a range, both ends included. */
export function range(least: number, most: number): Check {
  return (value, at) =>
    typeof value === 'number' && value >= least && value <= most
      ? null
      : `${at} is no number from ${String(least)} to ${String(most)}`;
}

export const finite: Check = (value, at) => (Number.isFinite(value) ? null : `${at} is no number`);
export const flag: Check = oneOf(true, false);

/** At most so many characters, none of them a control character unless lines are allowed. */
export function text(most: number, lines: 'one line' | 'lines' = 'one line'): Check {
  return (value, at) => {
    if (typeof value !== 'string' || value.length > most)
      return `${at} is no text of at most ${String(most)} characters`;
    return lines === 'one line' && /\p{Cc}/u.test(value) ? `${at} contains control characters` : null;
  };
}

export function matching(form: RegExp, what: string): Check {
  return (value, at) => (typeof value === 'string' && form.test(value) ? null : `${at} is no ${what}`);
}

export function orNull(check: Check): Check {
  return (value, at) => (value === null ? null : check(value, at));
}

export function optional(check: Check): Check {
  return (value, at) => (value === undefined ? null : check(value, at));
}

export const anything: Check = () => null;

function first<Item>(items: readonly Item[], faultOf: (item: Item) => string | null): string | null {
  for (const item of items) {
    const fault = faultOf(item);
    if (fault !== null) return fault;
  }
  return null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
