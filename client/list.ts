/** Lists rollouts through Temporal's visibility: needs no worker, lags by up to a second. */

import { readAttributes, readMemo, type Attributes } from './attributes.ts';
import type { ArchivedRow } from '../activities/contract.ts';
import { rolloutId, rolloutTypes } from '../workflows/messages.ts';
import { ClientError } from './errors.ts';
import { quoted } from './quoted.ts';
import { archivedRows } from './record.ts';
import { attributeFacts } from './setup.ts';
import { call, grpcStatus, serverCallMs, type Session } from './session.ts';

export interface ListFilter {
  /** Also those that only the archive still has; needs a worker. */
  readonly archived?: boolean;
  readonly service?: string | undefined;
  readonly environment?: string | undefined;
  /** A phase or an outcome, e.g. `awaiting-approval`. */
  readonly state?: string | undefined;
  readonly open?: boolean;
  /** At most this many, newest first. @default 50 */
  readonly limit?: number;
}

/** Plain JSON; absent things are `null`, times epoch ms. */
export interface ListRow extends Attributes {
  readonly rollout: string;
  readonly run: string;
  readonly requester: string | null;
  readonly startedAt: number;
  readonly closedAt: number | null;
  /** Name of Temporal's status. */
  readonly execution: string;
}

/** Throws `ClientError` unreachable, denied, not-found (namespace), setup-missing; for the archive also rejected, no-worker. */
export async function list(session: Session, filter: ListFilter = {}): Promise<readonly ListRow[]> {
  const limit = filter.limit ?? 50;
  const here = await known(session, filter, limit);
  if (filter.archived !== true || filter.open === true) return here;
  const { rows: kept } = await archivedRows(session, filter, limit);
  const more = kept.filter((row) => !here.some((one) => isSame(one, row))).map(rowOf);
  return [...here, ...more].sort((one, other) => other.startedAt - one.startedAt).slice(0, limit);
}

/** Runs of one id follow each other: one that began while a rollout lasted is a later run of its chain. */
function isSame(row: ListRow, { environment, service, run, startedAt, endedAt }: ArchivedRow): boolean {
  if (row.rollout !== rolloutId(environment, service)) return false;
  return row.run === run || (row.startedAt >= startedAt && row.startedAt <= (endedAt ?? startedAt));
}

function rowOf({
  environment,
  service,
  run,
  outcome,
  label,
  requester,
  percent,
  startedAt,
  endedAt,
}: ArchivedRow): ListRow {
  const rollout = rolloutId(environment, service);
  const attributes = { environment, service, state: outcome, label, percent };
  return { rollout, run, ...attributes, requester, startedAt, closedAt: endedAt, execution: 'COMPLETED' };
}

async function known(session: Session, filter: ListFilter, limit: number): Promise<readonly ListRow[]> {
  try {
    return await call(session, serverCallMs, () => rows(session, queryOf(filter), limit));
  } catch (error) {
    const unregistered = /column name '(Rollout\w+)'/.exec(grpcStatus(error)?.detail ?? '')?.[1];
    if (unregistered === undefined) throw error;
    throw new ClientError(
      { code: 'setup-missing', namespace: session.namespace, ...(await attributeFacts(session)) },
      error,
    );
  }
}

/** A continued run is not a row of its own. */
export function queryOf(filter: ListFilter): string {
  const equal = (name: string, value: string | undefined) =>
    value === undefined ? [] : [`${name} = ${quoted(value)}`];
  return [
    rolloutTypes,
    `ExecutionStatus != 'ContinuedAsNew'`,
    ...equal('RolloutService', filter.service),
    ...equal('RolloutEnv', filter.environment),
    ...equal('RolloutState', filter.state),
    ...(filter.open === true ? [`ExecutionStatus = 'Running'`] : []),
  ].join(' AND ');
}

async function rows(session: Session, query: string, limit: number): Promise<readonly ListRow[]> {
  const found: ListRow[] = [];
  for await (const info of session.client.workflow.list({ query, pageSize: limit })) {
    found.push({
      rollout: info.workflowId,
      run: info.runId,
      ...readAttributes(info.typedSearchAttributes),
      requester: readMemo(info.memo).requester,
      startedAt: info.startTime.getTime(),
      closedAt: info.closeTime?.getTime() ?? null,
      execution: info.status.name,
    });
    if (found.length >= limit) break;
  }
  return found;
}
