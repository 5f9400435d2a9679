/** What a world is made of: the service and its releases over time, what goes wrong, and the people. */

import { type Moment, steady, type Timeline } from './timeline.ts';

/** How one release behaves, wherever it runs. */
export interface ReleaseScript {
  /** From its start until it is ready; `null`: never. */
  readonly readyAfterMs: number | null;
  /** Its health check fails while this is true; it answers on. */
  readonly unready: Timeline<boolean>;
  /** Its processes end by themselves at these moments. */
  readonly dies: readonly Moment[];
  /** Failing requests in a million. */
  readonly errorsPpm: Timeline<number>;
  /** How long its answers take, ms. */
  readonly latencyMs: Timeline<number>;
  /** What smoke requests are told: what they expect, or a status. */
  readonly smoke: Timeline<'pass' | number>;
}

/** Ready after two seconds, without faults. */
export const plainRelease: ReleaseScript = {
  readyAfterMs: 2_000,
  unready: steady(false),
  dies: [],
  errorsPpm: steady(0),
  latencyMs: steady(0),
  smoke: steady('pass'),
};

/** What a query says: a number, a word for a number, or why there is none. */
export type Measure =
  | number
  /** On the good or the bad side of the criterion, whatever it is. */
  | 'good'
  | 'bad'
  | 'NaN'
  | '+Inf'
  | '-Inf'
  | 'empty'
  /** The number before, with its old time. */
  | 'stale'
  /** HTTP 503. */
  | 'unavailable';

/** Releases are named by their label, or by the part they play: `stable` is what serves when the world begins, `canary` the plan's release. */
export type ByRelease<T> = Readonly<Record<string, T>>;

export interface WorldScript {
  readonly stable: { readonly label: string };
  /** User requests in 1,000 seconds. */
  readonly milliRequests: Timeline<number>;
  /** How often the metrics server looks at the counters. */
  readonly scrapeMs: number;
  readonly releases: ByRelease<ReleaseScript>;
  /** By criterion, then by release. */
  readonly criteria: Readonly<Record<string, ByRelease<Timeline<Measure>>>>;
  readonly proxy: readonly ProxyEvent[];
}

/** What happens to the proxy without anybody of ours. */
export type ProxyEvent =
  | { readonly when: Moment; readonly do: 'restart'; readonly resume: boolean; readonly downMs: number }
  /** Somebody changes the weights by hand. */
  | { readonly when: Moment; readonly do: 'weights'; readonly canaryBp: number };

/** A hundred requests a second, all is well. */
export const plainWorld: WorldScript = {
  stable: { label: 'v1' },
  milliRequests: steady(100_000),
  scrapeMs: 1_000,
  releases: {},
  criteria: {},
  proxy: [],
};
