/** The state of a rollout as the typed answer to the query `status`. */

import type { Phase } from '../plan/phases.ts';
import { reasonOf } from '../plan/phases.ts';
import type { BakeStatus, EditAsked, RequestStatus, Status, StepStatus, Weights } from '../plan/status.ts';
import type { ApprovalRequest } from '../approvals/request.ts';
import { quorum } from '../approvals/quorum.ts';
import { requesterFor } from './gate.ts';
import type { Run } from './run.ts';
import type { AskedEdit, RunState } from './state.ts';

export function statusOf(run: Run): Status {
  const { state, plan } = run;
  return {
    rollout: run.rollout,
    run: run.chain,
    service: plan.service,
    environment: plan.environment,
    title: plan.title,
    release: plan.release,
    stable: state.stable,
    planDigest: run.planDigest,
    requester: run.requester,
    identity: 'trust',
    startedAt: state.startedAt,
    at: Date.now(),
    phase: phaseOf(run),
    phaseSince: (state.held ?? state.frozen ?? state.paused)?.since ?? state.phaseSince,
    outcome: state.outcome,
    reason: reasonFor(run),
    problems: state.problems,
    warnings: state.warnings,
    fence: state.fence,
    steps: plan.steps.map((_, index) => stepStatus(run, index)),
    step: state.step,
    weights: weightsNow(run),
    bake: bakeStatus(run),
    findings: state.checkpoint?.findings ?? [],
    requests: state.requests.map((request) => requestStatus(request, run)),
    paused: state.paused,
    held: state.held,
    frozen: state.frozen,
    smoke: state.smoke,
    ...(state.switches.length > 0 && { switches: state.switches }),
    receipts: state.receipts,
    ignored: state.ignored,
  };
}

/** What people see: a stop by a person or a rule hides the phase it stopped. */
export function phaseOf(run: Run): Phase {
  const { state } = run;
  if (state.outcome !== null) return 'ended';
  if (state.turn !== null) return 'rolling-back';
  if (state.held !== null) return 'held';
  if (state.frozen !== null) return 'frozen';
  if (state.paused !== null) return 'paused';
  return isSoaking(run) ? 'baking' : state.phase;
}

/** Nobody is asked until it is over. */
export function isSoaking({ state }: Run): boolean {
  return state.soaking !== null && state.phase === 'awaiting-approval' && state.bake === 'baking';
}

function reasonFor({ state }: Run): string | null {
  const { held, frozen, paused } = state;
  return outcomeReason(state) ?? (held ?? frozen ?? paused)?.reason ?? null;
}

/** Why it ended as it did, or is about to. */
export function outcomeReason({ turn, detached, superseded, problems }: RunState): string | null {
  if (turn !== null) return reasonOf(turn);
  const handedOver = detached ?? superseded;
  if (handedOver !== null) return `${handedOver.by}: ${handedOver.reason}`;
  return problems.join('; ') || null;
}

/** The three numbers: asked for, accepted, seen in request counts since the present stage began. */
export function weightsNow(run: Run): Weights {
  const { state } = run;
  const observed = state.checkpoint?.observed;
  const fresh = observed !== undefined && observed.requestedBp === state.requestedBp ? observed : undefined;
  return {
    requestedBp: state.requestedBp,
    acceptedBp: state.acceptedBp,
    observedShare: fresh?.share ?? null,
    observedRequests: fresh?.canaryRequests ?? null,
  };
}

function stepStatus(run: Run, index: number): StepStatus {
  const { state, plan } = run;
  const step = plan.steps[index];
  if (step === undefined) throw new RangeError(`no step ${String(index)}`);
  const passed = index < state.step || (index === state.step && state.done.includes(`bake:${String(index)}`));
  return {
    weightBp: step.weightBp,
    state: passed ? 'done' : index === state.step ? 'current' : 'ahead',
    weights: index === state.step ? weightsNow(run) : (state.stepWeights[index] ?? null),
    bakeMinMs: step.bakeMinMs,
    bakeMaxMs: step.bakeMaxMs,
  };
}

function bakeStatus(run: Run): BakeStatus | null {
  const { state, plan } = run;
  const step = plan.steps[state.step];
  const checkpoint = state.checkpoint;
  if (step === undefined || state.turn !== null) return null;
  const promoted = state.stage.kind === 'promoted';
  const same = checkpoint !== null && JSON.stringify(checkpoint.stage) === JSON.stringify(state.stage);
  const running =
    state.bake === 'clean' ? 'clean' : state.paused === null && state.frozen === null ? 'baking' : 'stopped';
  return {
    state: state.held === null ? running : 'held',
    validMs: same ? checkpoint.validMs : 0,
    elapsedMs: same ? checkpoint.elapsedMs : 0,
    minMs: promoted ? plan.watch.forMs : step.bakeMinMs,
    maxMs: promoted ? plan.watch.forMs : step.bakeMaxMs,
    summary: same ? checkpoint.summary : 'no report of the watch yet',
    at: (same ? checkpoint.lastPollAt : null) ?? state.phaseSince,
  };
}

function requestStatus(request: ApprovalRequest, run: Run): RequestStatus {
  const answer = quorum(request, run.plan.separation, requesterFor(run, request.gate.id));
  const asked = run.state.asked?.gate === request.gate.id ? run.state.asked : null;
  return {
    gate: request.gate.id,
    point: request.gate.point,
    state: request.state,
    openedAt: request.openedAt,
    expiresAt: request.expiresAt,
    onExpiry: asked === null ? request.gate.onExpiry : 'the plan stays as it is',
    evidenceRevision: request.evidence.revision,
    evidenceDigest: request.evidence.digest,
    decisions: request.decisions.map(({ person, kind, roles, at, reason, void: voided }) => ({
      person,
      kind,
      roles,
      at,
      reason,
      void: voided,
    })),
    missing: request.state === 'open' ? answer.missingText : '',
    missingRoles: request.state === 'open' ? answer.missingRoles : [],
    ...(asked !== null && { edit: editOf(asked) }),
  };
}

function editOf({ planDigest, by, reason, edits }: AskedEdit): EditAsked {
  return { planDigest, by, reason, edits };
}
