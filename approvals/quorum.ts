/** Has a gate got the approvals it asks for, and if not, whose are missing. */

import type { Clause, Separation } from '../plan/plan.ts';
import type { ApprovalRequest, Decision } from './request.ts';
import { fillSeats, seatsThatHelp } from './matching.ts';

/** One approval that is still needed, `count` times, from anybody who holds one of `roles`. */
export interface Missing {
  readonly count: number;
  readonly roles: readonly string[];
}

export interface Quorum {
  readonly satisfied: boolean;
  readonly missing: readonly Missing[];
  /** `1 of sre, 1 of qa`; empty when nothing is missing. */
  readonly missingText: string;
  /** Every role that could help, in the order of the clauses. */
  readonly missingRoles: readonly string[];
}

/** A person with the roles that count for them. */
export interface Member {
  readonly person: string;
  readonly roles: readonly string[];
}

/** The quorum of a request as it stands; independent of the order in which decisions came. */
export function quorum(request: ApprovalRequest, separation: Separation, requester: string): Quorum {
  const approvers = currentDecisions(request)
    .filter((decision) => decision.kind === 'approve')
    .map(({ person, roles }) => ({ person, roles }));
  return quorumOf(request.gate.require, approvers, separation, requester);
}

/** The latest decision of each person that still counts: on the present evidence, not void. */
export function currentDecisions(request: ApprovalRequest): readonly Decision[] {
  const latest = new Map<string, Decision>();
  for (const decision of request.decisions) {
    if (decision.void === null && decision.evidenceRevision === request.evidence.revision) {
      latest.set(decision.person, decision);
    }
  }
  return [...latest.values()];
}

/** The algebra itself: would these people's approvals satisfy these clauses? */
export function quorumOf(
  clauses: readonly Clause[],
  approvers: readonly Member[],
  separation: Separation,
  requester: string,
): Quorum {
  const people = approvers.filter(({ person }) => separation.requesterMayApprove || person !== requester);
  const empty = tablesOf(clauses, separation).flatMap((table) => emptySeats(table, people));
  const missing = grouped(empty);
  return {
    satisfied: missing.length === 0,
    missing,
    missingText: missing.map(({ count, roles }) => `${count} of ${roles.join(' or ')}`).join(', '),
    missingRoles: [...new Set(missing.flatMap(({ roles }) => roles))],
  };
}

/** A seat is one approval that is needed; it lists the roles that may fill it. */
type Seat = readonly string[];

/** Seats at one table must be filled by different people; the same person may sit at several tables. */
function tablesOf(clauses: readonly Clause[], separation: Separation): readonly (readonly Seat[])[] {
  const tables = clauses.flatMap(tablesOfClause);
  return separation.distinctPeople ? [tables.flat()] : tables;
}

function tablesOfClause(clause: Clause): readonly (readonly Seat[])[] {
  switch (clause.kind) {
    case 'all-of':
      return clause.roles.map((role) => [[role]]);
    case 'any-of':
      return [[clause.roles]];
    case 'one-per':
      return [clause.roles.map((role) => [role])];
    case 'at-least':
      return [Array.from({ length: clause.count }, () => [clause.role])];
  }
}

/** The seats that stay empty, each with all roles whose approval would fill one seat more. */
function emptySeats(table: readonly Seat[], people: readonly Member[]): readonly Seat[] {
  const may = (seat: number, person: number): boolean =>
    (table[seat] ?? []).some((role) => people[person]?.roles.includes(role) ?? false);
  const personOf = fillSeats(table.length, people.length, may);
  return table.flatMap((_, seat) => {
    if (personOf[seat] !== -1) return [];
    return [[...new Set(seatsThatHelp(seat, personOf, may).flatMap((helpful) => table[helpful] ?? []))]];
  });
}

function grouped(seats: readonly Seat[]): readonly Missing[] {
  const groups = new Map<string, { count: number; roles: readonly string[] }>();
  for (const roles of seats) {
    const key = JSON.stringify([...roles].sort());
    const group = groups.get(key) ?? { count: 0, roles };
    groups.set(key, { ...group, count: group.count + 1 });
  }
  return [...groups.values()];
}
