/** A record in a few lines: whose it is, how it ended, its digest, and what is not in it. */

import { nameOf } from '../../plan/release.ts';
import type { RolloutRecord } from '../../plan/record.ts';
import { formatTime } from '../../plan/units.ts';
import { clean } from './clean.ts';
import { columns } from './columns.ts';

/** What has no faults has the form of a record as well. */
export function isWhole(value: unknown, faults: readonly string[]): value is RolloutRecord {
  return faults.length === 0 && typeof value === 'object' && value !== null;
}

export function renderRecord(foreign: RolloutRecord): string {
  const { status, digest, timeline, requests, leftOut, masked } = clean(foreign);
  const { outcome, phase, reason } = status;
  const decisions = requests.reduce((sum, request) => sum + request.decisions.length, 0);
  const rows = [
    ['rollout', `${status.environment}/${status.service}, run ${status.run}`],
    ['release', nameOf(status.release)],
    ['asked for', `by ${status.requester}, ${formatTime(status.startedAt)}`],
    outcome === null ? ['still runs', phase] : ['outcome', `${outcome}, ${formatTime(status.at)}`],
    ...(reason === null ? [] : [['reason', reason]]),
    ['events', String(timeline.length)],
    ['gates asked', String(requests.length)],
    ['decisions', String(decisions)],
    ...leftOut.map((what) => ['left out', what]),
    ...(masked === 0 ? [] : [['masked', `${String(masked)} texts held a secret; digests inside cannot be checked`]]),
    ['digest', digest],
  ];
  return columns(rows)
    .map((row) => `  ${row}`)
    .join('\n');
}
