/** Looks at everything that must be there before a rollout can run: server, namespace, attributes, workers, connections. */

import type { DoctorCheck } from '../activities/contract.ts';
import { ClientError } from './errors.ts';
import { inspect } from './inspect.ts';
import { pollers, type QueuePollers } from './pollers.ts';
import { attributeFacts } from './setup.ts';
import { searchAttributes } from '../workflows/messages.ts';
import { call, connect, serverCallMs, type ConnectOptions, type Session } from './session.ts';

/** Stops where going on has no sense, never throws for what it finds. */
export async function diagnose(options: ConnectOptions): Promise<readonly DoctorCheck[]> {
  const checks: DoctorCheck[] = [];
  let session: Session;
  try {
    session = await connect(options);
  } catch (error) {
    return [failed('Temporal server', error)];
  }
  try {
    checks.push({ what: 'Temporal server', ok: true, detail: session.address });
    checks.push(await check(`namespace ${session.namespace}`, () => namespace(session)));
    if (checks.some((done) => !done.ok)) return checks;
    checks.push(await check('search attributes', () => attributes(session)));
    const queues = await pollers(session);
    checks.push(...queues.map(workersOf));
    if (queues[0].workflow.length > 0) checks.push(...(await connections(session)));
    return checks;
  } finally {
    await session.close();
  }
}

async function check(what: string, run: () => Promise<string>): Promise<DoctorCheck> {
  try {
    return { what, ok: true, detail: await run() };
  } catch (error) {
    return failed(what, error);
  }
}

/** A bug is not a finding: only errors with facts become one. */
function failed(what: string, error: unknown): DoctorCheck {
  if (!(error instanceof ClientError)) throw error;
  return { what, ok: false, detail: error.message };
}

async function namespace(session: Session): Promise<string> {
  const { config } = await call(session, serverCallMs, () =>
    session.client.workflowService.describeNamespace({ namespace: session.namespace }),
  );
  const seconds = Number(String(config?.workflowExecutionRetentionTtl?.seconds ?? 0));
  return `keeps finished rollouts for ${Math.round(seconds / 8_640) / 10} days`;
}

async function attributes(session: Session): Promise<string> {
  const { missing, wrong } = await attributeFacts(session);
  if (missing.length + wrong.length > 0) {
    throw new ClientError({ code: 'setup-missing', namespace: session.namespace, missing, wrong });
  }
  return `all ${Object.keys(searchAttributes).length} registered`;
}

function workersOf(queue: QueuePollers): DoctorCheck {
  const identities = [...new Set([...queue.workflow, ...queue.activity])].sort();
  const detail =
    identities.length === 0 ? 'nobody polls it; start `sluice worker --config FILE`' : identities.join(', ');
  return { what: `workers on task queue "${queue.taskQueue}"`, ok: identities.length > 0, detail };
}

async function connections(session: Session): Promise<readonly DoctorCheck[]> {
  try {
    const answer = await inspect<'doctor'>(session, { kind: 'doctor' });
    return answer.kind === 'doctor' ? answer.checks : [{ what: 'connections', ok: false, detail: answer.message }];
  } catch (error) {
    return [failed('connections', error)];
  }
}
