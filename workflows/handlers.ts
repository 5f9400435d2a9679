/** Every message a rollout can get, registered before anything is awaited; none of them can fail the run. */

import { CancellationScope, setDefaultSignalHandler, setDefaultUpdateHandler, setHandler } from '@temporalio/workflow';
import { ApplicationFailure } from '@temporalio/common';
import type { SignalDefinition, UpdateDefinition } from '@temporalio/common';
import type { ControlReceipt } from '../plan/status.ts';
import { seal } from '../plan/record.ts';
import { formatBp } from '../plan/units.ts';
import { parseDecision } from '../approvals/parse.ts';
import type { DecisionReceipt } from '../approvals/request.ts';
import { decideOn } from './decisions.ts';
import { positionOf } from './adopt.ts';
import { editPlan } from './edit.ts';
import { explain } from './explain.ts';
import { flipByHand } from './flip.ts';
import { freeze, lift } from './freeze.ts';
import { detach, supersede } from './hand-over.ts';
import {
  abortSignal,
  decideSignal,
  decideUpdate,
  detachSignal,
  detachUpdate,
  editPlanSignal,
  editPlanUpdate,
  explainQuery,
  flipSignal,
  freezeSignal,
  liftSignal,
  liftUpdate,
  pauseSignal,
  planQuery,
  recordQuery,
  resumeSignal,
  resumeUpdate,
  statusQuery,
  stepBackSignal,
  supersedeSignal,
  supersedeUpdate,
  timelineQuery,
} from './messages.ts';
import { parseControl, parseStepBack } from './parse.ts';
import { giveReceipt } from './receipts.ts';
import { recordOf } from './record.ts';
import { resume } from './resume.ts';
import type { Run } from './run.ts';
import { statusOf } from './status.ts';

const unknown = 'no such message: see `sluice --help`';

export function registerHandlers(run: Run): void {
  registerQueries(run);
  registerLowering(run);
  registerRaising(run);
  setDefaultSignalHandler((name) => run.ignore(name, 'unknown', unknown));
  setDefaultUpdateHandler((name) => {
    run.ignore(name, 'unknown', unknown);
    throw ApplicationFailure.nonRetryable(unknown, 'invalid');
  });
  CancellationScope.current().cancelRequested.catch(() => {
    giveReceipt(run, 'cancel', { by: 'temporal', reason: 'cancel request' }, 'seen', 'going back to stable');
    run.turnBack({ kind: 'cancelled' });
  });
}

function registerQueries(run: Run): void {
  setHandler(statusQuery, () => statusOf(run), { description: 'Where the rollout stands, as typed JSON' });
  setHandler(explainQuery, () => explain(run), { description: 'What it waits for and who can unblock it' });
  setHandler(timelineQuery, () => run.state.timeline, { description: 'What happened, in order' });
  setHandler(recordQuery, () => seal(recordOf(run)), {
    description: 'All of it, with a digest: what the archive keeps',
  });
  setHandler(planQuery, () => ({ plan: run.plan, planDigest: run.planDigest, position: positionOf(run) }), {
    description: 'The plan that it goes by, and how far it has come in it',
  });
}

/** Signals: lowering is never refused for identity, and never for a missing field. */
function registerLowering(run: Run): void {
  setHandler(abortSignal, (raw) => abort(run, raw), { description: 'Go back to stable: {"by","reason"}' });
  setHandler(pauseSignal, (raw) => pause(run, raw), { description: 'Stay at this weight: {"by","reason"}' });
  setHandler(freezeSignal, (raw) => freeze(run, raw), { description: 'Forbid every rise: {"by","reason"}' });
  setHandler(stepBackSignal, (raw) => stepBackTo(run, raw), {
    description: 'Down to an earlier weight: {"by","reason","to":"5%"}',
  });
  setHandler(flipSignal, (raw) => flipByHand(run, raw), {
    description: 'Turn a kill switch off: {"by","reason","switch":"smart-mode"}',
  });
}

/**
 * Updates answer; the signals of the same names leave their answer in `status`. None of them has a validator: what a
 * validator rejects is in no history, but what the workflow decides in the same task is, so no replay could repeat it.
 */
function registerRaising(run: Run): void {
  setHandler(decideUpdate, (raw) => answer(run, raw), {
    description: 'Answer a gate: {"gate","decision","by","planDigest","evidenceDigest"}',
  });
  setHandler(decideSignal, (raw) => decideOn(run, raw, 'signal').then(() => undefined), {
    description: 'The same as the update; the answer is in `status`',
  });
  const both = (update: Raising, signal: SignalDefinition<[unknown]>, act: Act, description: string): void => {
    setHandler(update, (raw) => act(run, raw), { description });
    setHandler(signal, (raw) => act(run, raw).then(() => undefined), {
      description: 'The same as the update; the answer is in `status`',
    });
  };
  both(resumeUpdate, resumeSignal, resume, 'Go on after a pause or hold: {"by","reason"}');
  both(liftUpdate, liftSignal, lift, 'End a freeze: {"by","reason"}');
  both(supersedeUpdate, supersedeSignal, supersede, 'Make room for a newer rollout: {"by","reason"}');
  both(editPlanUpdate, editPlanSignal, editPlan, 'Another plan, as `sluice edit` sends it; only tightens, or asks');
  both(detachUpdate, detachSignal, detach, 'Leave the weights as they are and end: {"by","reason"}');
}

/** What is no decision at all is listed like every other, and fails its sender's call. */
async function answer(run: Run, raw: unknown): Promise<DecisionReceipt> {
  const receipt = await decideOn(run, raw, 'update');
  const parsed = parseDecision(raw);
  if (!parsed.ok) throw ApplicationFailure.nonRetryable(parsed.reason, 'invalid');
  return receipt;
}

type Raising = UpdateDefinition<ControlReceipt, [unknown]>;
type Act = (run: Run, raw: unknown) => Promise<ControlReceipt>;

function abort(run: Run, raw: unknown): void {
  const who = parseControl(raw);
  const { turn, outcome } = run.state;
  if (outcome !== null) return void giveReceipt(run, 'abort', who, 'ignored', `already ended: ${outcome}`);
  const detail = turn === null ? 'going back to stable' : 'already going back';
  giveReceipt(run, 'abort', who, run.state.stage.kind === 'back' ? 'confirmed' : 'seen', detail);
  run.turnBack({ kind: 'aborted', ...who });
}

function pause(run: Run, raw: unknown): void {
  const who = parseControl(raw);
  const { paused, phase, requestedBp } = run.state;
  const before = paused === null ? run.isPausable() : `already paused by ${paused.by}`;
  if (before !== null) return void giveReceipt(run, 'pause', who, 'ignored', before);
  const detail = `stays at ${formatBp(requestedBp)}, was ${phase}; the bake clock stands`;
  run.pause(who.by, who.reason);
  giveReceipt(run, 'pause', who, 'confirmed', detail);
}

function stepBackTo(run: Run, raw: unknown): void {
  const { toBp, ...who } = parseStepBack(raw);
  const below = stepBelow(run, toBp);
  const to = typeof below === 'string' ? below : (wouldRaise(run, below) ?? below);
  if (typeof to === 'string') {
    giveReceipt(run, 'step-back', who, 'ignored', to);
    return run.ignore('step-back', who.by, to);
  }
  run.state.stepBackTo = to;
  run.state.held = null;
  const weight = formatBp(run.plan.steps[to]?.weightBp ?? 0);
  giveReceipt(run, 'step-back', who, 'seen', `going down to ${weight}`);
  run.pause(who.by, `stepped back to ${weight}: ${who.reason}`);
}

/** Somebody has set less by hand than that step has: whoever goes down does not raise it again. */
function wouldRaise({ plan, state }: Run, to: number): string | null {
  const asked = plan.steps[to]?.weightBp ?? 0;
  const has = state.acceptedBp ?? state.requestedBp;
  if (asked <= has) return null;
  return `the release has ${formatBp(has)} now, ${formatBp(asked)} would raise it: resume applies the plan's weight, abort goes back`;
}

/** Index of the step to go down to (-1 is 0 %), or why there is none. */
function stepBelow(run: Run, toBp: number | null | 'invalid'): number | string {
  const { state, plan } = run;
  if (state.turn !== null || state.outcome !== null) return 'the rollout is already going back or has ended';
  if (state.stage.kind === 'promoted') return 'the release is promoted: only abort goes back now';
  if (state.step < 0) return 'no step has been taken yet';
  if (toBp === 'invalid') return 'give the weight as {"to": "5%"} or {"toBp": 500}';
  if (toBp === null) return state.step - 1;
  if (toBp === 0) return -1;
  const index = plan.steps.findIndex((step) => step.weightBp === toBp);
  if (index < 0) return `${formatBp(toBp)} is not a step of this plan`;
  return index < state.step ? index : `${formatBp(toBp)} is not below the present step`;
}
