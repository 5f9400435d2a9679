/** Checks across approvals: roles that exist, gates at weights that exist, ids that are unique. */

import { formatBp } from '../plan/units.ts';
import { defaultLadder } from '../plan/weights.ts';
import type { Cursor } from './cursor.ts';
import type { Finding } from './issues.ts';
import { wordsFor } from './expectations.ts';
import { didYouMean, listed } from './nearest.ts';
import { id } from './names.ts';
import { duplicates } from './unique.ts';
import { weight } from './values.ts';

export function checkApprovals(root: Cursor): readonly Finding[] {
  const gates = root.at('approvals', 'gates').list();
  return [
    ...duplicates(root.at('people', 'roles').list(), 'role'),
    ...duplicates(
      gates.map((gate) => gate.at('id')),
      'gate',
    ),
    ...gates.flatMap((gate) => [...checkRoles(gate, root), ...checkPlaces(gate, root)]),
  ];
}

/** Every clause names declared roles, each once. */
function checkRoles(gate: Cursor, root: Cursor): readonly Finding[] {
  const known = rolesOf(root);
  return clausesOf(gate).flatMap((clause) => {
    const lists = ['allOf', 'anyOf', 'onePer'].map((key) => clause.at(key).list());
    const named = [...lists.flat(), clause.at('of')];
    return [...lists.flatMap((list) => duplicates(list, 'role')), ...named.flatMap((role) => unknownRole(role, known))];
  });
}

function rolesOf(root: Cursor): readonly string[] {
  const roles = root.at('people', 'roles').list();
  return [...new Set(roles.flatMap((role) => role.text() ?? []))];
}

function clausesOf(gate: Cursor): readonly Cursor[] {
  const bands = gate
    .at('bands')
    .list()
    .flatMap((band) => band.at('require').list());
  return [...gate.at('require').list(), ...bands];
}

function unknownRole(role: Cursor, known: readonly string[]): readonly Finding[] {
  const name = role.as(id);
  if (name === undefined || known.includes(name)) return [];
  const expected = known.length === 0 ? 'a role of people.roles, which is empty' : wordsFor(known);
  const hint = didYouMean(name, known);
  return [
    {
      path: role.path,
      message: `unknown role ${JSON.stringify(name)}`,
      expected,
      ...(hint === undefined ? {} : { hint }),
    },
  ];
}

/** A gate before steps has either clauses for some steps, or bands for all of them. */
function checkPlaces(gate: Cursor, root: Cursor): readonly Finding[] {
  if (gate.at('at').raw !== 'before-step') return [];
  const [require, bands, steps] = [gate.at('require'), gate.at('bands'), gate.at('steps')];
  const ladder = ladderOf(root);
  if (bands.exists) return [...besideBands(require), ...besideBands(steps), ...checkBands(bands, ladder)];
  if (!require.exists)
    return [{ path: gate.path, message: 'nobody is asked at this gate', expected: 'require or bands' }];
  return steps.list().flatMap((step) => {
    const bp = step.as(weight);
    if (bp === undefined || ladder === null || ladder.includes(bp)) return [];
    const expected = wordsFor(ladder.map(formatBp));
    return [{ path: step.path, message: `there is no step of ${formatBp(bp)}`, expected }];
  });
}

function besideBands(other: Cursor): readonly Finding[] {
  if (!other.exists) return [];
  return [{ path: other.path, at: 'key', message: `"${String(other.path.at(-1))}" cannot stand beside "bands"` }];
}

/** Bands rise, and the last one reaches the last step. */
function checkBands(bands: Cursor, ladder: readonly number[] | null): readonly Finding[] {
  const limits = bands.list().map((band) => band.at('upTo'));
  const values = limits.map((limit) => limit.as(weight));
  if (values.includes(undefined)) return [];
  const highest = Math.max(...(values as number[]));
  const falling = limits.filter((_, index) => index > 0 && (values[index] ?? 0) <= (values[index - 1] ?? 0));
  const uncovered = (ladder ?? []).filter((bp) => bp > highest);
  return [
    ...falling.map((limit) => ({ path: limit.path, message: 'bands must rise', expected: 'upTo in ascending order' })),
    ...(uncovered.length === 0
      ? []
      : [
          {
            path: bands.path,
            message: `no band reaches ${listed(uncovered.map(formatBp))}`,
            expected: 'a last band upTo: 100%',
          },
        ]),
  ];
}

/** The weights of the steps; `null` when one of them cannot be read. */
function ladderOf(root: Cursor): readonly number[] | null {
  if (!root.at('steps').exists) return defaultLadder;
  const weights = root
    .at('steps')
    .list()
    .map((step) => step.at('weight').as(weight));
  return weights.includes(undefined) ? null : (weights as number[]);
}
