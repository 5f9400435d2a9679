/** The words of approvals: a request is one gate being asked, a decision is one person's answer. */

import type { GatePlan } from '../plan/plan.ts';
import type { Finding } from '../judge/verdict.ts';

/** The numbered, frozen, digested snapshot that a decision is made on. */
export interface Evidence {
  readonly revision: number;
  /** SHA-256 of the RFC 8785 canonical JSON of `facts`, with `sha256:` in front. */
  readonly digest: string;
  readonly facts: EvidenceFacts;
}

export interface EvidenceFacts {
  readonly at: number;
  readonly planDigest: string;
  readonly release: string;
  readonly stable: string;
  readonly requestedBp: number;
  readonly acceptedBp: number | null;
  readonly observedShare: number | null;
  readonly findings: readonly Finding[];
  readonly smoke: readonly { readonly suite: string; readonly passed: boolean; readonly sentence: string }[];
  readonly warnings: readonly string[];
  /** Why this revision replaced the one before; `null` for the first. */
  readonly worseBecause: string | null;
}

export type DecisionKind = 'approve' | 'reject' | 'withdraw' | 'more-soak';

/** What an approver sends; everything in it is a claim until it is checked. */
export interface DecisionInput {
  readonly decision: DecisionKind;
  /** Gate id as in the plan, e.g. `go` or `wide@25%`. */
  readonly gate: string;
  readonly by: string;
  readonly planDigest: string;
  readonly evidenceDigest: string;
  /** Needed for `reject`. */
  readonly reason: string | null;
  /** Needed for `more-soak`. */
  readonly soakMs: number | null;
  /** Reserved for signed decisions; carried and shown, not yet verified. */
  readonly signature: string | null;
  /** After this, in workflow time, the message is too late whatever the request says. Epoch ms. */
  readonly validUntil: number | null;
}

/** What the directory said about the sender when the decision came. */
export interface Proof {
  readonly person: string;
  readonly known: boolean;
  /** Roles the person held at that moment. */
  readonly roles: readonly string[];
  /** `trust`: the name was taken at its word. */
  readonly identity: 'trust';
}

export interface Decision {
  readonly kind: DecisionKind;
  readonly person: string;
  readonly roles: readonly string[];
  readonly at: number;
  readonly evidenceRevision: number;
  readonly evidenceDigest: string;
  readonly reason: string | null;
  readonly soakMs: number | null;
  readonly signature: string | null;
  readonly identity: 'trust';
  readonly channel: 'signal' | 'update';
  /** Why it no longer counts; `null` while it does. */
  readonly void: string | null;
}

export type RequestState = 'open' | 'approved' | 'rejected' | 'expired' | 'closed';

export interface ApprovalRequest {
  readonly gate: GatePlan;
  readonly openedAt: number;
  readonly expiresAt: number;
  readonly evidence: Evidence;
  readonly decisions: readonly Decision[];
  readonly state: RequestState;
}

/** The answer to a decision, given to the sender and kept. */
export type DecisionReceipt =
  | { readonly outcome: 'recorded'; readonly gate: string; readonly state: RequestState; readonly missing: string }
  | { readonly outcome: 'duplicate'; readonly gate: string; readonly state: RequestState; readonly missing: string }
  | { readonly outcome: 'ignored'; readonly reason: string };
