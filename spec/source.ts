/** A YAML text with the place of every node: from paths and offsets to lines, columns and excerpts without secrets. */

import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
} from 'yaml';
import type { Excerpt, Path } from './diagnostics.ts';

/** A place in the text, counted from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Something that YAML itself has to say about the text. */
export interface Complaint {
  readonly offset: number;
  readonly message: string;
}

/** Scalars under such keys are never shown, whatever else is wrong with their line. */
const secretKey = /authorization|bearer|passw|secret|token|api[-_]?key|cookie|credential/i;
/** Credentials that are recognisable wherever they stand. */
const secretText =
  /(?<=:\/\/)[^\s/@"']+(?=@)|(?<=\b(?:bearer|basic)\s+)[^\s"'{},]+|(?<=[?&][\w-]*(?:token|secret|passw\w*|api[-_]?key)=)[^\s"'&#{}]+/gi;

const excerptWidth = 110;
/** How far around an excerpt a credential may begin that reaches into it. */
const maskReach = 4_000;

/** Parsed once; all questions about places are answered from it. */
export class Source {
  readonly text: string;
  readonly complaints: readonly Complaint[];
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #secrets: readonly (readonly [from: number, to: number])[];

  constructor(text: string) {
    this.text = text;
    this.#lines = new LineCounter();
    this.#document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      stringKeys: true,
      uniqueKeys: false,
      logLevel: 'error',
    });
    const { errors, warnings } = this.#document;
    this.complaints = [
      ...firstOf([...errors, ...warnings]).map(({ pos, code, message }) => ({
        offset: pos[0],
        message: wordsOf(code, message),
      })),
      ...repeatedKeys(this.#document),
    ];
    this.#secrets = secretsOf(this.#document);
  }

  /** The whole document as plain data; throws `ReferenceError` when aliases multiply out of hand. */
  toJson(): unknown {
    return this.#document.toJS({ maxAliasCount: 100 });
  }

  /** Where a value stands, or the nearest thing around it that exists. */
  placeOf(path: Path): Place {
    for (let length = path.length; length >= 0; length -= 1) {
      const node = this.#node(path.slice(0, length));
      if (node?.range != null) return this.placeAt(node.range[0]);
    }
    return { line: 1, column: 1 };
  }

  /** Where the key of a value stands; for list elements, where the element stands. */
  placeOfKey(path: Path): Place {
    const parent = this.#node(path.slice(0, -1));
    const key = path.at(-1);
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === key);
      if (isScalar(pair?.key) && pair.key.range != null) return this.placeAt(pair.key.range[0]);
    }
    return this.placeOf(path);
  }

  /** Where character `offset` of a text value stands. */
  placeInText(path: Path, offset: number): Place {
    const node = this.#node(path);
    if (!isScalar(node) || node.range == null || typeof node.value !== 'string') return this.placeOf(path);
    const raw = this.text.slice(node.range[0], node.range[1]);
    return this.placeAt(node.range[0] + rawOffset(raw, node.type ?? 'PLAIN', node.value, offset));
  }

  placeAt(offset: number): Place {
    const { line, col } = this.#lines.linePos(Math.min(offset, this.text.length));
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  /** The line of a place, cut to a readable width around it, secrets and control characters masked. */
  excerptOf(place: Place): Excerpt | undefined {
    const begin = this.#lines.lineStarts[place.line - 1];
    if (begin === undefined) return undefined;
    const lineEnd = this.text.indexOf('\n', begin);
    const end = lineEnd === -1 ? this.text.length : lineEnd;
    const at = begin + place.column - 1;
    const half = Math.floor(excerptWidth / 2);
    const from = end - begin <= excerptWidth ? begin : Math.max(begin, Math.min(at - half, end - excerptWidth));
    const to = Math.min(end, from + excerptWidth);
    const [before, after] = [from > begin ? '…' : '', to < end ? '…' : ''];
    const text = `${before}${this.#masked(begin, end, from, to)}${after}`.trimEnd();
    return text === '' ? undefined : { text, caret: at - from + before.length + 1 };
  }

  #node(path: Path): Node | undefined {
    let node: unknown = this.#document.contents;
    for (const key of path) {
      if (isAlias(node)) node = node.resolve(this.#document);
      if (isMap(node)) {
        const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
        node = pair?.value ?? undefined;
      } else if (isSeq(node) && typeof key === 'number') node = node.items[key];
      else return undefined;
    }
    return isPair(node) ? undefined : ((node ?? undefined) as Node | undefined);
  }

  /** `from..to` of the line `begin..end`. Masks keep the length, so that columns stay true. */
  #masked(begin: number, end: number, from: number, to: number): string {
    const [first, last] = [Math.max(begin, from - maskReach), Math.min(end, to + maskReach)];
    let text = this.text.slice(first, last);
    for (const [secretFrom, secretTo] of this.#secrets) {
      const [a, b] = [Math.max(secretFrom, first) - first, Math.min(secretTo, last) - first];
      if (a < b) text = text.slice(0, a) + '*'.repeat(b - a) + text.slice(b);
    }
    // Hostile text must not steer the reader's terminal.
    const tame = maskSecrets(text).replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, ' ');
    return tame.slice(from - first, to - first);
  }
}

/** A key whose value must not be shown or quoted. */
export function isSecretKey(key: string | number | undefined): boolean {
  return typeof key === 'string' && secretKey.test(key);
}

/** Credentials inside a text replaced by stars of the same length. */
export function maskSecrets(text: string): string {
  return text.replace(secretText, (found) => '*'.repeat(found.length));
}

/** A tab in the indentation makes the parser misread what follows: nothing but the tab is said. */
function firstOf<Said extends { readonly code: string }>(said: readonly Said[]): readonly Said[] {
  const tabs = said.filter(({ code }) => code === 'TAB_AS_INDENT');
  return tabs.length > 0 ? tabs : said;
}

/** The parser's own check compares every key with every other. */
function repeatedKeys(document: Document): readonly Complaint[] {
  const complaints: Complaint[] = [];
  visit(document, {
    Map(_, map) {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value))
          complaints.push({ offset: key.range?.[0] ?? 0, message: 'this key stands twice in the same mapping' });
        seen.add(key.value);
      }
    },
  });
  return complaints;
}

function secretsOf(document: Document): (readonly [number, number])[] {
  const ranges: (readonly [number, number])[] = [];
  visit(document, {
    Pair(_, pair) {
      if (!isScalar(pair.key) || !isSecretKey(String(pair.key.value))) return;
      const value: unknown = pair.value;
      if (
        isScalar(value) &&
        value.range != null &&
        typeof value.value === 'string' &&
        !value.value.includes('{{secret:')
      )
        ranges.push([value.range[0], value.range[1]]);
    },
  });
  return ranges;
}

/**
 * Place in the raw scalar of a place in its value. Both agree on everything but white space and escapes, so the k-th
 * visible character of one is the k-th of the other.
 */
function rawOffset(raw: string, type: string, value: string, offset: number): number {
  const visible = Array.from(value.slice(0, offset).replaceAll(/\s/g, '')).length;
  const header = type.startsWith('BLOCK') ? raw.indexOf('\n') + 1 : type.startsWith('QUOTE') ? 1 : 0;
  const unit =
    type === 'QUOTE_DOUBLE' ? /\\(?:x..|u.{4}|U.{8}|[^])|[^]/gu : type === 'QUOTE_SINGLE' ? /''|[^]/gu : /[^]/gu;
  unit.lastIndex = header;
  let seen = 0;
  for (let match = unit.exec(raw); match !== null; match = unit.exec(raw)) {
    if (/^(?:\s|\\[\stnvfr_LP])/.test(match[0])) continue;
    if (seen === visible) return match.index;
    seen += 1;
  }
  return Math.max(0, raw.length - 1);
}

/** Better words where the parser speaks to programmers. */
function wordsOf(code: string, message: string): string {
  if (code === 'MULTIPLE_DOCS') return 'the file holds several documents, one is expected';
  return `YAML: ${message}`;
}
