/** Values over the time of a world: each holds from a moment on, and a moment may wait for a weight. */

import type { Moment, Span, Timeline } from '../../../spec/world-time.ts';

/** The world's own moments, epoch ms. */
export interface History {
  readonly began: number;
  /** When the release under test first had this share; `null` before. */
  reached(weightBp: number): number | null;
}

export function steady<T>(value: T): Timeline<T> {
  return { first: value, points: [] };
}

/** Epoch ms; `null` as long as nobody knows. */
export function timeOf(when: Moment, history: History): number | null {
  if (when.kind === 'at') return history.began + when.ms;
  const reached = history.reached(when.weightBp);
  return reached === null ? null : reached + when.afterMs;
}

/** The value at a moment and since when it holds: the latest point wins, of two at once the one written later. */
export function holds<T>(
  timeline: Timeline<T>,
  at: number,
  history: History,
): { readonly value: T; readonly since: number } {
  let found = { value: timeline.first, since: history.began };
  for (const { when, value } of timeline.points) {
    const since = timeOf(when, history);
    if (since !== null && since <= at && since >= found.since) found = { value, since };
  }
  return found;
}

export function valueAt<T>(timeline: Timeline<T>, at: number, history: History): T {
  return holds(timeline, at, history).value;
}

export function isWithin({ from, forMs }: Span, at: number, history: History): boolean {
  const begins = from === null ? -Infinity : timeOf(from, history);
  if (begins === null || at < begins) return false;
  return forMs === null || at < Math.max(begins, history.began) + forMs;
}

export function momentsOf(timeline: Timeline<unknown>): readonly Moment[] {
  return timeline.points.map(({ when }) => when);
}

/** The first moment after `at` at which something changes, as far as is known; `Infinity` when nothing does. */
export function nextAfter(moments: Iterable<Moment>, at: number, history: History): number {
  let next = Infinity;
  for (const when of moments) {
    const time = timeOf(when, history);
    if (time !== null && time > at && time < next) next = time;
  }
  return next;
}
