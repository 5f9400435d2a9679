/** What was polled while somebody watched: the last values of each criterion and of the observed weight. */

import type { Finding } from '../../judge/verdict.ts';
import type { Status } from '../../plan/status.ts';
import { cleanText } from './clean.ts';
import { mostCells, type Scale } from './sparkline.ts';

/** Values in the order of their polls, `null` where there was no data, and the time of the last poll. */
interface Series {
  readonly at: number;
  readonly values: readonly (number | null)[];
}

export interface History {
  /** By the name that is shown. */
  readonly criteria: ReadonlyMap<string, Series>;
  /** Observed share of the release, 0..1. */
  readonly weight: Series;
}

const nothing: Series = { at: -Infinity, values: [] };

export const noHistory: History = { criteria: new Map(), weight: nothing };

/** The history with what this status adds: one value per poll, however often the same poll is looked at. */
export function remembered(history: History, status: Status): History {
  const criteria = new Map(history.criteria);
  for (const { criterion, at, value, verdict } of status.findings) {
    const name = cleanText(criterion);
    criteria.set(name, added(criteria.get(name) ?? nothing, at, verdict === 'no-data' ? null : value));
  }
  const polls = status.findings.map(({ at }) => at);
  const polledAt = polls.length === 0 ? (status.bake?.at ?? -Infinity) : Math.max(...polls);
  return { criteria, weight: added(history.weight, polledAt, status.weights.observedShare) };
}

function added(series: Series, at: number, value: number | null): Series {
  return at > series.at ? { at, values: [...series.values, value].slice(-mostCells) } : series;
}

/** The threshold is the top where more is bad and the bottom where less is bad, so that a breach stands at the edge. */
export function scaleOf({ limit, baseline }: Finding): Scale {
  const found = /^([<>])=? (\S+?)(%|ms|s|x stable)?(?:,? (?:until|at least) .*)?$/.exec(limit);
  const written = Number(found?.[2]);
  if (found === null || !Number.isFinite(written)) return {};
  const threshold = inUnit(written, found[3], baseline, Number(/ at least (\S+)$/.exec(limit)?.[1] ?? 0));
  if (threshold === null) return {};
  return found[1] === '>' ? { top: threshold } : { bottom: threshold };
}

/** Values are ratios and seconds; a comparison's threshold moves with its baseline. */
function inUnit(written: number, unit: string | undefined, baseline: number | null, floor: number): number | null {
  switch (unit) {
    case '%':
      return written / 100;
    case 'ms':
      return written / 1_000;
    case 'x stable':
      return baseline === null ? null : written * Math.max(baseline, floor);
    default:
      return written;
  }
}
