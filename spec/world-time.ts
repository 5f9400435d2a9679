/** Time in a world's file: moments that may wait for a weight, and values that change at them. */

import * as z from 'zod';
import { expecting } from './expectations.ts';
import { duration, weight } from './values.ts';

/** So long after the world began, or after the release under test first had that share of the traffic. */
export type Moment =
  | { readonly kind: 'at'; readonly ms: number }
  | { readonly kind: 'from'; readonly weightBp: number; readonly afterMs: number };

export interface Point<T> {
  readonly when: Moment;
  readonly value: T;
}

/** What holds in the beginning, and what changes it, each until the next. */
export interface Timeline<T> {
  readonly first: T;
  readonly points: readonly Point<T>[];
}

/** `null` for the beginning, and for no end. */
export interface Span {
  readonly from: Moment | null;
  readonly forMs: number | null;
}

export const momentKeys = {
  at: duration.optional().describe('So long after the world began.'),
  from: expecting(
    weight.refine((bp) => bp > 0),
    'a share of traffic above zero',
    'such as 1% or 25%',
  )
    .optional()
    .describe('When the release under test first has this share.'),
  after: duration.optional().describe('So long after that.'),
};

interface WrittenMoment {
  readonly at?: number | undefined;
  readonly from?: number | undefined;
  readonly after?: number | undefined;
}

/** Nothing written is the beginning; what contradicts itself is told by the cross-checks. */
export function momentOf({ at, from, after }: WrittenMoment): Moment | null {
  if (from !== undefined) return { kind: 'from', weightBp: from, afterMs: after ?? 0 };
  return at === undefined ? null : { kind: 'at', ms: at };
}

export const beginning: Moment = { kind: 'at', ms: 0 };

export function spanOf(written: WrittenMoment & { readonly for?: number | undefined }): Span {
  return { from: momentOf(written), forMs: written.for ?? null };
}

export function duringSpans(spans: readonly Span[]): Timeline<boolean> {
  const points = spans.flatMap(({ from, forMs }): Point<boolean>[] => {
    const when = from ?? beginning;
    return [{ when, value: true }, ...(forMs === null ? [] : [{ when: later(when, forMs), value: false }])];
  });
  return { first: false, points };
}

function later(when: Moment, ms: number): Moment {
  return when.kind === 'at' ? { kind: 'at', ms: when.ms + ms } : { ...when, afterMs: when.afterMs + ms };
}

/** One value, or a list of what holds first and what follows: `[0.1%, { from: 25%, after: 10m, is: 4% }]`. */
export function timeline<T>(value: z.ZodType<T>) {
  const point = z
    .strictObject({ ...momentKeys, is: value })
    .transform((written): Point<T> => ({ when: momentOf(written) ?? beginning, value: written.is }));
  const one = value.transform((first): Timeline<T> => ({ first, points: [] }));
  const then = z
    .array(z.union([point, value.transform((first): Point<T> => ({ when: beginning, value: first }))]))
    .min(1)
    .transform((points): Timeline<T> => ({ first: (points[0] as Point<T>).value, points: points.slice(1) }));
  return z.union([one, then]);
}
