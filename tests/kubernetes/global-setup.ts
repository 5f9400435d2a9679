/** Before the first test on Kubernetes: one plane for all of them, gone after the last. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type PlaneFacts, startPlane } from '../../testbed/kubernetes/plane.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** What `connectPlane` needs. */
    plane: PlaneFacts;
  }
}

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-kubernetes-'));
  const began = Date.now();
  const plane = await startPlane({ folder });
  process.stderr.write(`a Kubernetes of our own is up after ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
  project.provide('plane', plane.facts);
  return async () => {
    await plane.stop();
    rmSync(folder, { recursive: true, force: true });
  };
}
