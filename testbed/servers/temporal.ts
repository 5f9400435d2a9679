/** A real Temporal dev server with its own ports and folder and Sluice's search attributes. */

import { join } from 'node:path';
import { searchAttributes } from '../../workflows/messages.ts';
import { isUp } from './http.ts';
import { locate } from './locate.ts';
import { freePort } from './ports.ts';
import { type Lives, startLives, startProcess } from './process.ts';

export interface TemporalOptions {
  readonly folder: string;
  /** Serve the web UI. @default false */
  readonly ui?: boolean;
  /** Keep histories in a file, so that they survive `kill` and `restart`. @default false */
  readonly persistent?: boolean;
  /** Name → `KEYWORD`, `INT`, … @default those of a rollout */
  readonly searchAttributes?: Readonly<Record<string, string>>;
  /** Dynamic configuration of the server; values are JSON. */
  readonly dynamicConfig?: Readonly<Record<string, unknown>>;
  /** @default free ports */
  readonly ports?: { readonly grpc?: number; readonly ui?: number };
}

/** `restart`: on the same ports and folder; its histories are back only when `persistent`. */
export interface Temporal extends Lives {
  /** `127.0.0.1:port` of the gRPC front end. */
  readonly address: string;
  readonly uiUrl: string | null;
  readonly metricsUrl: string;
  readonly httpUrl: string;
  readonly namespace: 'default';
}

const attributeTypes: Readonly<Record<string, string>> = {
  BOOL: 'Bool',
  DATETIME: 'Datetime',
  DOUBLE: 'Double',
  INT: 'Int',
  KEYWORD: 'Keyword',
  KEYWORD_LIST: 'KeywordList',
  TEXT: 'Text',
};

export async function startTemporal(options: TemporalOptions): Promise<Temporal> {
  const command = await locate('temporal');
  const ports = {
    grpc: options.ports?.grpc ?? (await freePort()),
    http: await freePort(),
    metrics: await freePort(),
    ui: options.ui ? (options.ports?.ui ?? (await freePort())) : null,
  };
  const args = flags(options, ports);
  const httpUrl = `http://127.0.0.1:${ports.http}`;
  const ready = () => isUp(`${httpUrl}/api/v1/namespaces/default`);
  const start = () => startProcess({ name: 'temporal', command, args, folder: options.folder, ready });
  const lives = await startLives(start);
  return {
    address: `127.0.0.1:${ports.grpc}`,
    uiUrl: ports.ui === null ? null : `http://127.0.0.1:${ports.ui}`,
    metricsUrl: `http://127.0.0.1:${ports.metrics}/metrics`,
    httpUrl,
    namespace: 'default',
    ...lives,
  };
}

function flags(
  options: TemporalOptions,
  ports: { readonly grpc: number; readonly http: number; readonly metrics: number; readonly ui: number | null },
): string[] {
  const attributes = Object.entries(options.searchAttributes ?? searchAttributes);
  const settings = Object.entries(options.dynamicConfig ?? {});
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--log-level', 'error'],
    ...['--port', String(ports.grpc), '--http-port', String(ports.http), '--metrics-port', String(ports.metrics)],
    ...(ports.ui === null ? ['--headless'] : ['--ui-port', String(ports.ui), '--ui-disable-news-fetch']),
    ...(options.persistent ? ['--db-filename', join(options.folder, 'temporal.db')] : []),
    // Without these two a few hundred open rollouts stall on commits.
    ...(options.persistent ? ['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal'] : []),
    ...attributes.flatMap(([name, type]) => ['--search-attribute', `${name}=${attributeTypes[type] ?? type}`]),
    ...settings.flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${JSON.stringify(value)}`]),
  ];
}
