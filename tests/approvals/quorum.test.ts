import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quorumOf, type Member, type Missing } from '../../approvals/quorum.ts';
import type { Clause, Separation } from '../../plan/plan.ts';
import { allOf, anyOf, atLeast, loose, onePer, requester, strict } from './given.ts';

const who = (person: string, ...roles: string[]): Member => ({ person, roles });
const distinct: Separation = { requesterMayApprove: true, distinctPeople: true };

function missing(clauses: readonly Clause[], people: readonly Member[], separation = strict): string {
  return quorumOf(clauses, people, separation, requester).missingText;
}

describe('the clauses', () => {
  it('allOf waits for the fifth of five and names whom it waits for', () => {
    const five = ['security', 'product', 'backend', 'sre', 'legal'];
    const four = five.slice(0, 4).map((role) => who(`${role}-person`, role));
    expect(missing([allOf(...five)], four)).toBe('1 of legal');
    expect(quorumOf([allOf(...five)], [...four, who('leo', 'legal')], strict, requester).satisfied).toBe(true);
  });

  it('anyOf is content with one', () => {
    expect(missing([anyOf('ceo', 'cto')], [])).toBe('1 of ceo or cto');
    expect(missing([anyOf('ceo', 'cto')], [who('cleo', 'ceo')])).toBe('');
  });

  it('onePer is not filled by two of the same role', () => {
    const leads = [who('ana', 'lead'), who('ben', 'lead')];
    expect(missing([onePer('lead', 'sre')], leads)).toBe('1 of sre');
    expect(missing([onePer('lead', 'sre')], [...leads, who('cid', 'sre')])).toBe('');
  });

  it('onePer never lets one person fill two roles, even where people may count twice', () => {
    expect(quorumOf([onePer('lead', 'sre')], [who('ana', 'lead', 'sre')], loose, requester).satisfied).toBe(false);
  });

  it('onePer moves people to where they are needed, whoever came first', () => {
    const ana = who('ana', 'lead', 'sre');
    const ben = who('ben', 'lead');
    expect(missing([onePer('lead', 'sre')], [ana, ben])).toBe('');
    expect(missing([onePer('lead', 'sre')], [ben, ana])).toBe('');
    expect(missing([onePer('lead', 'sre')], [ana])).toBe('1 of sre or lead');
  });

  it('atLeast counts people', () => {
    expect(missing([atLeast(3, 'sre')], [who('ana', 'sre')])).toBe('2 of sre');
  });

  it('all clauses must hold, and one person counts once unless the plan says otherwise', () => {
    const both = [atLeast(1, 'sre'), anyOf('lead', 'qa')];
    expect(missing(both, [who('ana', 'sre', 'qa')])).toBe('1 of lead or qa or sre');
    expect(missing(both, [who('ana', 'sre', 'qa')], loose)).toBe('');
    expect(missing([allOf('sre', 'qa')], [who('ana', 'sre', 'qa')], loose)).toBe('');
  });

  it('the requester does not count unless the plan lets them', () => {
    expect(missing([allOf('sre')], [who(requester, 'sre')])).toBe('1 of sre');
    expect(missing([allOf('sre')], [who(requester, 'sre')], distinct)).toBe('');
  });
});

// ── Algebra ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const allRoles = ['sre', 'qa', 'lead', 'legal'];
const role = fc.constantFrom(...allRoles);
const someRoles = fc.uniqueArray(role, { minLength: 1, maxLength: 4 });
const clause: fc.Arbitrary<Clause> = fc.oneof(
  someRoles.map((roles) => allOf(...roles)),
  someRoles.map((roles) => anyOf(...roles)),
  someRoles.map((roles) => onePer(...roles)),
  fc.tuple(fc.integer({ min: 1, max: 3 }), role).map(([count, name]) => atLeast(count, name)),
);
const clauses = fc.array(clause, { maxLength: 3 });
const member = fc.record({
  person: fc.constantFrom('ana', 'ben', 'cid', 'dot', 'eve', 'fay', requester),
  roles: fc.uniqueArray(role, { maxLength: 4 }),
});
const members = fc.uniqueArray(member, { selector: ({ person }) => person, maxLength: 7 });
const separation = fc.record({ requesterMayApprove: fc.boolean(), distinctPeople: fc.boolean() });

/** The definition, by trying every way to seat people: slow, obviously right. */
function seatable(table: readonly (readonly string[])[], people: readonly Member[]): boolean {
  const [seat, ...others] = table;
  if (seat === undefined) return true;
  return people.some(
    (one) =>
      one.roles.some((held) => seat.includes(held)) &&
      seatable(
        others,
        people.filter((other) => other !== one),
      ),
  );
}

function seatsOf(one: Clause): readonly (readonly string[])[] {
  switch (one.kind) {
    case 'all-of':
    case 'one-per':
      return one.roles.map((name) => [name]);
    case 'any-of':
      return [one.roles];
    case 'at-least':
      return Array.from({ length: one.count }, () => [one.role]);
  }
}

function satisfiedByDefinition(all: readonly Clause[], people: readonly Member[], rules: Separation): boolean {
  const counted = people.filter(({ person }) => rules.requesterMayApprove || person !== requester);
  if (rules.distinctPeople) return seatable(all.flatMap(seatsOf), counted);
  return all.every((one) =>
    one.kind === 'all-of' ? seatsOf(one).every((seat) => seatable([seat], counted)) : seatable(seatsOf(one), counted),
  );
}

describe('the algebra', () => {
  it('agrees with trying every seating', () => {
    fc.assert(
      fc.property(clauses, members, separation, (all, people, rules) => {
        expect(quorumOf(all, people, rules, requester).satisfied).toBe(satisfiedByDefinition(all, people, rules));
      }),
      { numRuns: 500 },
    );
  });

  it('does not depend on the order of the people, in the words neither', () => {
    const shuffled = members.chain((people) =>
      fc.tuple(fc.constant(people), fc.shuffledSubarray(people, { minLength: people.length })),
    );
    fc.assert(
      fc.property(clauses, shuffled, separation, (all, [people, again], rules) => {
        const one = quorumOf(all, people, rules, requester);
        const other = quorumOf(all, again, rules, requester);
        expect(other.satisfied).toBe(one.satisfied);
        expect(inWords(other.missing)).toEqual(inWords(one.missing));
      }),
      { numRuns: 500 },
    );
  });

  it('is never unsatisfied by one approval more, and never asks for more because of it', () => {
    fc.assert(
      fc.property(clauses, members, member, separation, (all, people, newcomer, rules) => {
        fc.pre(!people.some(({ person }) => person === newcomer.person));
        const before = quorumOf(all, people, rules, requester);
        const after = quorumOf(all, [...people, newcomer], rules, requester);
        expect(countOf(after.missing)).toBeLessThanOrEqual(countOf(before.missing));
        if (before.satisfied) expect(after.satisfied).toBe(true);
      }),
    );
  });

  it('names exactly the roles of which one more person would help', () => {
    fc.assert(
      fc.property(clauses, members, separation, (all, people, rules) => {
        const before = quorumOf(all, people, rules, requester);
        const helping = allRoles.filter((name) => {
          const after = quorumOf(all, [...people, who('somebody new', name)], rules, requester);
          return countOf(after.missing) < countOf(before.missing);
        });
        expect([...before.missingRoles].sort()).toEqual(helping.sort());
      }),
      { numRuns: 300 },
    );
  });
});

function countOf(lacks: readonly Missing[]): number {
  return lacks.reduce((sum, { count }) => sum + count, 0);
}

function inWords(lacks: readonly Missing[]): readonly string[] {
  return lacks.map(({ count, roles }) => `${count} of ${[...roles].sort().join()}`);
}
