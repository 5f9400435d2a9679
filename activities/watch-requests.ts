/** Counts requests from raw counters: integer deltas per series, resets handled, never extrapolated. */

import type { CounterSeries } from '../providers/ports.ts';
import type { Observed } from './contract.ts';

/** Last value of every series that was ever seen; a series that is missing once may come back. */
export type SeriesValues = ReadonlyMap<string, number>;

export function valuesOf(series: readonly CounterSeries[]): SeriesValues {
  return new Map(series.map(({ series: name, value }) => [name, value]));
}

/**
 * Requests between two readings by track. A value that fell was reset: it counts from zero. A series that was not there
 * before began in between, unless nothing at all was there, which says that nobody looked.
 */
export function requestsBetween(before: SeriesValues, now: readonly CounterSeries[]): ReadonlyMap<string, number> {
  const requests = new Map<string, number>();
  if (before.size === 0) return requests;
  for (const { series, track, value } of now) {
    const earlier = before.get(series) ?? 0;
    const delta = value >= earlier ? value - earlier : value;
    requests.set(track, (requests.get(track) ?? 0) + Math.round(delta));
  }
  return requests;
}

/** The counts of the stage so far and what came in since. */
export function counted(observed: Observed, more: ReadonlyMap<string, number>, canary: string, upTo: number): Observed {
  const total = [...more.values()].reduce((sum, count) => sum + count, observed.totalRequests ?? 0);
  const ofCanary = (observed.canaryRequests ?? 0) + (more.get(canary) ?? 0);
  const share = total > 0 ? ofCanary / total : null;
  return { ...observed, canaryRequests: ofCanary, totalRequests: total, share, countedTo: upTo };
}
