/** The operator's worker configuration: the only place where addresses and credentials' names stand. */

import * as z from 'zod';
import { archive as archiveForm, type ArchiveConfig } from './archive.ts';
import { auth, envName, filePath, type Auth } from './auth.ts';
import type { Cursor } from './cursor.ts';
import { expecting } from './expectations.ts';
import type { Finding } from './issues.ts';
import {
  checkHttpConnection,
  httpConnectionForm,
  httpConnectionOf,
  type HttpConnection as HttpCallsConnection,
} from './http-connection.ts';
import { isSecretKey } from './source.ts';
import { headerName, headerValue, hostPort, httpUrl, id, line, origin } from './names.ts';
import { type DockerDeploy, dockerDeploy, secretsInEnvironment, sharedContainers } from './docker-deploy.ts';
import { kubernetes, type KubernetesConnection } from './kubernetes-connection.ts';
import { checkGuardian, guardianForm, guardianOf, type GuardianConfig } from './guardian.ts';
import { span } from './values.ts';
import { versioningForm, type VersioningConfig } from './versioning.ts';
import { readDocument, type ReadResult } from './yaml.ts';

export interface PrometheusConnection {
  readonly kind: 'prometheus';
  readonly url: string;
  readonly auth: Auth | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface CaddyConnection {
  readonly kind: 'caddy';
  /** Origin of the admin API. */
  readonly admin: string;
  /** Origin at which the proxy answers users; preview requests go there too. */
  readonly public: string;
  /** How the proxy's configuration survives a restart of Caddy. */
  readonly persistence: { readonly kind: 'resume' } | { readonly kind: 'hook'; readonly url: string };
  readonly routes: Readonly<Record<string, CaddyRoute>>;
}

export interface CaddyRoute {
  /** Name of the Caddy server; `null` when there is only one. */
  readonly server: string | null;
  /** Finds the route before it has been adopted. */
  readonly match: { readonly host: string | null; readonly path: string | null };
  /** The two slots: `host:port` to dial. */
  readonly slots: Readonly<Record<'a' | 'b', string>>;
  /** The service has WebSockets or event streams. */
  readonly longLived: boolean;
  readonly deploy: HookDeploy | DockerDeploy;
}

export interface HookDeploy {
  readonly kind: 'hook';
  readonly url: string;
  readonly auth: Auth | null;
}

/** Anything that moves traffic by declared calls. */
export type HttpConnection = HttpCallsConnection & { readonly auth: Auth | null };

export type Connection = PrometheusConnection | CaddyConnection | HttpConnection | KubernetesConnection;

export type { KubernetesConnection };

export interface WebhookChannel {
  readonly kind: 'webhook';
  readonly name: string;
  readonly url: string;
}

export type { DockerDeploy, EngineAddress } from './docker-deploy.ts';

export interface WorkerConfig {
  readonly taskQueue: string;
  /** `null`: from the `TEMPORAL_*` environment or profile. */
  readonly temporal: { readonly address: string; readonly namespace: string } | null;
  /** Path as written; relative ones mean the folder of the configuration file. */
  readonly directory: string;
  /** `host:port` for /metrics, /healthz and /readyz. */
  readonly listen: string;
  readonly logs: { readonly level: LogLevel };
  readonly heartbeatMs: number;
  readonly secrets:
    { readonly from: 'env'; readonly prefix: string } | { readonly from: 'folder'; readonly path: string };
  readonly connections: Readonly<Record<string, Connection>>;
  readonly smoke: {
    /** Origins that smoke may call beside the targets' own. */
    readonly allow: readonly string[];
    /** Folder of what smoke may upload; path as written. */
    readonly files: string | null;
  };
  readonly notify: readonly WebhookChannel[];
  /** Where records of rollouts are kept; `null` for nowhere. */
  readonly archive: ArchiveConfig | null;
  readonly guardian: GuardianConfig;
  /** `null`: workers are unversioned. */
  readonly versioning: VersioningConfig | null;
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof logLevels)[number];

const prometheus = z.strictObject({
  kind: z.literal('prometheus'),
  url: httpUrl.describe('Base address, such as http://127.0.0.1:9090'),
  auth: auth.nullable().default(null),
  headers: z.record(headerName, headerValue).default({}).describe('Sent with every query, such as X-Scope-OrgID.'),
});

const caddyRoute = z.strictObject({
  server: line.nullable().default(null).describe('Name of the Caddy server; needed when there are several.'),
  match: z
    .strictObject({ host: line.nullable().default(null), path: line.nullable().default(null) })
    .default({ host: null, path: null })
    .describe('Finds the route as long as it has no @id of ours.'),
  slots: expecting(
    z.strictObject({ a: hostPort, b: hostPort }).refine(({ a, b }) => a !== b),
    'two slots with different addresses',
    'such as { a: "127.0.0.1:8001", b: "127.0.0.1:8002" }',
  ),
  longLived: z.boolean().default(false).describe('The service has WebSockets or event streams.'),
  deploy: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('hook'), url: httpUrl, auth: auth.nullable().default(null) }),
      dockerDeploy,
    ])
    .describe('How a release is started in a slot and stopped.'),
});

const caddy = z.strictObject({
  kind: z.literal('caddy'),
  admin: origin.describe('Admin API of Caddy.'),
  public: origin.describe('Where the proxy answers users.'),
  persistence: z
    .union([
      z.literal('resume').transform(() => ({ kind: 'resume' as const })),
      z.strictObject({ hook: httpUrl }).transform(({ hook }) => ({ kind: 'hook' as const, url: hook })),
    ])
    .describe(
      'How the configuration survives a restart: `resume` (caddy run --resume) or a call that writes it to disk.',
    ),
  routes: z.record(id, caddyRoute),
});

const http = httpConnectionForm
  .extend({ auth: auth.nullable().default(null) })
  .transform((written): HttpConnection => ({ ...httpConnectionOf(written), auth: written.auth }));

/** The file's form; generates schema/worker.schema.json. */
export const workerFile = z.strictObject({
  apiVersion: z.literal('sluice/v1'),
  kind: z.literal('Worker'),
  taskQueue: id.default('sluice'),
  temporal: z
    .strictObject({ address: hostPort, namespace: line.default('default') })
    .nullable()
    .default(null),
  directory: filePath,
  listen: hostPort.default('127.0.0.1:9464'),
  logs: z.strictObject({ level: z.enum(logLevels).default('info') }).default({ level: 'info' }),
  heartbeat: span
    .default(5_000)
    .describe('Interval of heartbeats of long activities; 5s up to 300 open rollouts, 15s above.'),
  secrets: z
    .discriminatedUnion('from', [
      z.strictObject({ from: z.literal('env'), prefix: envName.default('SLUICE_SECRET_') }),
      z.strictObject({ from: z.literal('folder'), path: filePath }),
    ])
    .default({ from: 'env', prefix: 'SLUICE_SECRET_' }),
  connections: z.record(id, z.discriminatedUnion('kind', [prometheus, caddy, http, kubernetes])),
  smoke: z
    .strictObject({ allow: z.array(origin).default([]), files: z.string().min(1).nullable().default(null) })
    .default({ allow: [], files: null }),
  notify: z
    .array(z.discriminatedUnion('kind', [z.strictObject({ kind: z.literal('webhook'), name: id, url: httpUrl })]))
    .default([]),
  archive: archiveForm.nullable().default(null),
  guardian: guardianForm,
  versioning: versioningForm,
});

/** The configuration, or all problems of the file. */
export function parseWorkerConfig(text: string, file: string): ReadResult<WorkerConfig> {
  const result = readDocument(text, file, workerFile, crossCheck);
  if (!result.ok) return result;
  const { taskQueue, temporal, directory, listen, logs, heartbeat, secrets, connections } = result.value;
  const { smoke, notify, archive, versioning } = result.value;
  const first = { taskQueue, temporal, directory, listen, logs, heartbeatMs: heartbeat };
  const guardian = guardianOf(result.value.guardian);
  return { ...result, value: { ...first, secrets, connections, smoke, notify, archive, guardian, versioning } };
}

function crossCheck(root: Cursor): readonly Finding[] {
  return [
    ...inlineSecrets(root),
    ...duplicateChannels(root),
    ...sharedSlots(root),
    ...numberedBucket(root),
    ...sharedContainers(root),
    ...secretsInEnvironment(root),
    ...checkGuardian(root.at('guardian')),
    ...root
      .at('connections')
      .entries()
      .flatMap(([, connection]) => checkHttpConnection(connection)),
  ];
}

function inlineSecrets(root: Cursor): readonly Finding[] {
  return root
    .at('connections')
    .entries()
    .flatMap(([, connection]) => [
      connection,
      ...connection
        .at('calls')
        .entries()
        .map(([, call]) => call),
    ])
    .flatMap((sender) => sender.at('headers').entries())
    .filter(([name]) => isSecretKey(name))
    .map(([, value]) => ({
      path: value.path,
      message: 'a credential stands in the file',
      expected: 'auth: { bearer: { env: NAME } } or auth: { basic: … } at the connection',
    }));
}

/** A bucket's name cannot stand in front of numbers. */
function numberedBucket(root: Cursor): readonly Finding[] {
  const archive = root.at('archive');
  const endpoint = archive.at('endpoint');
  const isNumbered = /^https?:\/\/(?:\d+\.\d+\.\d+\.\d+|\[)/.test(endpoint.text() ?? '');
  if (!isNumbered || archive.at('pathStyle').raw === true) return [];
  const message = 'the bucket cannot stand in front of an IP address';
  return [{ path: endpoint.path, message, expected: 'pathStyle: true beside it, or a host name' }];
}

function duplicateChannels(root: Cursor): readonly Finding[] {
  const channels = root.at('notify').list();
  const names = channels.map((channel) => channel.at('name').text());
  return channels
    .filter((_, index) => names[index] !== undefined && names.indexOf(names[index]) < index)
    .map((channel) => ({ path: channel.at('name').path, message: `a second channel has this name` }));
}

/** Two routes on the same address would judge and stop each other's releases. */
function sharedSlots(root: Cursor): readonly Finding[] {
  const slots = root
    .at('connections')
    .entries()
    .flatMap(([, connection]) => connection.at('routes').entries())
    .flatMap(([route, value]) =>
      value
        .at('slots')
        .entries()
        .map(([, slot]) => ({ route, slot })),
    );
  return slots.flatMap(({ route, slot }, index) => {
    const earlier = slots.slice(0, index).find((other) => other.slot.raw === slot.raw && other.route !== route);
    return earlier === undefined
      ? []
      : [{ path: slot.path, message: `route "${earlier.route}" uses this address too` }];
  });
}
