/** How a run begins: its input is checked before anything is believed, and a continued run takes its state up. */

import { ApplicationFailure } from '@temporalio/common';
import { planDigest } from '../plan/digest.ts';
import type { Plan } from '../plan/plan.ts';
import type { RevertInput } from '../plan/orphan.ts';
import { nameOf } from '../plan/release.ts';
import { untilAnswered } from './edit-asked.ts';
import { goOnFlipping } from './flip.ts';
import type { RolloutInput } from './messages.ts';
import { Run } from './run.ts';
import type { RunState } from './state.ts';
import { initialState } from './state.ts';

/** Throws a failure that ends the run when the input is no plan of ours: nothing has been touched then. */
export function begin(input: RolloutInput): Run {
  const plan = checkedPlan(input);
  const carried = isState(input.carried) ? input.carried : null;
  const run = new Run(plan, input.planDigest, input.requester, { ...initialState(plan, Date.now()), ...carried });
  if (carried === null)
    run.note('started', `${input.requester} started ${nameOf(plan.release)}, plan ${input.planDigest}`);
  else if (carried.held !== null) void run.endHold(carried.held);
  if (run.state.asked !== null) void untilAnswered(run, run.state.asked);
  goOnFlipping(run);
  return run;
}

/** The revert of a rollout whose workflow is gone: from its first moment it is going back. Throws as `begin` does. */
export function beginRevert(input: RevertInput): Run {
  const plan = checkedPlan(input);
  const { stable, notifies, archives, exposed, sentence } = input;
  const carried = isState(input.carried) ? input.carried : null;
  const back = { phase: 'rolling-back', stable, notifies, archives, exposed } as const;
  const state = { ...initialState(plan, Date.now()), ...back, ...carried };
  const run = new Run(plan, input.planDigest, input.requester, state);
  if (carried !== null) return run;
  run.note('started', `the guardian takes ${nameOf(plan.release)} back, asked for by ${input.requester}`);
  run.turnBack({ kind: 'orphaned', sentence });
  return run;
}

function checkedPlan(input: unknown): Plan {
  if (!isRecord(input) || !isRecord(input['plan']) || input['plan']['version'] !== 1) {
    throw ApplicationFailure.nonRetryable(
      'the input is no plan of Sluice: start rollouts with `sluice start`',
      'invalid',
    );
  }
  if (typeof input['requester'] !== 'string' || typeof input['planDigest'] !== 'string') {
    throw ApplicationFailure.nonRetryable('the input names no requester or no plan digest', 'invalid');
  }
  const plan = input['plan'] as unknown as Plan;
  if (planDigest(plan) !== input['planDigest']) {
    throw ApplicationFailure.nonRetryable('the plan is not the one its digest names', 'invalid');
  }
  return plan;
}

function isState(carried: unknown): carried is RunState {
  return isRecord(carried) && carried['version'] === 1;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
