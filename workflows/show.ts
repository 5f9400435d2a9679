/** What Temporal's own screens show of a rollout: search attributes, and current details in Markdown. */

import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import type { RolloutState } from '../plan/phases.ts';
import type { Status } from '../plan/status.ts';
import { formatBp, formatDuration, formatTime } from '../plan/units.ts';
import type { Run } from './run.ts';
import { explain } from './explain.ts';
import { statusOf } from './status.ts';

const stateKey = defineSearchAttributeKey('RolloutState', SearchAttributeType.KEYWORD);
const percentKey = defineSearchAttributeKey('RolloutPercent', SearchAttributeType.INT);

/** Brings both up to date. An upsert is an event, so only what has changed is written. */
export function show(run: Run): void {
  const status = statusOf(run);
  const state: RolloutState = status.phase === 'ended' ? (status.outcome ?? 'refused') : status.phase;
  const percent = Math.round((status.weights.acceptedBp ?? status.weights.requestedBp) / 100);
  if (run.shown.state !== state || run.shown.percent !== percent) {
    run.shown = { state, percent };
    upsertSearchAttributes([
      { key: stateKey, value: state },
      { key: percentKey, value: percent },
    ]);
  }
  setCurrentDetails(details(status, run));
}

function details(status: Status, run: Run): string {
  const explanation = explain(run);
  return [
    `As of ${formatTime(status.at)} (the rollout's last event):`,
    '',
    `**${status.phase}** since ${formatTime(status.phaseSince)}${status.reason === null ? '' : `: ${status.reason}`}`,
    `${status.release.label} replaces ${status.stable?.label ?? 'unknown'} · plan \`${status.planDigest}\``,
    '',
    ladder(status, run),
    '',
    `Weight: requested ${formatBp(status.weights.requestedBp)}, accepted ${orUnknown(status.weights.acceptedBp)}`,
    `Waiting for: ${explanation.waitingFor}`,
    ...explanation.unblock.map((line) => `- ${line}`),
    `If nobody does anything: ${explanation.otherwise}`,
    ...status.requests.filter((request) => request.state === 'open').map(handTyped(status)),
    ...status.findings.map((finding) => `- ${finding.verdict.toUpperCase()} ${finding.criterion}: ${finding.sentence}`),
    ...status.ignored.slice(-5).map((message) => `- ignored ${message.message} from ${message.by}: ${message.reason}`),
  ].join('\n');
}

function ladder(status: Status, { state }: Run): string {
  const marks = { done: '[x]', current: state.stage.kind === 'back' ? '[-]' : '[>]', ahead: '[ ]' } as const;
  return status.steps
    .map((step) => `${marks[step.state]} ${formatBp(step.weightBp)} (bake ${formatDuration(step.bakeMinMs)})`)
    .join(' -> ');
}

/** The signal that a person may copy when only Temporal's own tools are at hand. */
function handTyped(status: Status): (request: Status['requests'][number]) => string {
  return (request) =>
    `- to approve by hand: \`temporal workflow signal -w ${status.rollout} --name decide --input '${JSON.stringify({
      gate: request.gate,
      decision: 'approve',
      by: 'YOUR-NAME',
      planDigest: request.edit?.planDigest ?? status.planDigest,
      evidenceDigest: request.evidenceDigest,
    })}'\``;
}

function orUnknown(bp: number | null): string {
  return bp === null ? 'unknown' : formatBp(bp);
}
