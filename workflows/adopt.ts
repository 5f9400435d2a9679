/** An edited plan comes into force: the story is told on by it, and what was said about the one before no longer counts. */

import { condition, upsertMemo } from '@temporalio/workflow';
import type { Edit, Position } from '../plan/edit.ts';
import type { Plan } from '../plan/plan.ts';
import { closeBecause } from './gate.ts';
import type { ControlInput } from './messages.ts';
import type { Run } from './run.ts';

/** A plan that may take the running one's place. */
export interface EditedPlan {
  readonly plan: Plan;
  readonly planDigest: string;
}

/** How far the rollout has come in its plan. */
export function positionOf({ state }: Run): Position {
  const begun = state.done.includes('gates:start');
  return { step: state.step, begun, promoted: state.stage.kind === 'promoted', watched: state.watched };
}

/** Why no plan can be edited at this moment, or `null`. */
export function notNow({ state }: Run): string | null {
  if (state.outcome !== null) return `already ended: ${state.outcome}`;
  if (state.turn !== null) return 'the rollout is going back';
  if (state.detached !== null || state.superseded !== null) return 'the rollout is being handed over';
  if (state.stepBackTo !== null) return 'a step back is under way; send it again';
  return state.done.includes('prepare') ? null : 'the checks before the start are under way; send it again';
}

/** An effect is carried out by the plan that it was begun with. */
export async function standing(run: Run): Promise<void> {
  while (run.moving) await condition(() => !run.moving);
}

/** From here on the rollout goes by the edited plan; what people have said about the one before no longer counts. */
export function adopt(run: Run, edited: EditedPlan, { by, reason }: ControlInput, edits: readonly Edit[]): void {
  const { state } = run;
  Object.assign(run, { plan: edited.plan, planDigest: edited.planDigest, isEdited: true });
  run.note('edited', `plan edited by ${by}: ${reason}; it is ${edited.planDigest} now`);
  for (const sentence of wordsOf(edits).slice(0, mostNoted)) run.note('edited', sentence);
  const isPromoted = state.stage.kind === 'promoted';
  if (!isPromoted) {
    state.done = state.done.filter((key) => !isAskedAgain(key, state.step));
    if (state.stage.kind === 'step') state.bake = 'baking';
  }
  state.stepWeights = run.plan.steps.map((_, index) =>
    index <= state.step ? (state.stepWeights[index] ?? null) : null,
  );
  closeBecause(run, `the plan was edited by ${by}`);
  upsertMemo({ planDigest: edited.planDigest });
  run.restartWatch();
}

/** So many of its sentences stand in the timeline. */
const mostNoted = 20;

/** The present step's bake, and all that lies ahead of it: a gate that was passed said yes to another plan. */
function isAskedAgain(key: string, step: number): boolean {
  const [part = '', where = ''] = key.split(':');
  if (where === '' || where === 'start') return false;
  return where === 'promote' || Number(where) > step || (Number(where) === step && part === 'bake');
}

/** One sentence for each edit. */
export function wordsOf(edits: readonly Edit[]): string[] {
  return edits.map(({ sentence }) => sentence.slice(0, 300));
}
