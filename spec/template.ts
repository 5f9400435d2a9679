/** `{{name}}` in the spec's texts: where they stand and what they name. */

/** One pair of double braces. */
export interface Slot {
  /** What stands between the braces, without blanks around it. */
  readonly name: string;
  /** Offset of the first brace in the text. */
  readonly offset: number;
}

/** All slots of a text, in order. */
export function slotsOf(text: string): readonly Slot[] {
  return [...text.matchAll(/\{\{([^{}]*)\}\}/g)].map((match) => ({
    name: (match[1] ?? '').trim(),
    offset: match.index,
  }));
}

/** The name in `secret:NAME`; `null` for anything that is no secret. */
export function secretOf(name: string): string | null {
  return name.startsWith('secret:') ? name.slice('secret:'.length) : null;
}
