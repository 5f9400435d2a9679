/** The demo service's own record of the user requests it answered: one JSON object per line. */

import { createWriteStream, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

export interface ServedRequest {
  /** Arrival, epoch ms. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Came through a proxy, so traffic weights or a preview header brought it here. */
  readonly proxied: boolean;
  /** Asked for the release under test by header, whatever the weights are. */
  readonly preview: boolean;
  /** Which load generator sent it, if it said so. */
  readonly load: string | null;
}

/** Headers that the log looks at. */
export const previewHeader = 'x-sluice-preview';
export const loadHeader = 'x-load-id';

/** Appends to a file; nothing is written without a file. */
export function requestLog(file: string | null): (request: ServedRequest) => void {
  if (file === null) return () => undefined;
  mkdirSync(dirname(file), { recursive: true });
  const stream = createWriteStream(file, { flags: 'a' });
  return (request) => void stream.write(`${JSON.stringify(request)}\n`);
}

/** What a log holds; a line cut off by a crash is left out. */
export function readRequestLog(file: string): readonly ServedRequest[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as ServedRequest);
}
