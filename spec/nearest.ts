/** The valid word that somebody most likely meant. */

import { closest, distance } from 'fastest-levenshtein';

/** The nearest of `words`, or `null` when none is near enough to be what was meant. */
export function nearest(word: string, words: readonly string[]): string | null {
  if (words.length === 0 || word.length > 100) return null;
  const lower = word.toLowerCase();
  const candidate = closest(lower, words);
  const other = candidate.toLowerCase();
  const contained = Math.min(lower.length, other.length) >= 3 && (lower.includes(other) || other.includes(lower));
  const reach = Math.max(1, Math.floor(Math.max(word.length, candidate.length) * 0.4));
  return contained || distance(lower, other) <= reach ? candidate : null;
}

/** `did you mean "weight"?`, or nothing. */
export function didYouMean(word: string, words: readonly string[]): string | undefined {
  const candidate = nearest(word, words);
  return candidate === null ? undefined : `did you mean "${candidate}"?`;
}

/** Words in a sentence, at most sixteen of them. */
export function listed(words: readonly string[]): string {
  const shown = words.slice(0, 16).join(', ');
  return words.length > 16 ? `${shown}, …` : shown;
}
