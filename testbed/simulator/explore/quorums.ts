/** I9 in the watchman's own words: which approvals that came count for a gate that was passed, and whether they suffice. */

import type { Clause, Plan } from '../../../plan/plan.ts';
import type { RequestStatus } from '../../../plan/status.ts';
import { people } from './plans.ts';

/** A decision as the workflow got it; fields that were no texts are empty. */
export interface Decided {
  readonly gate: string;
  readonly decision: string;
  readonly by: string;
  readonly plan: string;
  readonly evidence: string;
}

/** `digests`: of the plan, before and after what was edited. What is wrong with a gate that was passed on this evidence, or `null`. */
export function unsigned(
  plan: Plan,
  digests: readonly string[],
  { gate, evidenceDigest }: RequestStatus,
  came: readonly Decided[],
): string | null {
  const clauses = plan.gates.find(({ id }) => id === gate)?.require ?? [];
  const signers = came.filter(
    (one) =>
      one.gate === gate && one.decision === 'approve' && digests.includes(one.plan) && one.evidence === evidenceDigest,
  );
  const names = [...new Set(signers.map(({ by }) => by))].filter((by) => by !== 'rita');
  const lacking = clauses.find((clause) => !isSatisfied(clause, names));
  if (lacking === undefined) return null;
  return `gate ${gate} was passed, and on its evidence only ${names.join(', ') || 'nobody'} approved`;
}

/** Everybody has one role at most here, so nobody can sit on two seats. */
function isSatisfied(clause: Clause, names: readonly string[]): boolean {
  const holders = (role: string) => names.filter((name) => rolesOf(name).includes(role)).length;
  switch (clause.kind) {
    case 'at-least':
      return holders(clause.role) >= clause.count;
    case 'any-of':
      return clause.roles.some((role) => holders(role) > 0);
    case 'all-of':
    case 'one-per':
      return clause.roles.every((role) => holders(role) > 0);
  }
}

function rolesOf(name: string): readonly string[] {
  return Object.entries(people).find(([known]) => known === name)?.[1].roles ?? [];
}
