/** A folder of its own for a test file, gone when the file is through. */

import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';

/**
 * Called at the top of a file, before its hooks: the folder is then made before the first of them and removed after the
 * last, when nothing that was started writes there any more.
 */
export function temporaryFolder(name: string): string {
  const folder = join(tmpdir(), `sluice-${name}-${randomUUID()}`);
  beforeAll(() => mkdirSync(folder));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
