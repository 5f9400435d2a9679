/** Hours of the week in a time zone, as a spec writes them. */

import * as z from 'zod';
import type { Weekday } from '../plan/criteria.ts';
import { expecting } from './expectations.ts';

const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const satisfies readonly Weekday[];

/** `09:30` → ms since midnight. */
const time = expecting(
  z
    .string()
    .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/)
    .transform((text) => {
      const [hours, minutes] = text.split(':').map(Number);
      return ((hours ?? 0) * 60 + (minutes ?? 0)) * 60_000;
    }),
  'a time of day',
  'such as "09:30", from "00:00" to "24:00"',
);

/** Only its form; whether it is one is told by the cross-checks, with a hint. */
const timezone = expecting(
  z
    .string()
    .max(64)
    .regex(/^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)*$/),
  'a time zone',
  'such as America/Argentina/Buenos_Aires or UTC',
);

const window = z.strictObject({
  days: z
    .array(z.enum(weekdays))
    .min(1)
    .default([...weekdays])
    .describe('On which it begins. Default: all.'),
  from: time.prefault('00:00'),
  to: time.prefault('24:00').describe('Earlier than from: on the next day.'),
});

export const calendar = z.strictObject({ timezone, windows: z.array(window).min(1).max(20) });

/** Whether the machine that reads the spec knows the zone. */
export function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
