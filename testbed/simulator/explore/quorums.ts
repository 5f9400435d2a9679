/** I9 in the watchman's own words: which approvals that came count for a gate that was passed, and whether they suffice. */

import type { Clause, Plan } from '../../../plan/plan.ts';
import type { RequestStatus } from '../../../plan/status.ts';
import { requester, rolesOf } from './plans.ts';

/** A decision as the workflow got it; fields that were no texts are empty. */
export interface Decided {
  readonly gate: string;
  readonly decision: string;
  readonly by: string;
  readonly plan: string;
  readonly evidence: string;
  readonly validUntil: number | null;
  /** When a task had taken it in, epoch ms: it counts later than this, if at all. */
  readonly at: number;
  /** Everything that the person had said before was through. */
  readonly isAlone: boolean;
}

/** What had been said when a gate was passed. */
export interface Heard {
  /** Epoch ms. */
  readonly at: number;
  readonly decisions: readonly Decided[];
}

/** `digests`: of the plan, before and after what was edited. What is wrong with a gate that was passed on this evidence, or `null`. */
export function unsigned(
  plan: Plan,
  digests: readonly string[],
  { gate, evidenceDigest, expiresAt }: RequestStatus,
  { decisions }: Heard,
): string | null {
  const clauses = plan.gates.find(({ id }) => id === gate)?.require ?? [];
  const signers = decisions.filter(
    (one) =>
      one.gate === gate &&
      one.decision === 'approve' &&
      digests.includes(one.plan) &&
      one.evidence === evidenceDigest &&
      one.at < expiresAt &&
      (one.validUntil === null || one.at <= one.validUntil),
  );
  const names = [...new Set(signers.map(({ by }) => by))].filter((by) => by !== requester);
  if (tablesOf(clauses, plan.separation.distinctPeople).every((seats) => canSit(seats, names))) return null;
  return `gate ${gate} was passed, and on its evidence and in time only ${names.join(', ') || 'nobody'} approved`;
}

/** Roles that may fill a seat. */
type Seat = readonly string[];

/** At one table everybody sits once. */
function tablesOf(clauses: readonly Clause[], isDistinct: boolean): readonly (readonly Seat[])[] {
  const seats = clauses.map(seatsOf);
  return isDistinct ? [seats.flat()] : seats;
}

function seatsOf(clause: Clause): readonly Seat[] {
  switch (clause.kind) {
    case 'at-least':
      return Array.from({ length: clause.count }, () => [clause.role]);
    case 'any-of':
      return [clause.roles];
    case 'all-of':
    case 'one-per':
      return clause.roles.map((role) => [role]);
  }
}

/** Tries everybody at the first seat, and the others at the rest. */
function canSit([seat, ...others]: readonly Seat[], names: readonly string[]): boolean {
  if (seat === undefined) return true;
  return names.some(
    (name) =>
      rolesOf(name).some((role) => seat.includes(role)) &&
      canSit(
        others,
        names.filter((other) => other !== name),
      ),
  );
}
