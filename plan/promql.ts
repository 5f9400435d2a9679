/** PromQL templates: filling in `{{track}}`, `{{release}}` and `{{window}}` so that no value can change the query's shape. */

import { formatDuration } from './units.ts';

/** What a template is filled in with. */
export interface QueryValues {
  /** Name of the metrics label that tells releases apart. */
  readonly trackLabel: string;
  readonly release: { readonly label: string; readonly digest: string };
  /** For `{{window}}`, ms. @default 60000 */
  readonly windowMs?: number;
}

/** A stretch of the rendered query and where it came from. */
export interface QueryPiece {
  readonly text: string;
  /** Offset in the template at which it begins. */
  readonly from: number;
  /** Name between the braces; `null` for text taken as it is. */
  readonly slot: string | null;
  /** Whether it stands inside a string literal. */
  readonly quoted: boolean;
}

/** The names that a template may use. */
export const querySlots: readonly string[] = ['track', 'release', 'window'];

/**
 * The query for one release. `{{track}}` becomes the matcher `label="value"`, `{{release}}` the release's label (a whole
 * string literal, or escaped content when it stands inside one), `{{window}}` a duration. Other names stay as they are,
 * so that Prometheus refuses them; the spec's check reports them earlier.
 */
export function renderQuery(template: string, values: QueryValues): string {
  return queryPieces(template, values)
    .map((piece) => piece.text)
    .join('');
}

/** The same, in pieces that know their place in the template. */
export function queryPieces(template: string, values: QueryValues): readonly QueryPiece[] {
  const pieces: QueryPiece[] = [];
  let literal: Literal | null = null;
  for (let from = 0; from < template.length;) {
    const token: Token = tokenAt(template, from, literal);
    const filled: string | null = token.slot === null ? null : slotText(token.slot, values, literal);
    pieces.push({ text: filled ?? token.text, from, slot: token.slot, quoted: literal !== null });
    if (token.slot === null) literal = literalAfter(literal, token.text, template.slice(0, from));
    from += token.text.length;
  }
  return pieces;
}

/** The string literal that a place of the template stands in. */
interface Literal {
  readonly quote: string;
  /** It is the right side of `=~` or `!~`. */
  readonly regex: boolean;
}

interface Token {
  readonly text: string;
  readonly slot: string | null;
}

const slot = String.raw`\{\{\s*(?<slot>[^{}\n]*?)\s*\}\}`;
/** Outside of strings: a slot, a comment, a run of plain text, or one character. */
const outside = new RegExp(String.raw`${slot}|#[^\n]*|[^"'\x60#{]+|[^]`, 'y');
/** Inside: a slot, an escape, a run of plain text, or one character. */
const inside = new RegExp(String.raw`${slot}|\\[^]|[^"'\x60\\{]+|[^]`, 'y');
/** Between back quotes nothing is escaped. */
const insideRaw = new RegExp(String.raw`${slot}|[^\x60{]+|[^]`, 'y');

function tokenAt(template: string, from: number, literal: Literal | null): Token {
  const pattern = literal === null ? outside : literal.quote === '`' ? insideRaw : inside;
  pattern.lastIndex = from;
  const match = pattern.exec(template);
  return { text: match?.[0] ?? template.slice(from), slot: match?.groups?.['slot'] ?? null };
}

function literalAfter(literal: Literal | null, token: string, before: string): Literal | null {
  if (literal !== null) return token === literal.quote ? null : literal;
  return /^["'`]$/.test(token) ? { quote: token, regex: /[=!]~\s*$/.test(before) } : null;
}

function slotText(name: string, values: QueryValues, literal: Literal | null): string | null {
  const label = values.release.label;
  switch (name) {
    case 'track':
      return escapeFor(`${labelName(values.trackLabel)}=${quoted(label)}`, literal);
    case 'release':
      return literal === null ? quoted(label) : escapeFor(label, literal);
    case 'window':
      return formatDuration(values.windowMs ?? 60_000);
    default:
      return null;
  }
}

/** Content for the literal around it; back quotes know no escapes, so a back quote is dropped there. */
function escapeFor(text: string, literal: Literal | null): string {
  if (literal === null) return text;
  const content = literal.regex ? escapeRegex(text) : text;
  return literal.quote === '`' ? content.replaceAll('`', '') : escaped(content, literal.quote);
}

/** A text as a regular expression that only matches it. */
export function escapeRegex(text: string): string {
  return text.replaceAll(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`);
}

/** A string literal of PromQL. */
export function quoted(text: string): string {
  return `"${escaped(text, '"')}"`;
}

/** Escapes of PromQL (those of Go): backslash, the quote, and control characters, which would end the literal. */
function escaped(text: string, quote: string): string {
  return text
    .replaceAll('\\', String.raw`\\`)
    .replaceAll(quote, `\\${quote}`)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`)
    .replaceAll('\u0000', String.raw`\x00`);
}

/** Names outside the classic alphabet are legal since Prometheus 3 when quoted. */
function labelName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : quoted(name);
}
