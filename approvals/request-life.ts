/** The life of a request around its decisions: opened, made worse, expired, closed; and what still blocks. */

import type { GatePlan, Separation } from '../plan/plan.ts';
import type { ApprovalRequest, Evidence, EvidenceFacts, RequestState } from './request.ts';
import { digestOf } from '../plan/digest.ts';
import { quorum } from './quorum.ts';

/** Freezes what is known into evidence with its digest. `revision` counts from 1. */
export function freezeEvidence(facts: EvidenceFacts, revision: number): Evidence {
  return { revision, digest: digestOf(facts), facts };
}

/** Asks a gate. `now` is epoch ms in workflow time. A gate that asks nobody is approved at once. */
export function openRequest(gate: GatePlan, evidence: Evidence, now: number): ApprovalRequest {
  return { gate, openedAt: now, expiresAt: now + gate.expiresMs, evidence, decisions: [], state: untouched(gate) };
}

/**
 * The evidence turned worse: it becomes the next revision (whatever number it carries) and decisions on the one before
 * count no more. An approved request that has not been closed is open again, with its whole time from
 * `evidence.facts.at`. Ended requests stay as they are.
 */
export function worsen(request: ApprovalRequest, evidence: Evidence): ApprovalRequest {
  if (!canStillChange(request)) return request;
  const revision = request.evidence.revision + 1;
  const why = `evidence ${request.evidence.revision} was replaced: ${evidence.facts.worseBecause ?? 'it turned worse'}`;
  const afresh = request.state === 'approved' ? evidence.facts.at + request.gate.expiresMs : 0;
  return {
    ...request,
    expiresAt: Math.max(request.expiresAt, afresh),
    evidence: { ...evidence, revision },
    decisions: request.decisions.map((decision) => (decision.void === null ? { ...decision, void: why } : decision)),
    state: untouched(request.gate),
  };
}

/** Nobody answered in time. Only an open request expires. */
export function expire(request: ApprovalRequest): ApprovalRequest {
  return request.state === 'open' ? { ...request, state: 'expired' } : request;
}

/**
 * The rollout has moved on: from here no decision changes anything. Call it when the effect behind an approved gate
 * starts; until then a withdrawal, a reject or worse evidence still takes the approval back.
 */
export function closeRequest(request: ApprovalRequest): ApprovalRequest {
  return canStillChange(request) ? { ...request, state: 'closed' } : request;
}

/** Open or approved: the effect behind the gate has not started. */
export function canStillChange(request: ApprovalRequest): boolean {
  return request.state === 'open' || request.state === 'approved';
}

/** A gate that keeps the rollout waiting, and who can unblock it. */
export interface Blocker {
  readonly gate: string;
  readonly state: RequestState;
  readonly missing: string;
  readonly missingRoles: readonly string[];
  readonly expiresAt: number;
  readonly onExpiry: GatePlan['onExpiry'];
}

/** The requests that still block, oldest first. */
export function blocking(
  requests: readonly ApprovalRequest[],
  separation: Separation,
  requester: string,
): readonly Blocker[] {
  return requests
    .filter((request) => request.state === 'open')
    .sort((a, b) => a.openedAt - b.openedAt)
    .map((request) => {
      const { missingText, missingRoles } = quorum(request, separation, requester);
      const { id, onExpiry } = request.gate;
      return {
        gate: id,
        state: request.state,
        missing: missingText,
        missingRoles,
        expiresAt: request.expiresAt,
        onExpiry,
      };
    });
}

function untouched(gate: GatePlan): RequestState {
  return gate.require.length === 0 ? 'approved' : 'open';
}
