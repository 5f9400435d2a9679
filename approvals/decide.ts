/** One person's answer to one request: what it changes, and the receipt that says so. */

import type { Clause, Separation } from '../plan/plan.ts';
import type {
  ApprovalRequest,
  Decision,
  DecisionInput,
  DecisionKind,
  DecisionReceipt,
  Proof,
  RequestState,
} from './request.ts';
import { formatTime } from '../plan/units.ts';
import { shortened } from './parse.ts';
import { currentDecisions, quorum } from './quorum.ts';
import { canStillChange } from './request-life.ts';

export interface DecisionFacts {
  /** Workflow time, epoch ms. */
  readonly now: number;
  readonly planDigest: string;
  readonly channel: Decision['channel'];
}

export interface Decided {
  /** The same object when nothing changed. */
  readonly request: ApprovalRequest;
  readonly receipt: DecisionReceipt;
}

/** More than any gate needs; older decisions that count no more are dropped first, so that no sender can grow the state. */
const maxDecisions = 32;

/**
 * Applies a parsed decision. Approvals and more-soak are bound to plan and evidence; a reject or a withdrawal lowers,
 * so it may leave the digests out, but a wrong plan is refused there too. Never throws.
 */
export function decide(
  request: ApprovalRequest,
  input: DecisionInput,
  proof: Proof,
  facts: DecisionFacts,
  separation: Separation,
  requester: string,
): Decided {
  const refusal = bindingRefusal(request, input, facts) ?? personRefusal(request, input, proof, separation, requester);
  if (refusal !== null) return { request, receipt: ignoredDecision(refusal) };
  if (isDuplicate(request, input, proof)) {
    return { request, receipt: again(request, input, proof, separation, requester) };
  }
  const tooLate = stateRefusal(request, input, proof, facts);
  if (tooLate !== null) return { request, receipt: ignoredDecision(tooLate) };
  const added = { ...request, decisions: bounded([...request.decisions, decisionOf(request, input, proof, facts)]) };
  const after = { ...added, state: stateAfter(added, input.decision, separation, requester) };
  return { request: after, receipt: receiptOf(after, 'recorded', separation, requester) };
}

/** The receipt of a message that changes nothing; the reason is cut to 1 KB. */
export function ignoredDecision(reason: string): DecisionReceipt {
  return { outcome: 'ignored', reason: shortened(reason) };
}

// ── What speaks against it ───────────────────────────────────────────────────────────────────────────────────────────

function bindingRefusal(request: ApprovalRequest, input: DecisionInput, facts: DecisionFacts): string | null {
  const { gate, evidence } = request;
  if (input.gate !== gate.id) return `this request is for gate ${gate.id}, not ${input.gate}`;
  const bound = input.decision === 'approve' || input.decision === 'more-soak';
  if ((bound || input.planDigest !== '') && input.planDigest !== facts.planDigest) {
    return `different release or plan: this rollout's plan is ${facts.planDigest}`;
  }
  if (bound && input.evidenceDigest !== evidence.digest) {
    return `not about the present evidence: gate ${gate.id} is at revision ${evidence.revision}, ${evidence.digest}`;
  }
  return null;
}

function personRefusal(
  request: ApprovalRequest,
  input: DecisionInput,
  proof: Proof,
  separation: Separation,
  requester: string,
): string | null {
  const { gate } = request;
  if (!proof.known) return `${proof.person} is not in the directory`;
  const asked = rolesAsked(gate.require);
  if (asked.length === 0) return `gate ${gate.id} asks nobody`;
  if (!proof.roles.some((role) => asked.includes(role))) {
    const held = proof.roles.length === 0 ? 'no role' : proof.roles.join(', ');
    return `${proof.person} holds ${held}; gate ${gate.id} asks ${asked.join(', ')}`;
  }
  if (input.decision === 'approve' && proof.person === requester && !separation.requesterMayApprove) {
    return `${proof.person} started this rollout and may not approve it`;
  }
  return null;
}

function stateRefusal(
  request: ApprovalRequest,
  input: DecisionInput,
  proof: Proof,
  facts: DecisionFacts,
): string | null {
  const { gate, state } = request;
  if (input.validUntil !== null && facts.now > input.validUntil) {
    return `too late: the message was valid until ${formatTime(input.validUntil)}`;
  }
  if (!canStillChange(request)) return `gate ${gate.id} is ${closedAs[state]}`;
  if (state === 'open' && facts.now >= request.expiresAt) {
    return `gate ${gate.id} is closed: it expired at ${formatTime(request.expiresAt)}`;
  }
  if (state === 'approved' && (input.decision === 'approve' || input.decision === 'more-soak')) {
    return `gate ${gate.id} is already approved`;
  }
  if (input.decision === 'reject' && input.reason === null) return 'a reject needs a reason';
  if (input.decision === 'more-soak' && input.soakMs === null) return 'more-soak needs a duration';
  if (input.decision === 'withdraw' && latestOf(request, proof.person)?.kind !== 'approve') {
    return `${proof.person} has no approval at gate ${gate.id} to withdraw`;
  }
  return null;
}

const closedAs: Readonly<Record<RequestState, string>> = {
  open: 'open',
  approved: 'approved',
  rejected: 'closed: it was rejected',
  expired: 'closed: it expired',
  closed: 'closed: the rollout has moved on; pause or abort it instead',
};

/** Said before, about the same evidence, and still standing: repeated deliveries change nothing, whatever the state is now. */
function isDuplicate(request: ApprovalRequest, input: DecisionInput, proof: Proof): boolean {
  const latest = latestOf(request, proof.person);
  return latest?.kind === input.decision && latest.soakMs === input.soakMs;
}

// ── What it changes ──────────────────────────────────────────────────────────────────────────────────────────────────

function decisionOf(request: ApprovalRequest, input: DecisionInput, proof: Proof, facts: DecisionFacts): Decision {
  return {
    kind: input.decision,
    person: proof.person,
    roles: proof.roles,
    at: facts.now,
    evidenceRevision: request.evidence.revision,
    evidenceDigest: request.evidence.digest,
    reason: input.reason,
    soakMs: input.soakMs,
    signature: input.signature,
    identity: proof.identity,
    channel: facts.channel,
    void: null,
  };
}

function stateAfter(
  request: ApprovalRequest,
  kind: DecisionKind,
  separation: Separation,
  requester: string,
): RequestState {
  if (kind === 'reject') return 'rejected';
  return quorum(request, separation, requester).satisfied ? 'approved' : 'open';
}

function bounded(decisions: readonly Decision[]): readonly Decision[] {
  if (decisions.length <= maxDecisions) return decisions;
  const counts = (decision: Decision, index: number) =>
    decision.void === null && !decisions.slice(index + 1).some((later) => later.person === decision.person);
  const oldest = decisions.findIndex((decision, index) => !counts(decision, index));
  return oldest === -1 ? decisions : decisions.filter((_, index) => index !== oldest);
}

function receiptOf(
  request: ApprovalRequest,
  outcome: 'recorded' | 'duplicate',
  separation: Separation,
  requester: string,
): Exclude<DecisionReceipt, { outcome: 'ignored' }> {
  const { missingText } = quorum(request, separation, requester);
  return { outcome, gate: request.gate.id, state: request.state, missing: missingText };
}

/** Whoever approves again in another of their roles learns why that fills no other seat. */
function again(
  request: ApprovalRequest,
  { decision }: DecisionInput,
  { person, roles }: Proof,
  separation: Separation,
  requester: string,
): DecisionReceipt {
  const receipt = receiptOf(request, 'duplicate', separation, requester);
  const { missingRoles } = quorum(request, separation, requester);
  if (decision !== 'approve' || !missingRoles.some((role) => roles.includes(role))) return receipt;
  return { ...receipt, missing: `${receipt.missing} (distinct people required: ${person} is counted once)` };
}

// ── Small words ──────────────────────────────────────────────────────────────────────────────────────────────────────

function latestOf(request: ApprovalRequest, person: string): Decision | undefined {
  return currentDecisions(request).find((decision) => decision.person === person);
}

/** Every role that a list of clauses asks for, once. */
export function rolesAsked(clauses: readonly Clause[]): readonly string[] {
  return [...new Set(clauses.flatMap((clause) => (clause.kind === 'at-least' ? [clause.role] : clause.roles)))];
}
