/** Looks at everything that must be there before a rollout can run: server, namespace, attributes, workers, connections. */

import type { DoctorCheck } from '../activities/contract.ts';
import { formatElapsed } from '../plan/units.ts';
import { ClientError } from './errors.ts';
import { guardianFacts, type GuardianFacts } from './guardian.ts';
import { pollers, type QueuePollers } from './pollers.ts';
import { connectionChecks, rollCall, type Heard } from './roll-call.ts';
import { attributeFacts } from './setup.ts';
import { archiveWorkflow, searchAttributes } from '../workflows/messages.ts';
import { call, connect, serverCallMs, type ConnectOptions, type Session } from './session.ts';
import { idleBecause, isSame, versionless, wordsFor } from './versions.ts';

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
    checks.push(...(await waitingRecords(session)));
    const [rollouts, watches] = await pollers(session);
    const [answering, ...connections] = await workers(session, rollouts);
    checks.push(...versionsOf(session, rollouts));
    return [...checks, answering, watchersOf(watches), await guardian(session), ...connections];
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
  return `keeps finished rollouts for ${inDays(seconds)}`;
}

async function attributes(session: Session): Promise<string> {
  const { missing, wrong } = await attributeFacts(session);
  if (missing.length + wrong.length > 0) {
    throw new ClientError({ code: 'setup-missing', namespace: session.namespace, missing, wrong });
  }
  return `all ${Object.keys(searchAttributes).length} registered`;
}

/** Records that have not found their way into the archive for some time; nothing to say while there are none. */
async function waitingRecords(session: Session): Promise<readonly DoctorCheck[]> {
  const before = new Date(Date.now() - lateMs).toISOString();
  const query = `WorkflowType = '${archiveWorkflow}' AND ExecutionStatus = 'Running' AND StartTime < '${before}'`;
  const { count } = await call(session, serverCallMs, () => session.client.workflow.count(query));
  if (count === 0) return [];
  const what = count === 1 ? '1 record of an ended rollout waits' : `${String(count)} records of ended rollouts wait`;
  return [{ what: 'archive', ok: false, detail: `${what} to be written; the workflows archive/… say why` }];
}

const lateMs = 20_000;

/** `1 day`, `2.5 days`. */
export function inDays(seconds: number): string {
  const days = Math.round(seconds / 8_640) / 10;
  return `${String(days)} ${days === 1 ? 'day' : 'days'}`;
}

/** Longer than this without a look, and nobody would notice a rollout that nobody carries on, ms. */
const blindMs = 180_000;

async function guardian(session: Session): Promise<DoctorCheck> {
  const what = 'guardian';
  try {
    return { what, ...standing(await guardianFacts(session)) };
  } catch (error) {
    return failed(what, error);
  }
}

function standing(facts: GuardianFacts | null): Pick<DoctorCheck, 'ok' | 'detail'> {
  if (facts === null) return unguarded('missing: there is no Schedule; `sluice setup` creates it');
  const { schedule, isPaused, note, startedAt, lookedAt, summary } = facts;
  if (isPaused) {
    const how = `temporal schedule toggle --schedule-id ${schedule} --unpause`;
    return unguarded(`its Schedule is paused${note === null ? '' : ` (${note})`}: ${how}`);
  }
  const now = Date.now();
  if (now - (lookedAt ?? startedAt ?? now) > blindMs) {
    const since =
      lookedAt === null
        ? `has not looked since it was started ${ago(startedAt ?? now, now)}`
        : `last looked ${ago(lookedAt, now)}`;
    return unguarded(`${since}: see that a worker runs`);
  }
  if (lookedAt === null) return { ok: true, detail: 'is about to look for the first time' };
  return { ok: true, detail: `looked ${ago(lookedAt, now)}${summary === null ? '' : `: ${summary}`}` };
}

function unguarded(detail: string): Pick<DoctorCheck, 'ok' | 'detail'> {
  return { ok: false, detail };
}

function ago(at: number, now: number): string {
  return `${formatElapsed(Math.max(0, now - at))} ago`;
}

/** Nothing to say while no worker has a version. */
function versionsOf({ namespace }: Session, { versions, routing }: QueuePollers): readonly DoctorCheck[] {
  const polling = versions.filter((version) => version !== null);
  if (polling.length === 0 && routing.current === null) return [];
  const what = 'worker versions';
  const idle = idleBecause(versions, routing, namespace);
  if (idle !== null) return [{ what, ok: false, detail: idle }];
  const { current } = routing;
  const words = current === null ? `${versionless} are given what begins` : `${wordsFor(current)} is current`;
  const others = [...new Set(polling.filter((version) => !isSame(version, current)).map(wordsFor))];
  return [{ what, ok: true, detail: others.length === 0 ? words : `${words}; ${others.join(', ')} polls too` }];
}

const nobody = 'nobody polls it; start `sluice worker --config FILE`';

/** Who answers, and what they see of their connections. */
async function workers(session: Session, queue: QueuePollers): Promise<readonly [DoctorCheck, ...DoctorCheck[]]> {
  const what = `workers on task queue "${queue.taskQueue}"`;
  if (queue.workflow.length === 0) return [{ what, ok: false, detail: nobody }];
  try {
    const heard = await rollCall(session, queue.activity);
    return [{ what, ok: true, detail: answering(queue, heard) }, ...connectionChecks(heard)];
  } catch (error) {
    return [failed(what, error)];
  }
}

/** Those that only poll may have been stopped a moment ago. */
function answering({ activity }: QueuePollers, heard: readonly Heard[]): string {
  const names = heard.map(({ worker }) => worker).sort();
  const silent = activity.filter((worker) => !names.includes(worker));
  const others = silent.length === 0 ? '' : `; not heard, stopped or busy: ${silent.join(', ')}`;
  return `${counted(names.length, 'answers')}: ${names.join(', ')}${others}`;
}

function watchersOf({ taskQueue, activity }: QueuePollers): DoctorCheck {
  const detail = activity.length === 0 ? nobody : `${counted(activity.length, 'polls')}: ${activity.join(', ')}`;
  return { what: `workers on task queue "${taskQueue}"`, ok: activity.length > 0, detail };
}

function counted(count: number, verb: 'answers' | 'polls'): string {
  return `${String(count)} ${count === 1 ? verb : verb.slice(0, -1)}`;
}
