/** Which version of a Worker Deployment a worker is, as the operator writes it. */

import * as z from 'zod';
import { envName } from './auth.ts';
import { expecting } from './expectations.ts';

/** As it stands in the file, or the environment variable that holds it. */
export type Named = string | { readonly env: string };

export interface VersioningConfig {
  readonly deployment: Named;
  /** `null`: the digest of the workflow bundle. */
  readonly build: Named | null;
  /** Whether rollouts end on the build that they began on, or move to the current one. */
  readonly rollouts: 'pinned' | 'auto-upgrade';
}

// Temporal refuses `.` and `:` in the one; both stand unquoted in commands that people copy.
const deploymentPattern = /^[A-Za-z0-9][A-Za-z0-9_/-]{0,126}$/;
const buildPattern = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,126}$/;

export function isDeploymentName(text: string): boolean {
  return deploymentPattern.test(text);
}

export function isBuildName(text: string): boolean {
  return buildPattern.test(text);
}

const fromEnvironment = z.strictObject({ env: envName });

const deploymentName = expecting(
  z.union([z.string().regex(deploymentPattern), fromEnvironment]),
  'the name of a Worker Deployment',
  'such as sluice, of letters, digits, "-", "_" and "/", or { env: TEMPORAL_DEPLOYMENT_NAME }',
);

const buildName = expecting(
  z.union([z.string().regex(buildPattern), fromEnvironment]),
  'a build id',
  'such as "2026-11-28", of letters, digits, ".", "_", "+" and "-", or { env: TEMPORAL_WORKER_BUILD_ID }',
);

export const versioningForm = z
  .strictObject({
    deployment: deploymentName.default('sluice').describe("Name of the Worker Deployment on Temporal's side."),
    build: buildName
      .nullable()
      .default(null)
      .describe('Names this build; left out, the digest of its workflow code does.'),
    rollouts: z
      .enum(['pinned', 'auto-upgrade'])
      .default('pinned')
      .describe('Rollouts end on the build they began on (pinned), or move to the current one (auto-upgrade).'),
  })
  .nullable()
  .default(null)
  .describe('Worker versioning. A version receives nothing until it is made current (docs/operations.md).');
