/** The name of a record in an archive: it sorts by time, tells how it ended, and no two different records share one. */

import type { Outcome } from './phases.ts';
import type { RolloutRecord } from './record.ts';

/** What can be known of a record without reading it. */
export interface RecordKey {
  readonly environment: string;
  readonly service: string;
  /** Epoch ms. */
  readonly startedAt: number;
  readonly outcome: Outcome;
  /** First run of its chain. */
  readonly run: string;
  /** First 12 hex digits of the record's digest. */
  readonly digest: string;
}

const outcomes: Readonly<Record<Outcome, true>> = {
  completed: true,
  'rolled-back': true,
  aborted: true,
  superseded: true,
  detached: true,
  refused: true,
};

const name = String.raw`[A-Za-z0-9](?:[\w.-]{0,126}[A-Za-z0-9])?`;
const form = new RegExp(
  String.raw`^(${name})/(${name})/(\d{8})T(\d{6})(\d{3})Z\.([a-z-]+)\.([\w-]{1,64})\.([0-9a-f]{12})\.json$`,
);

/** `production/web/20261122T100000000Z.rolled-back.<run>.<digest>.json`; `null` while it runs, or when a name has another form than ours. */
export function keyOf({ status, digest }: RolloutRecord): string | null {
  const { environment, service, startedAt, outcome, run } = status;
  if (Number.isNaN(new Date(startedAt).getTime())) return null;
  const at = new Date(startedAt).toISOString().replace(/[-:.]/g, '');
  const key = `${environment}/${service}/${at}.${outcome ?? ''}.${run}.${digest.slice('sha256:'.length, 'sha256:'.length + 12)}.json`;
  return parseKey(key) === null ? null : key;
}

/** `null` for whatever else lies in an archive. */
export function parseKey(key: string): RecordKey | null {
  const [, environment, service, day, time, ms, outcome, run, digest] = form.exec(key) ?? [];
  if (digest === undefined || outcome === undefined || !Object.hasOwn(outcomes, outcome)) return null;
  const iso = `${spaced(day, [4, 6], '-')}T${spaced(time, [2, 4], ':')}.${ms ?? ''}Z`;
  const startedAt = Date.parse(iso);
  if (Number.isNaN(startedAt)) return null;
  return {
    environment: environment ?? '',
    service: service ?? '',
    startedAt,
    outcome: outcome as Outcome,
    run: run ?? '',
    digest,
  };
}

/** `20261122` as `2026-11-22`. */
function spaced(digits: string | undefined, [one, two]: readonly [number, number], mark: string): string {
  const text = digits ?? '';
  return [text.slice(0, one), text.slice(one, two), text.slice(two)].join(mark);
}
