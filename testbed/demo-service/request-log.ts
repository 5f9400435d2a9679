/** The demo service's own record of the user requests it answered: one JSON object per line. */

import { existsSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export interface ServedRequest {
  /** Arrival, epoch ms. */
  readonly at: number;
  /** Label of the release that answered. */
  readonly release: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Came through a proxy, so traffic weights or a preview header brought it here. */
  readonly proxied: boolean;
  /** Asked for the release under test by header, whatever the weights are. */
  readonly preview: boolean;
  /** Which load generator sent it, if it said so. */
  readonly load: string | null;
  /** The smoke run and request that sent it, if one did. */
  readonly smoke: string | null;
  /** What the request brought along, where the service has an eye on that. */
  readonly saw: Readonly<Record<string, string>>;
}

/** Headers that the log looks at. */
export const previewHeader = 'x-sluice-preview';
export const loadHeader = 'x-load-id';
const smokeHeader = 'x-sluice-smoke';

/** Under this name a route leaves what it saw. */
export const sawKey = 'saw';

/** What was answered, and how it is known. */
export interface Served extends Pick<ServedRequest, 'at' | 'release' | 'method' | 'path' | 'status'> {
  readonly header: (name: string) => string | undefined;
  readonly saw?: Readonly<Record<string, string>>;
}

export function servedRequest({ header, saw = {}, ...facts }: Served): ServedRequest {
  return {
    ...facts,
    proxied: header('x-forwarded-for') !== undefined,
    preview: header(previewHeader) !== undefined,
    load: header(loadHeader) ?? null,
    smoke: header(smokeHeader) ?? null,
    saw,
  };
}

/** Appends to a file, at once: what was answered stands in the log even when the process is killed. Without a file it does nothing. */
export function requestLog(file: string | null): (request: ServedRequest) => void {
  if (file === null) return () => undefined;
  mkdirSync(dirname(file), { recursive: true });
  const log = openSync(file, 'a');
  return (request) => void writeSync(log, `${JSON.stringify(request)}\n`);
}

/** What a log holds; a line cut off by a crash is left out. */
export function readRequestLog(file: string): readonly ServedRequest[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as ServedRequest);
}
