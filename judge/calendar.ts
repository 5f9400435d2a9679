/** Whether a moment lies within the windows of a calendar, by the wall clocks of its time zone. */

import type { Calendar, CalendarWindow, Weekday } from '../plan/criteria.ts';

export const weekdays: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** Kept, because making one takes longer than judging a whole poll. */
const clocks = new Map<string, Intl.DateTimeFormat>();

/** `at` in epoch ms; `null` where this machine does not know the time zone. Never throws. */
export function isWithin({ timezone, windows }: Calendar, at: number): boolean | null {
  const wall = wallClock(timezone, at);
  return wall === null ? null : windows.some((window) => covers(window, wall));
}

interface WallClock {
  readonly day: number;
  /** Since midnight. */
  readonly ms: number;
}

function wallClock(timezone: string, at: number): WallClock | null {
  try {
    const known = clocks.get(timezone) ?? clockOf(timezone);
    clocks.set(timezone, known);
    const parts = new Map(known.formatToParts(at).map(({ type, value }) => [type, value]));
    const day = weekdays.findIndex((name) => name === parts.get('weekday')?.toLowerCase());
    const [hours, minutes, seconds] = (['hour', 'minute', 'second'] as const).map((name) => Number(parts.get(name)));
    return { day, ms: ((hours ?? 0) * 60 + (minutes ?? 0)) * 60_000 + (seconds ?? 0) * 1_000 };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function clockOf(timeZone: string): Intl.DateTimeFormat {
  const digits = '2-digit';
  return new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: digits,
    minute: digits,
    second: digits,
    hourCycle: 'h23',
  });
}

/** A window that does not end later in its day than it began ends on the next one. */
function covers({ days, fromMs, toMs }: CalendarWindow, { day, ms }: WallClock): boolean {
  const beginsOn = (index: number) => days.includes(weekdays[(index + 7) % 7] ?? 'mon');
  if (fromMs < toMs) return beginsOn(day) && ms >= fromMs && ms < toMs;
  return (beginsOn(day) && ms >= fromMs) || (beginsOn(day - 1) && ms < toMs);
}

/** `mon-fri 09:00-18:00, sat 10:00-14:00 America/Argentina/Buenos_Aires` */
export function calendarInWords({ timezone, windows }: Calendar): string {
  const texts = windows.map(
    ({ days, fromMs, toMs }) =>
      `${daysInWords(days)}${fromMs === 0 && toMs === 86_400_000 ? '' : ` ${clockText(fromMs)}-${clockText(toMs)}`}`,
  );
  return `${texts.join(', ')} ${timezone}`;
}

function daysInWords(days: readonly Weekday[]): string {
  const indexes = weekdays.flatMap((day, index) => (days.includes(day) ? [index] : []));
  const [first = 0, last = 0] = [indexes.at(0), indexes.at(-1)];
  if (indexes.length < 3 || last - first !== indexes.length - 1) {
    return indexes.map((index) => weekdays[index]).join(' ');
  }
  return indexes.length === 7 ? 'daily' : `${weekdays[first] ?? ''}-${weekdays[last] ?? ''}`;
}

function clockText(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}
