/** Joins what the workflow says with what its watch has reported since: the workflow hears from it only at milestones. */

import type { WatchCheckpoint } from '../activities/contract.ts';
import type { BakeStatus, Status, StepStatus, Weights } from '../plan/status.ts';

/** `at`: when the heartbeat was written, epoch ms. Only numbers of the stage that `status` is in are taken. */
export function withHeartbeat(status: Status, watch: WatchCheckpoint | null, at: number | null): Status {
  if (watch === null || status.outcome !== null) return status;
  const fresh = latest(watch.findings) > latest(status.findings);
  const findings = fresh ? watch.findings : status.findings;
  if (watch.stage.kind !== 'step' || watch.stage.index !== status.step) return { ...status, findings };
  const weights = observedWeights(status.weights, watch);
  return {
    ...status,
    findings,
    weights,
    steps: status.steps.map((step, index) => (index === status.step ? { ...step, weights } : step)),
    bake: liveBake(status, watch, at ?? status.at),
  };
}

function latest(findings: readonly { readonly at: number }[]): number {
  return findings.reduce((newest, finding) => Math.max(newest, finding.at), -1);
}

function observedWeights(weights: Weights, { observed }: WatchCheckpoint): Weights {
  return {
    requestedBp: weights.requestedBp,
    acceptedBp: observed.acceptedBp ?? weights.acceptedBp,
    observedShare: observed.share ?? weights.observedShare,
    observedRequests: observed.totalRequests ?? weights.observedRequests,
  };
}

function liveBake(status: Status, watch: WatchCheckpoint, at: number): BakeStatus | null {
  const bake = status.bake ?? beginning(status.phase === 'baking' ? status.steps[status.step] : undefined, at);
  if (bake === null || bake.state === 'clean' || watch.elapsedMs < bake.elapsedMs) return bake;
  return { ...bake, validMs: watch.validMs, elapsedMs: watch.elapsedMs, summary: watch.summary, at };
}

function beginning(step: StepStatus | undefined, at: number): BakeStatus | null {
  if (step === undefined) return null;
  const { bakeMinMs: minMs, bakeMaxMs: maxMs } = step;
  return { state: 'baking', validMs: 0, elapsedMs: 0, minMs, maxMs, summary: '', at };
}
