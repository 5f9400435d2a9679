/** Answers that are lists or a few lines: rollouts, timeline, explanation, doctor, setup, and what the server knows. */

import { rolloutName } from '../../client/ids.ts';
import type { Described, ListRow, SetUp } from '../../client/index.ts';
import type { DoctorCheck } from '../../activities/contract.ts';
import type { Explanation } from '../../plan/status.ts';
import type { TimelineEvent } from '../../plan/timeline.ts';
import { formatElapsed, formatTime } from '../../plan/units.ts';
import { clean } from './clean.ts';
import type { Paint } from './paint.ts';
import { columns } from './columns.ts';
import { ago, ahead, wrap } from './text.ts';

/** One row per rollout, newest first as given. */
export function renderList(rows: readonly ListRow[], now: number, paint: Paint): string {
  if (rows.length === 0) return 'no rollouts';
  const heads = ['ROLLOUT', 'STATE', '%', 'RELEASE', 'REQUESTER', 'STARTED', 'TOOK', 'RUN'];
  const cells = clean(rows).map((row) => [
    rolloutName(row.rollout),
    stateOf(row),
    row.percent === null ? '' : String(row.percent),
    row.label ?? '',
    row.requester ?? '',
    ago(row.startedAt, now),
    row.closedAt === null ? '' : formatElapsed(row.closedAt - row.startedAt),
    row.run.slice(0, 13),
  ]);
  const [head = '', ...body] = columns([heads, ...cells]);
  return [paint.dim(head), ...body].join('\n');
}

/** A run that Temporal ended has a state that it never left. */
function stateOf(row: Pick<ListRow, 'state' | 'execution'>): string {
  const state = row.state ?? 'unknown';
  const byItself = row.execution === 'RUNNING' || row.execution === 'COMPLETED';
  return byItself ? state : `${row.execution.toLowerCase()} while ${state}`;
}

export function renderTimeline(events: readonly TimelineEvent[]): string {
  if (events.length === 0) return 'nothing has happened yet';
  return columns(clean(events).map((event) => [formatTime(event.at), event.code, event.text])).join('\n');
}

/** Sentences wrapped to the terminal: problems of a refusal are long. */
export function renderExplanation(explanation: Explanation, now: number, width: number): string {
  const rows = rowsOf(clean(explanation), now);
  const room = Math.max(30, width - Math.max(...rows.map(([label]) => label.length)) - 2);
  const lines = rows.flatMap(([label, text]) => {
    return wrap(text, room).map((line, index) => [index === 0 ? label : '', line]);
  });
  return columns(lines).join('\n');
}

type Row = readonly [label: string, text: string];

function rowsOf(explanation: Explanation, now: number): readonly Row[] {
  const { waitingFor, since, unblock, otherwise, earliestFinish, at, ended } = explanation;
  const doable = unblock.map((who, index): Row => [index === 0 ? 'unblock' : '', who]);
  const begun = `${formatTime(since)} (${ago(since, now)})`;
  if (ended !== undefined) {
    const { outcome, because } = ended;
    const reasons = because.map((text, index): Row => {
      return [index === 0 ? 'because' : '', outcome === 'refused' ? `✗ ${text}` : text];
    });
    return [['ended', `${outcome} ${begun}`], ...reasons, ['then', otherwise], ...doable];
  }
  const finish =
    earliestFinish === null
      ? 'unknown'
      : `at the earliest ${formatTime(earliestFinish)} (${ahead(earliestFinish, now)})`;
  return [
    ['waiting for', waitingFor],
    ['since', begun],
    ...doable,
    ['otherwise', otherwise === '' ? 'it goes on by itself' : otherwise],
    ['finish', finish],
    ['as of', `${formatTime(at)} (${ago(at, now)})`],
  ];
}

export function renderChecks(checks: readonly DoctorCheck[], paint: Paint): string {
  const rows = columns(clean(checks).map((check) => [check.what, check.detail]));
  return rows
    .map((row, index) => `${checks[index]?.ok === true ? paint.green('✓') : paint.red('✗')} ${row}`)
    .join('\n');
}

export function renderSetup({ searchAttributes, guardian }: SetUp, namespace: string): string {
  const rows = columns(searchAttributes.map(({ name, type, state }) => [`  ${name}`, type, state]));
  const watch = `guardian, every minute: schedule ${clean(guardian.schedule)} ${guardian.state}`;
  return [`search attributes of namespace "${clean(namespace)}":`, ...rows, watch].join('\n');
}

/** Used when no worker answers: the same facts that Temporal's own pages have. */
export function renderDescribed(described: Described, why: string, now: number, paint: Paint): string {
  const { rollout, release, percent, requester, startedAt, closedAt, watch, watchAt, activities } = clean(described);
  const running = activities.map(({ type, attempt, lastFailure }) => {
    const failure = lastFailure === null ? '' : `, last failure: ${lastFailure}`;
    return `${type}, attempt ${String(attempt)}${failure}`;
  });
  const over = closedAt === null ? [] : [['ended', `${formatTime(closedAt)} (${ago(closedAt, now)})`]];
  const rows = [
    ['state', `${stateOf(described)} at ${percent === null ? 'an unknown' : String(percent)} %`],
    ['release', release === null ? 'unknown' : `${release.label} ${release.digest}`],
    ['asked for', `by ${requester ?? 'unknown'} ${ago(startedAt, now)}`],
    ...over,
    ...(watch === null ? [] : [['watch', `${watch.summary}${watchAt === null ? '' : ` (${ago(watchAt, now)})`}`]]),
    ...running.map((text, index) => [index === 0 ? 'running' : '', text]),
  ];
  const what = rolloutName(rollout);
  return [paint.bold(what), ...columns(rows).map((row) => `  ${row}`), paint.yellow(clean(why)), serverOnly].join('\n');
}

const serverOnly = 'This is what the Temporal server knows; the rollout itself could not be asked.';
