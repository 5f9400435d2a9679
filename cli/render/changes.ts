/** What is new between two looks at a rollout, one line each: the watch where there is no terminal. */

import type { Finding } from '../../judge/verdict.ts';
import type { Status } from '../../plan/status.ts';
import type { TimelineEvent } from '../../plan/timeline.ts';
import { formatBp, formatShare, formatTime } from '../../plan/units.ts';
import { clean } from './clean.ts';

/** The part of a look that is compared. */
export interface Seen {
  readonly at: number;
  readonly status: Status | null;
  readonly timeline: readonly TimelineEvent[];
  readonly trouble: string | null;
}

interface Line {
  readonly at: number;
  readonly text: string;
}

/** Lines with their time in front, oldest first; the first look shows the whole timeline so far. */
export function renderChanges(before: Seen | null, after: Seen): readonly string[] {
  const { at, status, timeline, trouble } = clean(after);
  const verdicts = (status?.findings ?? [])
    .filter((finding) => isNews(before?.status?.findings, finding))
    .map((finding) => ({ at: heardAt(finding, before, at), text: sentenceOf(finding) }));
  const isBack = trouble === null && before !== null && before.trouble !== null;
  const lines: readonly Line[] = [
    ...newEvents(before?.timeline ?? [], timeline),
    ...verdicts,
    ...firstSight(before?.status ?? null, status).map((text) => ({ at, text })),
    ...(trouble !== null && trouble !== before?.trouble ? [{ at, text: trouble }] : []),
    ...(isBack ? [{ at, text: 'answers again' }] : []),
  ];
  return lines.toSorted((one, other) => one.at - other.at).map((line) => `${formatTime(line.at)}  ${line.text}`);
}

function sentenceOf({ criterion, verdict, idle, sentence }: Finding): string {
  return `${criterion} ${idle === true ? 'does not count' : verdict}: ${sentence}`;
}

/** Heartbeats bring verdicts late: one from before the last look is told as of now, below what was told since. */
function heardAt(finding: Finding, before: Seen | null, now: number): number {
  return before !== null && before.trouble === null && finding.at < before.at ? now : finding.at;
}

/** The timeline is bounded at its old end, so what is new is what follows the last event known. */
function newEvents(known: readonly TimelineEvent[], now: readonly TimelineEvent[]): readonly TimelineEvent[] {
  const last = clean(known.at(-1));
  if (last === undefined) return now;
  const at = now.findLastIndex((event) => event.at === last.at && event.code === last.code && event.text === last.text);
  return at === -1 ? now.filter((event) => event.at > last.at) : now.slice(at + 1);
}

function isNews(before: readonly Finding[] | undefined, finding: Finding): boolean {
  const last = before?.find((candidate) => candidate.criterion === finding.criterion);
  return last?.verdict !== finding.verdict || last.breached !== finding.breached || last.idle !== finding.idle;
}

/** Shifts are events of the timeline, and observed shares move with every request: only their first sight is news. */
function firstSight(before: Status | null, after: Status | null): readonly string[] {
  if (after === null) return [];
  const { requestedBp, observedShare, observedRequests } = after.weights;
  const known = before?.weights.requestedBp === requestedBp && before.weights.observedShare !== null;
  if (observedShare === null || known) return [];
  const requests = observedRequests === null ? '' : ` (${observedRequests.toLocaleString('en-US')} requests)`;
  return [`requested ${formatBp(requestedBp)}, observed ${formatShare(observedShare)}${requests}`];
}
