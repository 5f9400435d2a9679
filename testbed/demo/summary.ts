/** What the demo proves, as a file for programs and a table for people. */

import Table from 'cli-table3';
import type { Outcome } from '../../plan/phases.ts';
import { formatBp, formatShare, formatTime } from '../../plan/units.ts';
import type { StepFacts } from './facts.ts';

export interface Summary {
  readonly good: Ended & {
    readonly steps: readonly StepFacts[];
    readonly historyEvents: number;
    readonly seconds: number;
  };
  readonly bad: Ended & {
    readonly badStartedAt: string | null;
    readonly badVisibleAt: string | null;
    readonly zeroConfirmedAt: string | null;
    readonly secondsFromVisibleToZero: number | null;
    readonly canaryRequestsAfterZero: number | null;
  };
  readonly rejected: Ended & { readonly weightsSeenByProxy: readonly number[] };
  readonly crash: Ended & {
    readonly weightsSeenByProxy: readonly number[];
    /** What the order of writes must never show; empty when all is well. */
    readonly violations: readonly string[];
    readonly killedAt: string | null;
    readonly progressAt: string | null;
  };
}

/** The steps of every demo file, basis points. */
export const ladderBp: readonly number[] = [100, 500, 2500, 10_000];

export interface Ended {
  /** By the proxy's configuration and the services' logs. */
  readonly outcome: Outcome | 'unclear';
  /** What the workflow believes; `null` when it has not ended. */
  readonly saysItself: Outcome | null;
  readonly reason: string | null;
}

/** Each sentence is something that did not end as it should; empty when all is well. */
export function complaints(summary: Summary): readonly string[] {
  const { good, bad, rejected, crash } = summary;
  const isBelieved = ({ outcome, saysItself }: Ended) => outcome === saysItself;
  const isLadder = (weights: readonly number[]) => JSON.stringify(weights) === JSON.stringify(ladderBp);
  const claims: readonly (readonly [boolean, string])[] = [
    ...Object.entries(summary).map(
      ([name, end]: [string, Ended]) =>
        [isBelieved(end), `${name} says ${end.saysItself ?? 'nothing'}, the target shows ${end.outcome}`] as const,
    ),
    [good.outcome === 'completed', `good ended ${good.outcome}: ${good.reason ?? ''}`],
    [isLadder(good.steps.map((step) => step.requestedBp)), 'good: the proxy did not see 1, 5, 25, 100 %'],
    [good.steps.every((step) => step.acceptedBp === step.requestedBp), 'good: a weight was not accepted as asked'],
    [bad.outcome === 'rolled-back', `bad ended ${bad.outcome}: ${bad.reason ?? ''}`],
    [
      bad.canaryRequestsAfterZero === 0,
      `bad: ${String(bad.canaryRequestsAfterZero)} requests after zero was confirmed`,
    ],
    [bad.secondsFromVisibleToZero !== null, 'bad: nobody saw it become visible, or zero was not read back'],
    [rejected.outcome === 'rolled-back', `rejected ended ${rejected.outcome}: ${rejected.reason ?? ''}`],
    [
      JSON.stringify(rejected.weightsSeenByProxy) === '[100,500,0]',
      `rejected: the proxy saw ${rejected.weightsSeenByProxy.join(', ')}`,
    ],
    [crash.violations.length === 0, `crash: ${crash.violations.join('; ')}`],
    [crash.outcome === 'completed', `crash ended ${crash.outcome}: ${crash.reason ?? ''}`],
    [isLadder(crash.weightsSeenByProxy), `crash: the proxy saw ${crash.weightsSeenByProxy.join(', ')}`],
    [
      crash.killedAt !== null && crash.progressAt !== null,
      'crash: the worker was not killed, or nothing went on after it',
    ],
  ];
  return claims.filter(([holds]) => !holds).map(([, sentence]) => sentence);
}

/** Columns of the table's first two columns, and of its four borders. */
const outer = { rollout: 11, outcome: 13, borders: 4 };

/** A table for a terminal of this many columns. */
export function renderSummary({ good, bad, rejected, crash }: Summary, width: number): string {
  const table = new Table({
    head: ['rollout', 'outcome', 'what the proxy, the services and Prometheus saw'],
    colWidths: [outer.rollout, outer.outcome, Math.max(30, width - outer.rollout - outer.outcome - outer.borders)],
    wordWrap: true,
    style: { head: [] },
  });
  const steps = good.steps.map(({ requestedBp, observedShare, requests }) => {
    const share = observedShare === null ? 'unknown' : formatShare(observedShare);
    return `${formatBp(requestedBp)} asked, ${share} of ${requests.toLocaleString('en')} requests`;
  });
  const toZero = bad.secondsFromVisibleToZero === null ? 'unknown' : `${bad.secondsFromVisibleToZero.toFixed(2)} s`;
  const rows: readonly (readonly [keyof Summary, Ended, readonly string[]])[] = [
    ['good', good, [...steps, `${good.historyEvents} history events, ${good.seconds} s`]],
    [
      'bad',
      bad,
      [
        `visible to zero confirmed: ${toZero}; requests after zero: ${String(bad.canaryRequestsAfterZero)}`,
        bad.reason ?? '',
      ],
    ],
    ['rejected', rejected, [weightsSeen(rejected.weightsSeenByProxy), rejected.reason ?? '']],
    ['crash', crash, [weightsSeen(crash.weightsSeenByProxy), killed(crash)]],
  ];
  table.push(...rows.map(([name, { outcome }, lines]) => [name, outcome, lines.join('\n')]));
  return table.toString();
}

function weightsSeen(weights: readonly number[]): string {
  return `weights ${weights.map(formatBp).join(', ')}`;
}

/** `worker killed at 04:41:07, the next call 1.8 s later`: the whole times stand in the file. */
function killed({ killedAt, progressAt }: Summary['crash']): string {
  if (killedAt === null) return 'the worker was not killed';
  const at = `worker killed at ${formatTime(Date.parse(killedAt)).slice(11, 19)} UTC`;
  if (progressAt === null) return `${at}, nothing went on`;
  return `${at}, went on ${((Date.parse(progressAt) - Date.parse(killedAt)) / 1_000).toFixed(1)} s later`;
}
