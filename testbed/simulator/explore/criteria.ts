/** I8 in the watchman's own words: what a watch is given judges at least as strictly as the plan that was started. */

import { isDeepStrictEqual } from 'node:util';
import type { WatchInput } from '../../../activities/contract.ts';
import type { Criterion } from '../../../plan/criteria.ts';
import { fromPayload } from '../payloads.ts';
import { WorkflowCommand } from '../proto.ts';

/** What is wrong with the criteria that a command hands to a watch, or `null`. `command`: in bytes. */
export function loosened(command: string, criteria: readonly Criterion[]): string | null {
  if (!command.includes('"segmentMs":') || command.includes(`"criteria":${JSON.stringify(criteria)}`)) return null;
  const { scheduleActivity } = WorkflowCommand.decode(Buffer.from(command, 'latin1'));
  if (scheduleActivity?.activityType !== 'watch') return null;
  const given = (fromPayload(scheduleActivity.arguments?.[0]) as WatchInput).criteria;
  const looser = criteria.find((one) => !given.some((other) => isAsStrict(other, one)));
  return looser === undefined ? null : `the watch was given criterion ${looser.id} looser than it was, or not at all`;
}

/** Lives edit nothing but the threshold of what must not be too large. */
function isAsStrict(edited: Criterion, from: Criterion): boolean {
  if (edited.id !== from.id) return false;
  if (edited.kind !== 'limit' || from.kind !== 'limit') return isDeepStrictEqual(edited, from);
  const { breach: other, ...rest } = edited;
  const { breach, ...before } = from;
  return isDeepStrictEqual(rest, before) && other.op === breach.op && other.value <= breach.value;
}
