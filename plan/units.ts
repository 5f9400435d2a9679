/** How durations, weights, shares and moments are written for people; the same everywhere. */

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Units of the duration grammar, largest first, in milliseconds. */
export const durationUnits = [
  ['d', day],
  ['h', hour],
  ['m', minute],
  ['s', second],
  ['ms', 1],
] as const;

/** Exact and readable by the spec's own grammar: `1h30m`, `3d`, `1s500ms`, `0s`. `ms` is rounded to a whole number ≥ 0. */
export function formatDuration(ms: number): string {
  let rest = Math.max(0, Math.round(ms));
  if (rest === 0) return '0s';
  let text = '';
  for (const [unit, size] of durationUnits) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${String(count)}${unit}`;
    rest -= count * size;
  }
  return text;
}

/** A measured time, rounded to what a person wants to read: `850ms`, `1.2s`, `2m5s`, `3h12m`, `2d4h`. */
export function formatElapsed(ms: number): string {
  const value = Math.max(0, ms);
  if (value < 1) return '0s';
  if (value < second) return `${String(Math.floor(value))}ms`;
  if (value < 10 * second) return `${String(Math.floor(value / 100) / 10)}s`;
  const grain = value < hour ? second : value < day ? minute : hour;
  return formatDuration(Math.floor(value / grain) * grain);
}

/** A weight in basis points, without rounding: `1%`, `0.5%`, `100%`. */
export function formatBp(bp: number): string {
  return `${String(bp / 100)}%`;
}

/** An observed share 0..1 with at most two decimals: `1.01%`, `25%`. */
export function formatShare(share: number): string {
  return `${String(Math.round(share * 10_000) / 100)}%`;
}

/** A moment (epoch ms) in UTC to the second: `2026-11-22T10:00:00Z`. */
export function formatTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

/** What a number counts; `null` for plain numbers. */
export type Unit = '%' | 'ms' | 's' | null;

const scale = { '%': 100, ms: 1_000, s: 1 } as const;

/** A number for people, with as many significant digits as asked for: `0.6%`, `801ms`, `0.0123`. */
export function formatNumber(value: number, unit: Unit, digits = 3): string {
  const scaled = unit === null ? value : value * scale[unit];
  return `${String(Number(scaled.toPrecision(digits)))}${unit ?? ''}`;
}
