/** Recent values as one short line of text: the oldest left, the newest right; pure values → text. */

/** From lowest to highest, and what stands where there was no data. */
export interface Marks {
  readonly levels: string;
  readonly gap: string;
}

const blocks: Marks = { levels: '▁▂▃▄▅▆▇█', gap: '·' };
const ascii: Marks = { levels: '.:-=+*#', gap: ' ' };

/** The ends of the scale where they mean something; the shown values give the others. */
export interface Scale {
  readonly bottom?: number;
  readonly top?: number;
}

/** Cells at most: more are hard to take in. */
export const mostCells = 24;

/** At most the last `cells` values; what is not a finite number is a gap. Empty with fewer than two numbers: one shows no course. */
export function sparkline(values: readonly (number | null)[], cells: number, scale: Scale, marks: Marks): string {
  const shown = cells < 1 ? [] : values.slice(-cells);
  const numbers = shown.filter(isNumber);
  if (numbers.length < 2) return '';
  const bottom = scale.bottom ?? Math.min(...numbers, scale.top ?? Infinity);
  const top = scale.top ?? Math.max(...numbers, bottom);
  return shown.map((value) => (isNumber(value) ? markOf(value, bottom, top, marks.levels) : marks.gap)).join('');
}

function isNumber(value: number | null): value is number {
  return value !== null && Number.isFinite(value);
}

/** Halves first, because the distance of two large numbers may be infinite. */
function markOf(value: number, bottom: number, top: number, levels: string): string {
  const highest = levels.length - 1;
  if (value >= top && value > bottom) return levels.charAt(highest);
  if (value <= bottom || top <= bottom) return levels.charAt(value > bottom ? highest : 0);
  // Only what reaches the top is drawn full: a breach must not look like a near miss.
  const height = (value / 2 - bottom / 2) / (top / 2 - bottom / 2);
  return levels.charAt(Math.min(highest - 1, Math.floor(height * highest)));
}

/** Blocks, unless the locale names another character set than UTF-8. */
export function marksFor(env: Readonly<Record<string, string | undefined>>): Marks {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((one) => one !== undefined && one !== '');
  return locale === undefined || /utf-?8/i.test(locale) ? blocks : ascii;
}
