/** When what lies ahead can be over at the earliest: bakes and the watch count, people and targets take their time on top. */

import type { GatePoint } from '../plan/plan.ts';
import { formatBp, formatTime } from '../plan/units.ts';
import type { Explanation } from '../plan/status.ts';
import { isSoaking } from './status.ts';
import type { Run } from './run.ts';

/** Why nobody is asked there yet, and from when on somebody can be. */
export function notAskedYet(run: Run, gate: string, point: GatePoint): string {
  const still = `gate ${gate} is not open yet`;
  if (isStill(run)) return `${still}, and nobody can say when: the rollout stands still`;
  const steps = point.kind === 'start' ? 0 : point.kind === 'step' ? point.index : run.plan.steps.length;
  const weight = run.plan.steps[steps - 1]?.weightBp;
  const after = weight === undefined ? 'the checks' : `a clean bake at ${formatBp(weight)}`;
  return `${still}: expected ${formatTime(earliest(run, steps))} at the earliest, after ${after}`;
}

/** When so many steps can have been baked, epoch ms. */
function earliest(run: Run, steps: number): number {
  const clock = runningClock(run);
  const rest = run.plan.steps
    .slice(0, steps)
    .reduce((sum, { bakeMinMs }, index) => sum + (isBaked(run, index) || clock?.step === index ? 0 : bakeMinMs), 0);
  const present = clock !== null && clock.step !== 'watch' && clock.step < steps ? clock.endsAt : 0;
  return Math.max(Date.now(), present) + rest;
}

/** Bakes and watch still ahead; people and targets take their time on top. */
export function finishOf(run: Run): Pick<Explanation, 'earliestFinish' | 'restMs'> {
  const { state, plan } = run;
  if (state.outcome !== null || state.turn !== null || isStill(run)) {
    return { earliestFinish: null, restMs: 0 };
  }
  const clock = runningClock(run);
  const bakes = plan.steps.map((step, index) => (isBaked(run, index) || clock?.step === index ? 0 : step.bakeMinMs));
  const watch = state.watched || clock?.step === 'watch' ? 0 : plan.watch.forMs;
  const restMs = bakes.reduce((sum, ms) => sum + ms, watch);
  return { earliestFinish: Math.max(Date.now(), clock?.endsAt ?? 0) + restMs, restMs };
}

function isStill({ state }: Run): boolean {
  return state.held !== null || state.frozen !== null || state.paused !== null;
}

/** The bake or watch that counts now, and the moment before which it cannot end; `null` while none does. */
export function runningClock(run: Run): { readonly step: number | 'watch'; readonly endsAt: number } | null {
  const { state, plan } = run;
  const { stage, stageSince, checkpoint, bake } = state;
  const step = stage.kind === 'step' ? stage.index : stage.kind === 'promoted' ? 'watch' : null;
  if (step === null || bake === 'clean' || (step !== 'watch' && isBaked(run, step) && !isSoaking(run))) return null;
  const minMs = step === 'watch' ? plan.watch.forMs : (plan.steps[step]?.bakeMinMs ?? 0);
  if (state.clockTo !== null) return { step, endsAt: Date.now() + minMs - state.clockTo };
  const isPresent = checkpoint !== null && JSON.stringify(checkpoint.stage) === JSON.stringify(stage);
  if (!isPresent) return { step, endsAt: stageSince + minMs };
  return { step, endsAt: (checkpoint.lastPollAt ?? checkpoint.stageSince) + minMs - checkpoint.validMs };
}

function isBaked({ state }: Run, index: number): boolean {
  return state.done.includes(`bake:${String(index)}`);
}
