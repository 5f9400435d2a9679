/** Before the first test with containers: a registry, an engine that pulls from it, and the demo service's binary; all gone after the last. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEngine } from '../../testbed/containers/engine.ts';
import { buildApp } from '../../testbed/containers/images.ts';
import { freePort } from '../../testbed/servers/ports.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Socket of the engine. */
    engine: string;
    /** Port on which a test file may open its registry. */
    registryPort: number;
    /** Path of the demo service's binary. */
    app: string;
  }
}

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-engine-'));
  const registryPort = await freePort();
  const app = buildApp(folder);
  const engine = await startEngine({ folder, registry: `127.0.0.1:${registryPort}` });
  process.stderr.write(`container engine: ${engine.what}\n`);
  project.provide('engine', engine.socket);
  project.provide('registryPort', registryPort);
  project.provide('app', app);
  return async () => {
    await engine.stop();
    rmSync(folder, { recursive: true, force: true });
  };
}
