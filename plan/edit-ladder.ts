/** Edits of the ladder: steps ahead may come in between, get lighter or bake longer; what is behind stays as it was. */

import { durationEdits, isSame, runEdits, type Edit, type Position } from './edit.ts';
import type { Plan, StepPlan } from './plan.ts';
import { formatBp } from './units.ts';

export function ladderEdits(from: Plan, to: Plan, at: Position): readonly Edit[] {
  if (isSame(from.steps, to.steps)) return [];
  const behind = from.steps.slice(0, at.step + 1).flatMap((step, index) => behindEdits(step, index, to, at));
  if (behind.some(({ kind }) => kind === 'forbidden')) return behind;
  const find = counterpart(from, to, at);
  const kept = from.steps.flatMap((step, index): readonly Edit[] => {
    const edited = index > at.step ? to.steps[find(index) ?? -1] : undefined;
    if (edited === undefined) return [];
    const where = `step ${formatBp(edited.weightBp)}`;
    return [...bakeEdits(where, step, edited), ...runEdits(where, step.smoke, edited.smoke)];
  });
  return [...behind, ...weightEdits(from, to, at), ...kept];
}

/**
 * Where a step of the running plan stands in the edited one: behind the position at the same index, ahead of it the step
 * of the same weight, else the one that took its place; `null` when it is gone.
 */
export function counterpart(from: Plan, to: Plan, at: Position): (index: number) => number | null {
  return (index) => {
    if (index <= at.step) return index;
    const sameWeight = to.steps.findIndex((step) => step.weightBp === from.steps[index]?.weightBp);
    if (sameWeight > at.step) return sameWeight;
    return to.steps.length >= from.steps.length ? index : null;
  };
}

function behindEdits(step: StepPlan, index: number, to: Plan, at: Position): readonly Edit[] {
  const edited = to.steps[index];
  const weight = formatBp(step.weightBp);
  if (edited !== undefined && isSame(step, edited)) return [];
  if (index < at.step || at.promoted || edited?.weightBp !== step.weightBp) {
    return [{ kind: 'forbidden', sentence: `step ${weight} is taken already and cannot be edited` }];
  }
  if (!isSame(step.smoke, edited.smoke)) {
    return [{ kind: 'forbidden', sentence: `step ${weight} is the present one: its smoke cannot be edited any more` }];
  }
  return bakeEdits(`step ${weight}`, step, edited);
}

/** Tighter as long as no rise is higher than the rise in its place was. */
function weightEdits(from: Plan, to: Plan, at: Position): readonly Edit[] {
  const [old, edited] = [from, to].map(({ steps }) => steps.slice(at.step + 1).map((step) => step.weightBp));
  if (old === undefined || edited === undefined || isSame(old, edited)) return [];
  const isTighter = old.every((weightBp, index) => (edited[index] ?? Infinity) <= weightBp);
  const sentence = `the ladder ahead is ${written(edited)} instead of ${written(old)}`;
  return [{ kind: isTighter ? 'tighter' : 'needs-asking', sentence }];
}

function written(weights: readonly number[]): string {
  return weights.map(formatBp).join(', ') || 'at its end';
}

function bakeEdits(where: string, from: StepPlan, to: StepPlan): readonly Edit[] {
  const asked = { tighter: 'longer', otherwise: 'needs-asking' } as const;
  const late = { tighter: 'shorter', otherwise: 'needs-asking' } as const;
  // A longer bake takes its maximum along.
  const most = to.bakeMinMs > from.bakeMinMs && to.bakeMaxMs > from.bakeMaxMs ? asked : late;
  const answers = `${where}: what follows when nobody answers a hold is ${to.hold.then} instead of ${from.hold.then}`;
  const kind = to.hold.then === 'rollback' ? 'tighter' : 'needs-asking';
  return [
    ...durationEdits(`${where}: the bake`, from.bakeMinMs, to.bakeMinMs, asked),
    ...durationEdits(`${where}: the longest bake`, from.bakeMaxMs, to.bakeMaxMs, most),
    ...durationEdits(`${where}: how long a hold waits`, from.hold.forMs, to.hold.forMs, late),
    ...(from.hold.then === to.hold.then ? [] : [{ kind, sentence: answers } as const]),
  ];
}
