/** One connection to one namespace: opened by profile, environment or flags, with short deadlines and mapped errors. */

import {
  Client,
  type Connection,
  isGrpcServiceError,
  NamespaceNotFoundError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { isRefusal, ToldConnection } from './connection.ts';
import { ClientError } from './errors.ts';

export interface ConnectOptions {
  /** Profile of the Temporal configuration file; default `TEMPORAL_PROFILE`, then `default`. */
  readonly profile?: string | undefined;
  /** Overrides profile and `TEMPORAL_ADDRESS`. @default 127.0.0.1:7233 */
  readonly address?: string | undefined;
  /** Overrides profile and `TEMPORAL_NAMESPACE`. @default default */
  readonly namespace?: string | undefined;
  readonly taskQueue: string;
  /** How long the server may take to answer the first call. @default 5000 */
  readonly connectTimeoutMs?: number;
}

export interface Session {
  readonly address: string;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly client: Client;
  readonly connection: Connection;
  close(): Promise<void>;
}

/** Time for a call that the server answers by itself, ms. */
export const serverCallMs = 5_000;

const defaultAddress = '127.0.0.1:7233';

/** Same environment variables and file as the `temporal` command. Throws `ClientError` profile, unreachable, denied. */
export async function connect(options: ConnectOptions): Promise<Session> {
  const config = profileOf(options);
  const address = options.address ?? config.connectionOptions.address ?? defaultAddress;
  const namespace = options.namespace ?? config.namespace ?? 'default';
  const timeoutMs = options.connectTimeoutMs ?? 5_000;
  const { tls, apiKey, metadata } = config.connectionOptions;
  const connection = ToldConnection.lazy({
    address,
    connectTimeout: timeoutMs,
    ...(tls == null ? {} : { tls }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(metadata === undefined ? {} : { metadata: textOnly(metadata) }),
  });
  try {
    await connection.ensureConnected();
  } catch (error) {
    await connection.close();
    throw unreachable(address, timeoutMs, error);
  }
  const client = new Client({ connection, namespace });
  return { address, namespace, taskQueue: options.taskQueue, client, connection, close: () => connection.close() };
}

/** Runs one call under a deadline and turns what the server says into `ClientError`; other errors pass as they are. */
export async function call<T>(session: Session, ms: number, run: () => Promise<T>): Promise<T> {
  try {
    return await session.connection.withDeadline(Date.now() + ms, run);
  } catch (error) {
    throw mapped(session, error);
  }
}

/** gRPC status codes that mean something to us. */
export const grpcCode = {
  cancelled: 1,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  aborted: 10,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** The gRPC status behind an error, or `null`: the code and the server's own words. */
export function grpcStatus(error: unknown): { readonly code: number; readonly detail: string } | null {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (isGrpcServiceError(at)) return { code: at.code, detail: at.details };
  }
  return null;
}

function mapped(session: Session, error: unknown): unknown {
  if (error instanceof ClientError) return error; // said already
  if (error instanceof NamespaceNotFoundError) return noNamespace(session, error);
  if (error instanceof WorkflowNotFoundError) {
    return new ClientError({ code: 'not-found', what: error.workflowId }, error);
  }
  const status = grpcStatus(error);
  switch (status?.code) {
    case grpcCode.notFound:
      return /namespace/i.test(status.detail) ? noNamespace(session, error) : error;
    case grpcCode.unavailable:
      return new ClientError({ code: 'unreachable', address: session.address, detail: status.detail }, error);
    case grpcCode.deadlineExceeded:
      return new ClientError({ code: 'unreachable', address: session.address, detail: 'no answer in time' }, error);
    case grpcCode.permissionDenied:
    case grpcCode.unauthenticated:
      return new ClientError({ code: 'denied', address: session.address, detail: status.detail }, error);
    default:
      return error;
  }
}

function noNamespace(session: Session, cause: unknown): ClientError {
  return new ClientError({ code: 'not-found', what: `namespace "${session.namespace}" at ${session.address}` }, cause);
}

function unreachable(address: string, timeoutMs: number, error: unknown): ClientError {
  const status = grpcStatus(error);
  if (status?.code === grpcCode.permissionDenied || status?.code === grpcCode.unauthenticated) {
    return new ClientError({ code: 'denied', address, detail: status.detail }, error);
  }
  const detail = isRefusal(error) ? 'connection refused' : `nothing answered within ${timeoutMs / 1_000} s`;
  return new ClientError({ code: 'unreachable', address, detail }, error);
}

function profileOf(options: ConnectOptions): ReturnType<typeof loadClientConnectConfig> {
  try {
    return loadClientConnectConfig(options.profile === undefined ? {} : { profile: options.profile });
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new ClientError({ code: 'profile', detail: detail.split('\n', 1)[0] ?? detail }, error);
  }
}

/** The TypeScript client takes text metadata only; binary values would need a `-bin` key. */
function textOnly(metadata: Readonly<Record<string, string | Buffer>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).map(([key, value]) => [key, typeof value === 'string' ? value : value.toString('utf8')]),
  );
}
