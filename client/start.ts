/** Starts a rollout: the workflow id is the lock, so a second start of the same service is refused and named. */

import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Plan } from '../plan/plan.ts';
import { formatBp } from '../plan/units.ts';
import { rolloutId, rolloutWorkflow, searchAttributes, type RolloutInput } from '../workflows/messages.ts';
import { readStatus } from './status.ts';
import { ClientError } from './errors.ts';
import { executionOf } from './execution.ts';
import { attributeFacts } from './setup.ts';
import { call, grpcCode, grpcStatus, serverCallMs, type Session } from './session.ts';

export interface StartInput {
  readonly plan: Plan;
  readonly planDigest: string;
  readonly requester: string;
}

export interface Started {
  readonly rollout: string;
  /** Run id of the first run; follow this one and not the id alone. */
  readonly run: string;
}

/** Throws `ClientError` already-running, setup-missing, unreachable, denied, not-found (namespace). */
export async function start(session: Session, { plan, planDigest, requester }: StartInput): Promise<Started> {
  const rollout = rolloutId(plan.environment, plan.service);
  const input: RolloutInput = { plan, planDigest, requester, carried: null };
  try {
    const handle = await call(session, serverCallMs, () =>
      session.client.workflow.start(rolloutWorkflow, {
        ...executionOf(input, 'preparing'),
        workflowId: rollout,
        taskQueue: session.taskQueue,
        args: [input],
      }),
    );
    return { rollout, run: handle.firstExecutionRunId };
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) throw await running(session, rollout, error);
    throw await unregistered(session, error);
  }
}

async function running(session: Session, rollout: string, cause: unknown): Promise<unknown> {
  const answer = await readStatus(session, rollout);
  const { described } = answer;
  const status = answer.kind === 'live' ? answer.status : null;
  const step = status?.steps[status.step];
  const state = status?.phase ?? described.state;
  return new ClientError(
    {
      code: 'already-running',
      rollout,
      release: status?.release.label ?? described.release?.label ?? null,
      state: step === undefined ? state : `${state ?? ''} at ${formatBp(step.weightBp)}`,
      requester: status?.requester ?? described.requester,
      startedAt: status?.startedAt ?? described.startedAt,
    },
    cause,
  );
}

/** The server names one unknown attribute (`no mapping defined for search attribute X`); people want all of them. */
async function unregistered(session: Session, error: unknown): Promise<unknown> {
  const status = grpcStatus(error);
  const ours = Object.keys(searchAttributes).some((name) => status?.detail.includes(name) === true);
  if (status?.code !== grpcCode.invalidArgument || !ours) return error;
  return new ClientError(
    { code: 'setup-missing', namespace: session.namespace, ...(await attributeFacts(session)) },
    error,
  );
}
