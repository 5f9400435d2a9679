/** Sends the messages that controlling people send, and waits for what came of them. */

import { randomUUID } from 'node:crypto';
import {
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type UpdateDefinition,
} from '@temporalio/client';
import type { DecisionInput, DecisionReceipt } from '../approvals/request.ts';
import type { ControlReceipt } from '../plan/status.ts';
import {
  decideUpdate,
  detachUpdate,
  editPlanUpdate,
  liftUpdate,
  resumeUpdate,
  supersedeUpdate,
  type ControlInput,
  type EditPlanInput,
  type RaiseInput,
} from '../workflows/messages.ts';
import { describe } from './describe.ts';
import { ClientError } from './errors.ts';
import { needWorkerOf } from './pollers.ts';
import { finished } from './finished.ts';
import { call, grpcCode, grpcStatus, type Session } from './session.ts';

/** Time an Update has to be answered, ms. */
const updateMs = 15_000;

/** An Update whose sender has given up is still delivered; after this long, in workflow time, it changes nothing, ms. */
const validMs = 60_000;

export interface UpdateOptions {
  /** The same id to the same run answers again instead of applying twice. @default a new one */
  readonly updateId?: string | undefined;
}

/**
 * Answers with what came of a decision; `ignored` is an answer too.
 * Throws `ClientError` rejected, timed-out (may still be applied), no-worker, finished, not-found, unreachable.
 */
export async function decide(
  session: Session,
  rollout: string,
  decision: Omit<DecisionInput, 'validUntil'>,
  options: UpdateOptions = {},
): Promise<DecisionReceipt> {
  const input: DecisionInput = { ...decision, validUntil: Date.now() + validMs };
  return execute(session, rollout, decideUpdate, input, `${decision.decision} ${decision.gate}`, options);
}

/** What only somebody with a role may ask: go on, end a freeze, make room for a newer rollout, let go. */
export type RaiseMessage = 'resume' | 'lift' | 'supersede' | 'detach';

const raises = { resume: resumeUpdate, lift: liftUpdate, supersede: supersedeUpdate, detach: detachUpdate } as const;

/** Throws as `decide` does. */
export async function raise(
  session: Session,
  rollout: string,
  message: RaiseMessage,
  input: ControlInput,
  options: UpdateOptions = {},
): Promise<ControlReceipt> {
  const whole: RaiseInput = { ...input, validUntil: Date.now() + validMs };
  return execute(session, rollout, raises[message], whole, message, options);
}

/** Throws as `decide` does. */
export async function editPlan(
  session: Session,
  rollout: string,
  edit: Omit<EditPlanInput, 'validUntil'>,
  options: UpdateOptions = {},
): Promise<ControlReceipt> {
  const input: EditPlanInput = { ...edit, validUntil: Date.now() + validMs };
  return execute(session, rollout, editPlanUpdate, input, 'edit-plan', options);
}

async function execute<Answer>(
  session: Session,
  rollout: string,
  definition: UpdateDefinition<Answer, [unknown]>,
  input: unknown,
  doing: string,
  { updateId = randomUUID() }: UpdateOptions,
): Promise<Answer> {
  const described = await describe(session, rollout);
  if (!described.open) throw finished(described);
  await needWorkerOf(session, described);
  const handle = session.client.workflow.getHandle(rollout);
  try {
    return await call(session, updateMs, () =>
      inTime(doing, updateId, () => handle.executeUpdate(definition, { args: [input], updateId })),
    );
  } catch (error) {
    throw await refusal(session, rollout, error);
  }
}

async function inTime<T>(doing: string, updateId: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const late = error instanceof WorkflowUpdateRPCTimeoutOrCancelledError;
    if (late || grpcStatus(error)?.code === grpcCode.deadlineExceeded) {
      throw new ClientError({ code: 'timed-out', doing, updateId }, error);
    }
    throw error;
  }
}

/** What a failed Update means; a rollout that ended meanwhile is told as such. */
async function refusal(session: Session, rollout: string, error: unknown): Promise<unknown> {
  if (error instanceof WorkflowUpdateFailedError) {
    const reason = error.cause?.message ?? error.message;
    return new ClientError({ code: 'rejected', reason }, error);
  }
  if (error instanceof ClientError && error.code === 'not-found') {
    const described = await describe(session, rollout);
    if (!described.open) return finished(described);
  }
  return error;
}
