/** The live picture of one rollout: everything an on-call person asks, top to bottom; pure value → text. */

import { rolloutName } from '../../client/ids.ts';
import type { Outcome } from '../../plan/phases.ts';
import type { Explanation, RequestStatus, Status, Stopped } from '../../plan/status.ts';
import { formatElapsed } from '../../plan/units.ts';
import { clean } from './clean.ts';
import type { Paint } from './paint.ts';
import { ignoredText, receiptText } from './receipts.ts';
import { bakeLines, findingLines, ladder, requestLines, titleOf, weightLines, type Course } from './parts.ts';
import { ago, ahead, block, blockWidth, wrap } from './text.ts';

export interface Picture {
  readonly status: Status;
  readonly explanation: Explanation | null;
  /** Why this may be old: no worker, or Temporal away. */
  readonly trouble: string | null;
  /** Epoch ms. */
  readonly now: number;
  /** Columns of the terminal. */
  readonly width: number;
  readonly paint: Paint;
  /** Absent where nobody watched. */
  readonly course?: Course;
}

const keptMessages = 4;

/** Lines joined by line ends, none at the end. */
export function renderWatch(foreign: Picture): string {
  const { paint, course, ...told } = foreign;
  const picture: Picture = { ...clean(told), paint };
  const { status, now, width } = picture;
  const sentences = (text: string) => wrap(text, blockWidth(width));
  const gates = status.requests.filter(isOfInterest);
  const gateBlocks = (requests: readonly RequestStatus[]) =>
    requests.flatMap((request) => block('gate', requestLines(request, now, width, paint)));
  const inColor = (color: Color, texts: readonly string[]) =>
    texts.flatMap((text) => sentences(text).map((line) => color(line)));
  // From what matters most to what matters least: a small terminal shows the top.
  return [
    titleOf(status, paint),
    phaseLine(picture),
    ...block('trouble', inColor(paint.red, picture.trouble === null ? [] : [picture.trouble])),
    '',
    ...block('ladder', [ladder(status, paint)]),
    ...block('weight', weightLines(status, width, paint, course)),
    ...block(isBaking(status) ? 'bake' : 'watch', status.bake === null ? [] : bakeLines(status.bake, width, paint)),
    ...block('criteria', findingLines(status.findings, width, paint, course)),
    ...block('held', stoppedLines(status.held, picture)),
    ...block('frozen', stoppedLines(status.frozen, picture)),
    ...block('paused', stoppedLines(status.paused, picture)),
    ...block('reason', reasonLines(picture)),
    ...block('problems', inColor(paint.red, status.problems)),
    ...gateBlocks(gates.filter(({ state }) => state === 'open')),
    ...block('waiting', status.outcome === null ? waitingLines(picture) : []),
    ...block('switches', switchLines(picture)),
    ...block('smoke', smokeLines(picture)),
    ...gateBlocks(gates.filter(({ state }) => state !== 'open')),
    ...block('messages', messageLines(picture)),
    ...block('warnings', inColor(paint.yellow, status.warnings)),
  ].join('\n');
}

type Color = (text: string) => string;

function phaseLine({ status, now, paint }: Picture): string {
  const by = `asked for by ${status.requester} ${ago(status.startedAt, now)}`;
  const phase =
    status.outcome === null
      ? `${paint.cyan(status.phase)} for ${formatElapsed(Math.max(0, now - status.phaseSince))}`
      : `${outcomeColor(status.outcome, paint)(status.outcome)} ${ago(status.phaseSince, now)}`;
  return `${phase}, ${by}`;
}

export function outcomeColor(outcome: Outcome, paint: Paint): (text: string) => string {
  switch (outcome) {
    case 'completed':
      return paint.green;
    case 'rolled-back':
    case 'refused':
      return paint.red;
    case 'aborted':
    case 'superseded':
    case 'detached':
      return paint.yellow;
  }
}

/** After promotion the same clock counts the watch. */
function isBaking({ phase }: Status): boolean {
  return phase !== 'watching' && phase !== 'retiring' && phase !== 'ended';
}

/** A gate that was closed unanswered says nothing any more. */
function isOfInterest({ state, decisions }: RequestStatus): boolean {
  return state === 'open' || decisions.length > 0;
}

function smokeLines({ status, width, paint }: Picture): readonly string[] {
  return status.smoke.flatMap((smoke) => {
    const mark = smoke.passed ? paint.green('✓') : paint.red('✗');
    const lines = wrap(`${smoke.suite} at ${smoke.aim}: ${smoke.sentence}`, blockWidth(width) - 2);
    return lines.map((line, index) => `${index === 0 ? mark : ' '} ${line}`);
  });
}

/** `smart-mode off 2m ago by olga: wrong answers; smoke chat-no-ai passed: 2 requests` */
function switchLines({ status, now, width, paint }: Picture): readonly string[] {
  return (status.switches ?? []).flatMap(({ id, state, by, reason, since, detail }) => {
    const color = state === 'on' ? paint.red : paint.yellow;
    const text = `${id} ${state} ${ago(since, now)} by ${by}: ${reason}; ${detail}`;
    return wrap(text, blockWidth(width)).map((line) => color(line));
  });
}

/** A hold, a pause and a refusal have said it already. */
function reasonLines({ status, width, paint }: Picture): readonly string[] {
  const told = status.held !== null || status.frozen !== null || status.paused !== null || status.problems.length > 0;
  if (status.reason === null || told) return [];
  return wrap(status.reason, blockWidth(width)).map((line) => paint.bold(line));
}

function stoppedLines(stopped: Stopped | null, { now, width, paint }: Picture): readonly string[] {
  if (stopped === null) return [];
  const end = stopped.until === null ? stopped.then : `${ahead(stopped.until, now)}: ${stopped.then}`;
  const text = `by ${stopped.by} ${ago(stopped.since, now)}: ${stopped.reason}; ${end}`;
  return wrap(text, blockWidth(width)).map((line) => paint.yellow(line));
}

function waitingLines({ explanation, now, width }: Picture): readonly string[] {
  if (explanation === null) return [];
  const { waitingFor, since, unblock, otherwise, earliestFinish, at } = explanation;
  const more = [
    ...(unblock.length === 0 ? [] : [`can be unblocked by: ${unblock.join('; ')}`]),
    ...(otherwise === '' ? [] : [`otherwise: ${otherwise}`]),
    ...(earliestFinish === null ? [] : [`earliest finish ${ahead(earliestFinish, now)}, as of ${ago(at, now)}`]),
  ];
  return [`for ${waitingFor}, since ${ago(since, now)}`, ...more].flatMap((line) => wrap(line, blockWidth(width)));
}

function messageLines({ status, now, width, paint }: Picture): readonly string[] {
  const { receipts } = status;
  const seen = receipts.map((receipt) => ({
    at: receipt.at,
    text: receiptText(receipt),
    bad: receipt.state === 'ignored',
  }));
  const ignored = status.ignored
    .filter(
      ({ message, by, reason }) =>
        !receipts.some((one) => one.message === message && one.by === by && one.detail === reason),
    )
    .map((message) => ({ at: message.at, text: ignoredText(message), bad: true }));
  const all = [...seen, ...ignored].sort((one, other) => one.at - other.at);
  const older = all.length - keptMessages;
  const shown = all
    .slice(-keptMessages)
    .flatMap(({ at, text, bad }) =>
      wrap(`${text} (${ago(at, now)})`, blockWidth(width)).map((line) => (bad ? paint.yellow(line) : line)),
    );
  return older > 0
    ? [...shown, `and ${String(older)} older: sluice status ${rolloutName(status.rollout)} --json`]
    : shown;
}
