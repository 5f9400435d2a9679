/** Prepares a namespace for its first rollout: search attributes, and the guardian's Schedule; safe to repeat. */

import { setTimeout as delay } from 'node:timers/promises';
import proto from '@temporalio/proto';
import { searchAttributes } from '../workflows/messages.ts';
import { ClientError, type WrongAttribute } from './errors.ts';
import { setUpGuardian, type GuardianState } from './guardian.ts';
import { call, grpcCode, grpcStatus, serverCallMs, type Session } from './session.ts';

export interface AttributeState {
  readonly name: string;
  readonly type: string;
  readonly state: 'created' | 'present';
}

type IndexedValueType = proto.temporal.api.enums.v1.IndexedValueType;
const { IndexedValueType } = proto.temporal.api.enums.v1;
const wireType = {
  KEYWORD: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
  INT: IndexedValueType.INDEXED_VALUE_TYPE_INT,
} as const;

const usableWithinMs = 10_000;

/** What is there and what is not, nothing touched. Throws `ClientError` unreachable, denied, not-found (namespace). */
export async function attributeFacts(session: Session): Promise<{
  readonly missing: readonly string[];
  readonly wrong: readonly WrongAttribute[];
}> {
  const { customAttributes } = await call(session, serverCallMs, () =>
    session.client.connection.operatorService.listSearchAttributes({ namespace: session.namespace }),
  );
  const missing: string[] = [];
  const wrong: WrongAttribute[] = [];
  for (const [name, expected] of Object.entries(searchAttributes)) {
    const found = customAttributes[name];
    if (found === undefined) missing.push(name);
    else if (found !== wireType[expected]) wrong.push({ name, expected, found: typeName(found) });
  }
  return { missing, wrong };
}

export interface SetUp {
  readonly searchAttributes: readonly AttributeState[];
  readonly guardian: GuardianState;
}

/** Throws `ClientError` setup-missing when an attribute exists with another type, or cannot be registered from here. */
export async function setup(session: Session): Promise<SetUp> {
  const searchAttributes = await setUpAttributes(session);
  return { searchAttributes, guardian: await setUpGuardian(session) };
}

async function setUpAttributes(session: Session): Promise<readonly AttributeState[]> {
  const { missing, wrong } = await attributeFacts(session);
  if (wrong.length > 0) throw new ClientError({ code: 'setup-missing', namespace: session.namespace, missing, wrong });
  if (missing.length > 0) await register(session, missing);
  return Object.entries(searchAttributes).map(([name, type]) => ({
    name,
    type,
    state: missing.includes(name) ? 'created' : 'present',
  }));
}

async function register(session: Session, names: readonly string[]): Promise<void> {
  const wanted = Object.entries(searchAttributes).filter(([name]) => names.includes(name));
  try {
    await call(session, usableWithinMs, () =>
      session.client.connection.operatorService.addSearchAttributes({
        namespace: session.namespace,
        searchAttributes: Object.fromEntries(wanted.map(([name, type]) => [name, wireType[type]])),
      }),
    );
  } catch (error) {
    if (grpcStatus(error)?.code !== grpcCode.unimplemented) throw error;
    throw new ClientError(
      { code: 'denied', address: session.address, detail: byHand(wanted, session.namespace) },
      error,
    );
  }
  const until = Date.now() + usableWithinMs;
  while ((await attributeFacts(session)).missing.length > 0) {
    if (Date.now() > until)
      throw new ClientError({ code: 'timed-out', doing: 'registering search attributes', updateId: null });
    await delay(100);
  }
}

/** Hosted Temporal has no operator service: its own command line does it. */
function byHand(wanted: readonly (readonly [string, string])[], namespace: string): string {
  const flags = wanted.map(([name, type]) => `--sa "${name}=${type === 'INT' ? 'Int' : 'Keyword'}"`);
  return `this server has no operator service; register them with: tcld namespace search-attributes add -n ${namespace} ${flags.join(' ')}`;
}

function typeName(found: IndexedValueType): string {
  return (IndexedValueType[found] as string | undefined)?.replace('INDEXED_VALUE_TYPE_', '') ?? String(found);
}
