/** Builders for requests, evidence and decisions in the tests of approvals. */

import { freezeEvidence, openRequest } from '../../approvals/request-life.ts';
import { decide, type Decided } from '../../approvals/decide.ts';
import type { ApprovalRequest, DecisionInput, Evidence, EvidenceFacts, Proof } from '../../approvals/request.ts';
import type { Clause, GatePlan, Separation } from '../../plan/plan.ts';

export const planDigest = `sha256:${'a'.repeat(64)}`;
export const otherPlanDigest = `sha256:${'b'.repeat(64)}`;
export const opened = Date.UTC(2026, 10, 22, 10);
export const hour = 3_600_000;
export const requester = 'rita';
export const strict: Separation = { requesterMayApprove: false, distinctPeople: true };
export const loose: Separation = { requesterMayApprove: true, distinctPeople: false };

export const allOf = (...roles: string[]): Clause => ({ kind: 'all-of', roles });
export const anyOf = (...roles: string[]): Clause => ({ kind: 'any-of', roles });
export const onePer = (...roles: string[]): Clause => ({ kind: 'one-per', roles });
export const atLeast = (count: number, role: string): Clause => ({ kind: 'at-least', count, role });

export function gateOf(...require: Clause[]): GatePlan {
  return { id: 'go', point: { kind: 'start' }, require, expiresMs: 24 * hour, onExpiry: 'abort', remindAt: [0.5, 0.9] };
}

export function evidence(facts: Partial<EvidenceFacts> = {}): Evidence {
  return freezeEvidence({ ...plainFacts, ...facts }, 1);
}

const plainFacts: EvidenceFacts = {
  at: opened,
  planDigest,
  release: `sha256:${'c'.repeat(64)}`,
  stable: `sha256:${'d'.repeat(64)}`,
  requestedBp: 100,
  acceptedBp: 100,
  observedShare: 0.0101,
  findings: [],
  smoke: [],
  warnings: [],
  worseBecause: null,
};

export function asked(...require: Clause[]): ApprovalRequest {
  return openRequest(gateOf(...require), evidence(), opened);
}

export function proofOf(person: string, ...roles: string[]): Proof {
  return { person, known: true, roles, identity: 'trust' };
}

export function inputFor(request: ApprovalRequest, by: string, over: Partial<DecisionInput> = {}): DecisionInput {
  return {
    decision: 'approve',
    gate: request.gate.id,
    by,
    planDigest,
    evidenceDigest: request.evidence.digest,
    reason: null,
    soakMs: null,
    signature: null,
    validUntil: null,
    ...over,
  };
}

export interface Say {
  readonly over?: Partial<DecisionInput>;
  readonly now?: number;
  readonly separation?: Separation;
}

/** One person says something; an approval unless `over` says otherwise. */
export function say(request: ApprovalRequest, proof: Proof, how: Say = {}): Decided {
  const facts = { now: how.now ?? opened + 1, planDigest, channel: 'signal' as const };
  const input = inputFor(request, proof.person, how.over);
  return decide(request, input, proof, facts, how.separation ?? strict, requester);
}

export const reject: Say = { over: { decision: 'reject', reason: 'latency looks odd' } };
export const withdraw: Say = { over: { decision: 'withdraw' } };
