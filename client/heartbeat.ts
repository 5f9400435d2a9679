/** Joins what the workflow says with what its watch has reported since: the workflow hears from it only at milestones. */

import type { WatchCheckpoint } from '../activities/contract.ts';
import type { BakeStatus, Status, Weights } from '../plan/status.ts';

/** `at`: when the heartbeat was written, epoch ms. Only numbers of the stage that `status` is in are taken. */
export function withHeartbeat(status: Status, watch: WatchCheckpoint | null, at: number | null): Status {
  if (watch === null || status.outcome !== null) return status;
  const fresh = latest(watch.findings) > latest(status.findings);
  const findings = fresh ? watch.findings : status.findings;
  const weights = observedWeights(status.weights, watch);
  return {
    ...status,
    findings,
    weights,
    steps: status.steps.map((step, index) => (index === status.step ? { ...step, weights } : step)),
    bake: isSameStage(status, watch) ? liveBake(status.bake, watch, at) : status.bake,
  };
}

function latest(findings: readonly { readonly at: number }[]): number {
  return findings.reduce((newest, finding) => Math.max(newest, finding.at), -1);
}

/** Counts of another weight say nothing about the present one. */
function observedWeights(weights: Weights, { observed }: WatchCheckpoint): Weights {
  if (observed.requestedBp !== weights.requestedBp) return weights;
  return {
    requestedBp: weights.requestedBp,
    acceptedBp: observed.acceptedBp ?? weights.acceptedBp,
    observedShare: observed.share ?? weights.observedShare,
    observedRequests: observed.canaryRequests ?? weights.observedRequests,
  };
}

function isSameStage(status: Status, { stage }: WatchCheckpoint): boolean {
  const promoted = status.phase === 'watching' || status.phase === 'retiring';
  return stage.kind === 'promoted' ? promoted : stage.kind === 'step' && stage.index === status.step && !promoted;
}

function liveBake(bake: BakeStatus | null, watch: WatchCheckpoint, at: number | null): BakeStatus | null {
  if (bake === null || (at ?? watch.lastPollAt ?? 0) < bake.at) return bake;
  const { validMs, elapsedMs, summary } = watch;
  return { ...bake, validMs, elapsedMs, summary, at: at ?? bake.at };
}
