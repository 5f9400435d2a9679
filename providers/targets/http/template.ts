/** Fills `{{name}}` into the operator's calls. Values are somebody else's text: each is encoded for where it stands, or refused. */

import type { JsonValue } from '../../../plan/plan.ts';
import { ProviderError } from '../../errors.ts';

export type Values = ReadonlyMap<string, string | number>;

const placeholder = /\{\{\s*([\w.-]+)\s*\}\}/g;
const lonePlaceholder = new RegExp(`^${placeholder.source}$`);

/** A value is one piece of a path or a query, whatever is in it. Throws `invalid` when it would lead elsewhere. */
export function fillUrl(template: string, values: Values): string {
  const filled = fill(template, values, (text, name) => {
    if (text === '') throw unfit(name, 'is empty, and an address without it means something else');
    return encoded(text, name);
  });
  const [path = ''] = filled.split(/[?#]/);
  const segments = path.split('/').slice(3); // after scheme and host
  if (!segments.includes('.') && !segments.includes('..')) return filled;
  throw unfit('a value', 'would lead to another place of the API (. or ..)');
}

function encoded(text: string, name: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    throw unfit(name, 'has half a character in it');
  }
}

/** Printable ASCII as it is: a line break would begin another header. Throws `invalid`. */
export function fillHeader(template: string, values: Values): string {
  return fill(template, values, (text, name) => {
    if (/^[\x20-\x7e]*$/.test(text)) return text;
    throw unfit(name, 'has characters that no header can carry');
  });
}

/** Texts have no form of their own that a value could be encoded for: only what means nothing anywhere passes. Throws `invalid`. */
export function fillText(template: string, values: Values): string {
  return fill(template, values, (text, name) => {
    if (/^[\w.:@/+-]*$/.test(text)) return text;
    throw unfit(name, 'has characters that could mean something in a text body: send JSON');
  });
}

/** Only texts inside the JSON are filled in, keys too, so that no value can change its form; a lone `{{name}}` keeps its type. */
export function fillJson(template: JsonValue, values: Values): JsonValue {
  if (typeof template === 'string') {
    const alone = lonePlaceholder.exec(template)?.[1];
    return alone === undefined ? fill(template, values, String) : valueOf(alone, values);
  }
  if (Array.isArray(template)) return template.map((item: JsonValue) => fillJson(item, values));
  if (template === null || typeof template !== 'object') return template;
  const entries = Object.entries(template).map(
    ([key, item]) => [fill(key, values, String), fillJson(item, values)] as const,
  );
  if (new Set(entries.map(([key]) => key)).size === entries.length) return Object.fromEntries(entries);
  throw unfit('a value', 'makes two keys of the body the same');
}

function fill(template: string, values: Values, encode: (text: string, name: string) => string): string {
  return template.replaceAll(placeholder, (_, name: string) => encode(String(valueOf(name, values)), name));
}

function valueOf(name: string, values: Values): string | number {
  const value = values.get(name);
  if (value !== undefined) return value;
  throw unfit(name, 'is not known in this call');
}

function unfit(name: string, detail: string): ProviderError {
  return new ProviderError({ code: 'invalid', doing: 'make a declared call', detail: `{{${name}}} ${detail}` });
}
