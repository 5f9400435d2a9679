/** Values over the time of a world: each holds from a moment on, and a moment may wait for a weight. */

/** When something is: so long after the world began, or after the release under test first had that share. */
export type Moment =
  | { readonly kind: 'at'; readonly ms: number }
  | { readonly kind: 'from'; readonly weightBp: number; readonly afterMs: number };

export interface Point<T> {
  readonly when: Moment;
  readonly value: T;
}

/** What holds in the beginning, and what changes it. */
export interface Timeline<T> {
  readonly first: T;
  readonly points: readonly Point<T>[];
}

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

/** The first moment after `at` at which something changes, as far as is known; `Infinity` when nothing does. */
export function nextAfter(moments: readonly Moment[], at: number, history: History): number {
  return moments.reduce((next, when) => {
    const time = timeOf(when, history);
    return time !== null && time > at && time < next ? time : next;
  }, Infinity);
}

export function momentsOf(timelines: readonly Timeline<unknown>[]): readonly Moment[] {
  return timelines.flatMap(({ points }) => points.map(({ when }) => when));
}
