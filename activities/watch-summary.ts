/** The first line that on-call reads in the pending activity: verdict, where, what, how long. */

import type { Finding } from '../judge/verdict.ts';
import { isBlocking } from '../judge/verdict.ts';
import { formatBp, formatDuration, formatElapsed } from '../plan/units.ts';
import type { WatchCheckpoint, WatchInput } from './contract.ts';
import { isBaking } from './watch-schedule.ts';

/** At most 300 characters, e.g. `PASS at 5%: errors 0.1% ≤ 1%, bake 12m of 30m`. */
export function summaryOf(input: WatchInput, checkpoint: WatchCheckpoint): string {
  const worst = checkpoint.findings.toSorted((a, b) => badness(b) - badness(a))[0];
  const what = worst === undefined ? '' : `: ${worst.criterion} ${worst.sentence.replace(/^canary /, '')}`;
  const troubles = checkpoint.troubles.map(({ key }) => `; ${key}`).join('');
  const smoke = checkpoint.scheduledSmoke.failuresInARow;
  const failures = smoke === 0 ? '' : `; smoke failed ${String(smoke)} in a row`;
  const text = `${wordFor(worst)} ${where(checkpoint)}${what}, ${clockOf(input, checkpoint)}${failures}${troubles}`;
  return text.length <= 300 ? text : `${text.slice(0, 299)}…`;
}

function badness(finding: Finding): number {
  return 10 * rankOf(finding) + (isBlocking(finding) ? 1 : 0);
}

function rankOf(finding: Finding): number {
  if (finding.idle === true) return -1;
  if (finding.verdict === 'fail') return 4;
  if (finding.breached) return 3;
  return { 'no-data': 2, inconclusive: 1, pass: 0 }[finding.verdict];
}

function wordFor(finding: Finding | undefined): string {
  if (finding === undefined || finding.idle === true) return 'WATCHING';
  return ['PASS', 'INCONCLUSIVE', 'NO DATA', 'BREACHED', 'FAIL'][rankOf(finding)] ?? 'WATCHING';
}

function where({ stage, observed }: WatchCheckpoint): string {
  switch (stage.kind) {
    case 'deployed':
      return 'before any traffic';
    case 'step':
      return `at ${formatBp(observed.requestedBp)}`;
    case 'promoted':
      return 'after promotion';
    case 'back':
      return 'while going back';
  }
}

function clockOf(input: WatchInput, checkpoint: WatchCheckpoint): string {
  const { stage } = checkpoint;
  const stopped = input.clock === 'stopped' ? ' (stopped)' : '';
  if (stage.kind === 'promoted') {
    return `watched ${formatElapsed(checkpoint.elapsedMs)} of ${formatDuration(input.watchMs)}${stopped}`;
  }
  if (stage.kind !== 'step') return 'nothing to bake';
  const min = input.steps[stage.index]?.bakeMinMs ?? 0;
  if (!isBaking(input, checkpoint)) return 'bake done';
  return `bake ${formatElapsed(checkpoint.validMs)} of ${formatDuration(min)}${stopped}`;
}
