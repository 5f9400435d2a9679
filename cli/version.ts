/** Which Sluice this is, as `package.json` says; compiled code stands one folder deeper. */

import { readFileSync } from 'node:fs';

export function version(): string {
  const near = import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json';
  const read = JSON.parse(readFileSync(new URL(near, import.meta.url), 'utf8')) as { readonly version: string };
  return read.version;
}
