/** Edits of gates: more of them, and more people at each; nobody who is asked is passed over while a rollout runs. */

import { counterpart } from './edit-ladder.ts';
import { durationEdits, isSame, type Edit, type Position } from './edit.ts';
import type { Clause, GatePlan, Plan } from './plan.ts';
import { formatBp } from './units.ts';

export function gateEdits(from: Plan, to: Plan, at: Position): readonly Edit[] {
  const find = counterpart(from, to, at);
  const kept = from.gates.map((gate) => ({ gate, edited: editedOf(gate, to, find) }));
  const known = kept.flatMap(({ gate, edited }): readonly Edit[] => {
    if (edited !== undefined) return editsOfOne(gate, edited);
    const place = gate.point.kind === 'step' && find(gate.point.index) === null ? ` with ${stepOf(gate, from)}` : '';
    return [{ kind: 'forbidden', sentence: `gate ${gate.id} cannot be taken away${place} while a rollout runs` }];
  });
  const added = to.gates.filter((gate) => !kept.some(({ edited }) => edited === gate));
  return [
    ...known,
    ...added.map((gate): Edit => {
      const late = isBehind(gate, at) ? ', where the rollout is past already: it asks after a step back' : '';
      return { kind: 'tighter', sentence: `gate ${gate.id} is added${late}` };
    }),
  ];
}

function stepOf({ point }: GatePlan, { steps }: Plan): string {
  return point.kind === 'step' ? `step ${formatBp(steps[point.index]?.weightBp ?? 0)}` : point.kind;
}

/** The gate of the same name at the same place: `wide@25%` is `wide` before the second step, whatever that weighs now. */
function editedOf(gate: GatePlan, to: Plan, find: (index: number) => number | null): GatePlan | undefined {
  const { point } = gate;
  const place = point.kind === 'step' ? { kind: 'step', index: find(point.index) } : point;
  return to.gates.find((other) => nameOf(other) === nameOf(gate) && isSame(other.point, place));
}

function nameOf({ id }: GatePlan): string {
  return id.split('@', 1)[0] ?? id;
}

function isBehind({ point }: GatePlan, at: Position): boolean {
  switch (point.kind) {
    case 'start':
      return at.begun;
    case 'step':
      return point.index <= at.step;
    case 'promote':
      return at.promoted;
  }
}

function editsOfOne(from: GatePlan, to: GatePlan): readonly Edit[] {
  const what = `gate ${to.id}`;
  const way = { tighter: 'shorter', otherwise: 'needs-asking' } as const;
  return [
    ...clauseEdits(what, from.require, to.require),
    ...durationEdits(`${what}: how long it waits`, from.expiresMs, to.expiresMs, way),
    ...expiryEdits(what, from.onExpiry, to.onExpiry),
    ...(isSame(from.remindAt, to.remindAt)
      ? []
      : [{ kind: 'tighter', sentence: `${what} reminds at other times` } as const]),
  ];
}

/** From what leaves the most traffic where it is to what leaves none. */
const ends: readonly GatePlan['onExpiry'][] = ['hold', 'step-back', 'rollback', 'abort'];

function expiryEdits(what: string, from: GatePlan['onExpiry'], to: GatePlan['onExpiry']): readonly Edit[] {
  if (from === to) return [];
  const kind = ends.indexOf(to) > ends.indexOf(from) ? 'tighter' : 'needs-asking';
  return [{ kind, sentence: `${what}: what follows when nobody answers is ${to} instead of ${from}` }];
}

function clauseEdits(what: string, from: readonly Clause[], to: readonly Clause[]): readonly Edit[] {
  if (isSame(from, to)) return [];
  const free = [...to];
  const isCovered = from.every((clause) => {
    const at = free.findIndex((other) => covers(other, clause));
    return at >= 0 && free.splice(at, 1).length === 1;
  });
  return isCovered
    ? [{ kind: 'tighter', sentence: `${what} asks more people` }]
    : [{ kind: 'forbidden', sentence: `${what} cannot ask fewer or other people while a rollout runs` }];
}

/** Whoever satisfies the first has satisfied the second. */
function covers(one: Clause, other: Clause): boolean {
  if (one.kind === 'at-least') return other.kind === 'at-least' && one.role === other.role && one.count >= other.count;
  if (other.kind === 'at-least' || one.kind !== other.kind) return false;
  const [few, many] = one.kind === 'any-of' ? [one.roles, other.roles] : [other.roles, one.roles];
  return few.length > 0 && few.every((role) => many.includes(role));
}
