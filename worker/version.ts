/** Which build this worker is to Temporal: a name in the histories only, or a version of a Worker Deployment. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { WorkerDeploymentOptions } from '@temporalio/worker';
import { isBuildName, isDeploymentName, type Named, type VersioningConfig } from '../spec/versioning.ts';
import { bundlePath, versionedBundlePath } from './paths.ts';
import { WorkerProblem } from './problem.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Throws `WorkerProblem` for a variable that holds no such name. */
export function deploymentOf(config: VersioningConfig | null, env: Env): WorkerDeploymentOptions {
  // Stands in two events of every task: the SDK's own name for it is three times as long.
  if (config === null)
    return { version: { deploymentName: 'sluice', buildId: digestOf(bundlePath) }, useWorkerVersioning: false };
  const deploymentName = valueOf('deployment', config.deployment, env, isDeploymentName);
  const buildId =
    config.build === null ? digestOf(versionedBundlePath) : valueOf('build', config.build, env, isBuildName);
  // What only takes back or looks is auto-upgraded whatever stands here: `workflows/versioned.ts`.
  const defaultVersioningBehavior = config.rollouts === 'pinned' ? 'PINNED' : 'AUTO_UPGRADE';
  return { version: { deploymentName, buildId }, useWorkerVersioning: true, defaultVersioningBehavior };
}

function valueOf(what: string, named: Named, env: Env, isSound: (text: string) => boolean): string {
  if (typeof named === 'string') return named;
  const text = env[named.env] ?? '';
  if (text === '') throw new WorkerProblem(`versioning.${what}: environment variable ${named.env} is not set`);
  if (!isSound(text)) throw new WorkerProblem(`versioning.${what}: ${named.env} is "${text}", which Temporal refuses`);
  return text;
}

/** Names the code of the workflows that runs here. */
function digestOf(bundle: string): string {
  return createHash('sha256').update(readFileSync(bundle)).digest('hex').slice(0, 12);
}
