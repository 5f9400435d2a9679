/** Asks the worker what only it can know, by a short read-only workflow, so that no laptop needs production credentials. */

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import type { InspectAnswer, InspectQuestion } from '../activities/contract.ts';
import { inspectWorkflow } from '../workflows/messages.ts';
import { describe } from './describe.ts';
import { ClientError } from './errors.ts';
import { needWorker, noWorker } from './pollers.ts';
import { call, grpcCode, grpcStatus, serverCallMs, type Session } from './session.ts';

/** The whole question, ms. */
const answerMs = 30_000;

/** A worker that polls picks a task up within milliseconds; after this long there is none, ms. */
const pickUpMs = 3_000;

export type AnswerTo<Kind extends InspectQuestion['kind']> = Extract<InspectAnswer, { kind: Kind | 'problem' }>;

/** An answer and the identity of the worker that gave it. */
export interface Answered<Kind extends InspectQuestion['kind']> {
  readonly answer: AnswerTo<Kind>;
  readonly worker: string;
}

/** `problem` is an answer. Throws `ClientError` no-worker (within 5 s), rejected, timed-out, unreachable, denied. */
export async function inspect<Kind extends InspectQuestion['kind']>(
  session: Session,
  question: Extract<InspectQuestion, { kind: Kind }>,
): Promise<AnswerTo<Kind>> {
  return (await asked<Kind>(session, question)).answer;
}

/** As `inspect`, and says which worker it was that answered. */
export async function inspectWorker<Kind extends InspectQuestion['kind']>(
  session: Session,
  question: Extract<InspectQuestion, { kind: Kind }>,
): Promise<Answered<Kind>> {
  const { answer, handle } = await asked<Kind>(session, question);
  const { events } = await call(session, serverCallMs, () => handle.fetchHistory());
  const started = events?.find((event) => event.activityTaskStartedEventAttributes != null);
  return { answer, worker: started?.activityTaskStartedEventAttributes?.identity ?? 'unknown' };
}

interface Asked<Kind extends InspectQuestion['kind']> {
  readonly answer: AnswerTo<Kind>;
  readonly handle: WorkflowHandle;
}

async function asked<Kind extends InspectQuestion['kind']>(
  session: Session,
  question: Extract<InspectQuestion, { kind: Kind }>,
): Promise<Asked<Kind>> {
  await needWorker(session);
  const handle = await call(session, serverCallMs, () =>
    session.client.workflow.start(inspectWorkflow, {
      workflowId: `inspect/${randomUUID()}`,
      taskQueue: session.taskQueue,
      args: [question],
      workflowExecutionTimeout: answerMs,
      workflowTaskTimeout: '5s',
      staticSummary: `asks the worker: ${question.kind}`,
    }),
  );
  const over = new AbortController();
  try {
    const answered = answer<Kind>(session, handle, question.kind);
    return { answer: await Promise.race([answered, unlessPickedUp(session, handle, over.signal)]), handle };
  } catch (error) {
    // Only now: a terminated workflow is an answer too, and would win the race.
    if (error instanceof ClientError && error.code === 'no-worker') await withdraw(session, handle);
    throw error;
  } finally {
    over.abort();
  }
}

async function withdraw(session: Session, handle: WorkflowHandle): Promise<void> {
  await call(session, serverCallMs, () => handle.terminate('no worker picked the question up'));
}

async function answer<Kind extends InspectQuestion['kind']>(
  session: Session,
  handle: WorkflowHandle,
  kind: Kind,
): Promise<AnswerTo<Kind>> {
  try {
    const result = (await session.connection.withDeadline(Date.now() + answerMs, () =>
      handle.result(),
    )) as InspectAnswer | null;
    if (result?.kind === kind || result?.kind === 'problem') return result as AnswerTo<Kind>;
    // A worker of an older version does not know the question.
    const said = result?.kind ?? 'nothing';
    throw new ClientError({ code: 'rejected', reason: `the worker answered "${said}" to "${kind}"` });
  } catch (error) {
    const doing = `asking the worker (${kind})`;
    if (grpcStatus(error)?.code === grpcCode.deadlineExceeded || isTimeOut(error)) {
      throw new ClientError({ code: 'timed-out', doing, updateId: null }, error);
    }
    // Terminated by the look below, whose own error this one overtakes.
    if (isTerminated(error)) throw noWorker(session.taskQueue, pickUpMs);
    if (error instanceof WorkflowFailedError) {
      throw new ClientError({ code: 'rejected', reason: `${doing}: ${rootMessage(error)}` }, error);
    }
    throw error;
  }
}

/** A killed worker stays in the server's list of pollers for minutes; an untouched task gives it away. */
async function unlessPickedUp(session: Session, handle: WorkflowHandle, over: AbortSignal): Promise<never> {
  await delay(pickUpMs, undefined, { signal: over });
  const { taskWaitingSince, open } = await describe(session, handle.workflowId);
  if (open && taskWaitingSince !== null) throw noWorker(session.taskQueue, pickUpMs);
  return new Promise<never>(() => undefined); // picked up: the answer or its deadline decides
}

function isTimeOut(error: unknown): boolean {
  return error instanceof WorkflowFailedError && error.cause?.name === 'TimeoutFailure';
}

function isTerminated(error: unknown): boolean {
  return error instanceof WorkflowFailedError && error.cause?.name === 'TerminatedFailure';
}

function rootMessage(error: Error): string {
  let at = error;
  while (at.cause instanceof Error) at = at.cause;
  return at.message;
}
