/** The parts that several screens share: ladder, weights, bake, criteria, gates; each a list of lines. */

import { nameOf } from '../../plan/release.ts';
import type { BakeStatus, RequestStatus, Status } from '../../plan/status.ts';
import { formatBp, formatDuration, formatElapsed, formatShare } from '../../plan/units.ts';
import type { Finding } from '../../judge/verdict.ts';
import type { Paint } from './paint.ts';
import { scaleOf, type History } from './history.ts';
import { mostCells, sparkline, type Marks } from './sparkline.ts';
import { ago, ahead, bar, blockWidth, roomBeside, wrap } from './text.ts';

/** The course of the numbers, where somebody watched it. */
export interface Course {
  readonly history: History;
  readonly marks: Marks;
}

export function titleOf(status: Status, paint: Paint): string {
  const stable = status.stable === null ? '' : paint.dim(` over ${nameOf(status.stable)}`);
  return `${paint.bold(`${status.service} in ${status.environment}`)}  ${nameOf(status.release)}${stable}`;
}

/** Where it is carries `●`: a step, or 0 % once it has gone back; `✗` is the step that it went back from. */
export function ladder(status: Status, paint: Paint): string {
  const back = isBack(status);
  const rungs = status.steps.map(({ weightBp, state }) => {
    const weight = formatBp(weightBp);
    switch (state) {
      case 'done':
        return paint.green(`✓ ${weight}`);
      case 'current':
        return back ? paint.red(`✗ ${weight}`) : paint.bold(`● ${weight}`);
      case 'ahead':
        return paint.dim(`○ ${weight}`);
    }
  });
  const ground = status.weights.acceptedBp === 0 ? '● 0% (stable)' : '← 0% (stable)';
  return [...(back ? [paint.bold(ground)] : []), ...rungs].join('  ›  ');
}

/** It has turned back, or is about to: no step is the present one any more. */
function isBack({ phase, outcome }: Status): boolean {
  if (outcome === null) return phase === 'rolling-back';
  return outcome === 'rolled-back' || outcome === 'aborted' || outcome === 'superseded';
}

/** Asked for, accepted, seen: beside each other where there is room. */
export function weightLines(status: Status, width: number, paint: Paint, course?: Course): readonly string[] {
  const { requestedBp, acceptedBp, observedShare, observedRequests } = status.weights;
  const requests = observedRequests === null ? '' : ` (${observedRequests.toLocaleString('en-US')} requests)`;
  const numbers = [
    `requested ${formatBp(requestedBp)}`,
    `accepted ${acceptedBp === null ? 'unknown' : formatBp(acceptedBp)}`,
    `observed ${observedShare === null ? unobserved(status) : `${formatShare(observedShare)}${requests}`}`,
  ];
  const line = numbers.join('   ');
  const lines = line.length <= blockWidth(width) ? [line] : numbers;
  const last = lines.at(-1) ?? '';
  const cells = cellsBeside(last.length, width);
  const drawn = course === undefined ? '' : sparkline(course.history.weight.values, cells, { bottom: 0 }, course.marks);
  return drawn === '' ? lines : [...lines.slice(0, -1), `${last}  ${paint.dim(drawn)}`];
}

/** Why there is no observed share: it is still to come, or nobody counts any more. */
export function unobserved({ phase, outcome }: Status): string {
  if (outcome === 'refused' || outcome === 'aborted') return 'never';
  return outcome === null && phase !== 'rolling-back' ? 'not yet' : 'no longer';
}

const fewestCells = 6;

/** Cells for a sparkline to the right of a text; 0 where there is no room: it never takes a line, or words from one. */
function cellsBeside(used: number, width: number): number {
  const room = roomBeside(width) - used - 2;
  return room < fewestCells ? 0 : Math.min(mostCells, room);
}

const barCells = 30;

export function bakeLines(bake: BakeStatus, width: number, paint: Paint): readonly string[] {
  const { state, validMs, elapsedMs, minMs, maxMs } = bake;
  const gap = elapsedMs - validMs >= 1_000 ? ` and ${formatElapsed(elapsedMs - validMs)} without data` : '';
  const limits =
    state === 'clean'
      ? `needed ${formatDuration(minMs)}`
      : `needs ${formatDuration(minMs)}, at most ${formatDuration(maxMs)}`;
  const clock = `${formatElapsed(validMs)} valid${gap}, ${limits}`;
  const color = state === 'clean' ? paint.green : state === 'baking' ? paint.cyan : paint.yellow;
  const label = state === 'baking' ? '' : `  (${state})`;
  const picture = color(bar(validMs, minMs, maxMs, barCells));
  const roomy = barCells + 2 + clock.length + label.length <= blockWidth(width);
  const head = roomy ? [`${picture}  ${clock}${label}`] : [picture, ...wrap(`${clock}${label}`, blockWidth(width))];
  return bake.summary === '' ? head : [...head, ...wrap(bake.summary, blockWidth(width))];
}

export function findingLines(
  findings: readonly Finding[],
  width: number,
  paint: Paint,
  course?: Course,
): readonly string[] {
  const nameWidth = Math.max(0, ...findings.map((finding) => finding.criterion.length));
  const rows = findings.map((finding) => {
    const sentence = wrap(finding.sentence, blockWidth(width) - nameWidth - 4);
    return { finding, sentence, end: sentence.at(-1)?.length ?? 0 };
  });
  const ends = rows.map(({ end }) => end).filter((end) => cellsBeside(nameWidth + 4 + end, width) > 0);
  const column = Math.max(0, ...ends);
  const cells = cellsBeside(nameWidth + 4 + column, width);
  return rows.flatMap(({ finding, sentence, end }) => {
    const values = course?.history.criteria.get(finding.criterion)?.values ?? [];
    const drawn = course === undefined || end > column ? '' : sparkline(values, cells, scaleOf(finding), course.marks);
    return sentence.map((line, index) => {
      const head =
        index === 0 ? `${markOf(finding, paint)} ${finding.criterion.padEnd(nameWidth)}` : ' '.repeat(nameWidth + 2);
      const isLast = index === sentence.length - 1;
      return `${head}  ${isLast && drawn !== '' ? `${line.padEnd(column)}  ${paint.dim(drawn)}` : line}`;
    });
  });
}

/** `✓` pass, `!` breached but not long enough, `✗` fail, `?` no data, `~` not enough yet, `-` does not count now. */
function markOf(finding: Finding, paint: Paint): string {
  if (finding.idle === true) return paint.dim('-');
  switch (finding.verdict) {
    case 'pass':
      return finding.breached ? paint.yellow('!') : paint.green('✓');
    case 'fail':
      return paint.red('✗');
    case 'no-data':
      return paint.yellow('?');
    case 'inconclusive':
      return paint.dim('~');
  }
}

/** A gate with who has answered, who is awaited, until when, and what happens otherwise. */
export function requestLines(request: RequestStatus, now: number, width: number, paint: Paint): readonly string[] {
  const { gate, state, missing, expiresAt, onExpiry, evidenceRevision } = request;
  const head =
    state === 'open'
      ? `waits for ${missing === '' ? 'nobody' : missing}; expires ${ahead(expiresAt, now)}, then ${onExpiry} (evidence ${String(evidenceRevision)})`
      : state;
  const lines = wrap(`${gate} ${head}`, blockWidth(width));
  return [
    ...(state === 'open' ? lines.map((line) => paint.yellow(line)) : lines),
    ...request.decisions.flatMap((decision) => decisionLines(decision, now, width, paint)),
  ];
}

type DecisionShown = RequestStatus['decisions'][number];

function decisionLines(decision: DecisionShown, now: number, width: number, paint: Paint): readonly string[] {
  const { person, kind, roles, at, reason, void: voided } = decision;
  const who = roles.length === 0 ? person : `${person} (${roles.join(', ')})`;
  const why = reason === null ? '' : `: ${reason}`;
  const gone = voided === null ? '' : `; does not count: ${voided}`;
  const mark = voided !== null ? paint.dim('-') : kind === 'reject' ? paint.red('✗') : paint.green('✓');
  const text = `${who} ${saidOf(kind)} ${ago(at, now)}${why}${gone}`;
  return wrap(text, blockWidth(width) - 2).map((line, index) => `${index === 0 ? mark : ' '} ${line}`);
}

function saidOf(kind: string): string {
  switch (kind) {
    case 'approve':
      return 'approved';
    case 'reject':
      return 'rejected';
    case 'withdraw':
      return 'withdrew';
    case 'more-soak':
      return 'asked for more soak';
    default:
      return kind;
  }
}
