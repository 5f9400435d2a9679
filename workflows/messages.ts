/** The messages a rollout understands, by name; shared with every door that sends them. Payloads are parsed, never trusted. */

import type { QueryDefinition, SignalDefinition, UpdateDefinition } from '@temporalio/common';
import type { DecisionReceipt } from '../approvals/request.ts';
import type { ControlReceipt, Explanation, Status } from '../plan/status.ts';
import type { TimelineEvent } from '../plan/timeline.ts';
import type { Position } from '../plan/edit.ts';
import type { Plan } from '../plan/plan.ts';
import type { RolloutRecord } from '../plan/record.ts';
import type { Outcome } from '../plan/phases.ts';

const signal = (name: string) => ({ type: 'signal', name }) as SignalDefinition<[unknown]>;
const update = <Answer>(name: string) => ({ type: 'update', name }) as UpdateDefinition<Answer, [unknown]>;
const query = <Answer>(name: string) => ({ type: 'query', name }) as QueryDefinition<Answer>;

/** What raises exposure: an Update that answers, and a Signal of the same name whose answer is in `status`. */
export const decideUpdate = update<DecisionReceipt>('decide');
export const decideSignal = signal('decide');
export const resumeUpdate = update<ControlReceipt>('resume');
export const resumeSignal = signal('resume');
export const liftUpdate = update<ControlReceipt>('lift');
export const liftSignal = signal('lift');
export const supersedeUpdate = update<ControlReceipt>('supersede');
export const supersedeSignal = signal('supersede');
export const detachUpdate = update<ControlReceipt>('detach');
export const detachSignal = signal('detach');
export const editPlanUpdate = update<ControlReceipt>('edit-plan');
export const editPlanSignal = signal('edit-plan');

/** What lowers or stops: Signals, durable at once, also while no worker runs. */
export const pauseSignal = signal('pause');
export const freezeSignal = signal('freeze');
export const abortSignal = signal('abort');
export const stepBackSignal = signal('step-back');
export const flipSignal = signal('flip');

export const statusQuery = query<Status>('status');
export const explainQuery = query<Explanation>('explain');
export const timelineQuery = query<readonly TimelineEvent[]>('timeline');
export const recordQuery = query<RolloutRecord>('record');
export const planQuery = query<RunningPlan>('plan');

/** What a query fails with while a worker takes a rollout over: asking again is all there is to do. */
export const askAgain = 'the worker has just taken this rollout over and has not caught up yet; ask again';

/** Who stops or lowers, and why; both are claims and shown as such. */
export interface ControlInput {
  readonly by: string;
  readonly reason: string;
}

/** `toBp`: the weight to go down to; `null` means the step below the present one. */
export interface StepBackInput extends ControlInput {
  readonly toBp: number | null;
}

/** `switch`: id of a kill switch of the plan. */
export interface FlipInput extends ControlInput {
  readonly switch: string;
}

/** `validUntil`: epoch ms in workflow time after which a late delivery changes nothing; `null` for no limit. */
export interface RaiseInput extends ControlInput {
  readonly validUntil: number | null;
}

/** A plan in place of the running one; both are named by their digests. */
export interface EditPlanInput extends RaiseInput {
  readonly plan: Plan;
  readonly planDigest: string;
  /** Of the plan that it was made from; another one running meanwhile refuses it. */
  readonly fromDigest: string;
}

/** The plan that a rollout goes by, and how far it has come in it. */
export interface RunningPlan {
  readonly plan: Plan;
  readonly planDigest: string;
  readonly position: Position;
}

/** The rollout workflow's type name and input: the plan, who asked, and what a continued run carries on. */
export const rolloutWorkflow = 'rollout';

export interface RolloutInput {
  readonly plan: Plan;
  /** As printed by `sluice plan`; recomputed inside. */
  readonly planDigest: string;
  readonly requester: string;
  /** State of the run before; `null` at the start. */
  readonly carried: unknown;
}

/** The rollout's result. */
export interface RolloutResult {
  readonly outcome: Outcome;
  readonly reason: string | null;
}

/** The workflow that takes the place of a rollout which ended without an outcome; same id, same messages. */
export const revertWorkflow = 'revert';

/** Both, as `WorkflowType` in a visibility query: whatever looks like a rollout to people. */
export const rolloutTypes = `WorkflowType IN ('${rolloutWorkflow}', '${revertWorkflow}')`;

/** Looks for rollouts that nobody carries on; started by a Schedule that `sluice setup` makes. */
export const guardianWorkflow = 'guardian';

/** One guardian for each task queue: it watches over the rollouts of its own workers. */
export function guardianId(taskQueue: string): string {
  return `guardian/${taskQueue}`;
}

/** Short read-only workflow that asks the worker a question. */
export const inspectWorkflow = 'inspect';

/** Writes the record of a rollout to the operator's archive, however long that takes. */
export const archiveWorkflow = 'archive';

/** The id is the lock: one active rollout per environment and service. */
export function rolloutId(environment: string, service: string): string {
  return `rollout/${environment}/${service}`;
}

/** The same as people say and type it: `production/web`; other ids as they are. */
export function rolloutName(id: string): string {
  return id.replace(/^rollout\//, '');
}

/** Search attributes, registered by `sluice setup`. */
export const searchAttributes = {
  RolloutService: 'KEYWORD',
  RolloutEnv: 'KEYWORD',
  RolloutState: 'KEYWORD',
  RolloutRelease: 'KEYWORD',
  RolloutPercent: 'INT',
} as const;

/** The watch runs on a queue of its own, beside the main one. */
export function watchQueue(taskQueue: string): string {
  return `${taskQueue}-watch`;
}
