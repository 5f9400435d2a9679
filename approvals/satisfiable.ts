/** Could a gate ever be satisfied by the people there are? Asked before anything is touched. */

import type { Clause, Separation } from '../plan/plan.ts';
import { rolesAsked } from './decide.ts';
import { quorumOf } from './quorum.ts';

/**
 * Problems in words, one for each lack; empty when there are enough distinct people.
 * `membersByRole` must answer for every role of the clauses; a role without an entry has no members.
 */
export function satisfiable(
  clauses: readonly Clause[],
  membersByRole: Readonly<Record<string, readonly string[]>>,
  separation: Separation,
  requester: string,
): readonly string[] {
  const roles = rolesAsked(clauses);
  const membersOf = (role: string) => (Object.hasOwn(membersByRole, role) ? (membersByRole[role] ?? []) : []);
  const unmanned = roles.filter((role) => membersOf(role).length === 0);
  const people = [...new Set(roles.flatMap(membersOf))].sort();
  const everybody = people.map((person) => ({
    person,
    roles: roles.filter((role) => membersOf(role).includes(person)),
  }));
  const { missing } = quorumOf(clauses, everybody, separation, requester);
  const lacking = missing.filter((lack) => !lack.roles.every((role) => unmanned.includes(role)));
  return [
    ...unmannedProblems(clauses, unmanned),
    ...lacking.map(({ count, roles: wanted }) => {
      const without = separation.requesterMayApprove ? '' : `, without ${requester} who starts it`;
      const distinct = separation.distinctPeople ? ', each person counted once' : '';
      return `not enough people: ${count} more of ${wanted.join(' or ')} needed${without}${distinct}`;
    }),
  ];
}

/** An empty role is only a problem where nobody else can take its seat. */
function unmannedProblems(clauses: readonly Clause[], unmanned: readonly string[]): readonly string[] {
  const needed = clauses.flatMap((clause) => {
    switch (clause.kind) {
      case 'all-of':
      case 'one-per':
        return clause.roles;
      case 'any-of':
        return clause.roles.every((role) => unmanned.includes(role)) ? clause.roles : [];
      case 'at-least':
        return [clause.role];
    }
  });
  return unmanned.filter((role) => needed.includes(role)).map((role) => `role ${role} has no members in the directory`);
}
