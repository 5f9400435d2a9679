/** A claim as it is stored on a target, whatever the target: written by us and read as if by an enemy. */

import { z } from 'zod';
import type { Stage } from '../../plan/target.ts';

export const releaseSchema = z.object({
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  label: z.string().min(1).max(200),
  image: z.string().min(1).max(500),
});

const stageSchema: z.ZodType<Stage> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('deployed') }),
  z.object({ kind: z.literal('step'), index: z.int().min(0).max(1000) }),
  z.object({ kind: z.literal('promoted') }),
  z.object({ kind: z.literal('back') }),
]);

/** Everything of a `Claim`; a target may store more beside it. */
export const plainClaimSchema = z.object({
  rollout: z.string().min(1).max(1000),
  run: z.string().min(1).max(200),
  fence: z.int().min(0),
  stage: stageSchema,
  canaryBp: z.int().min(0).max(10_000),
  since: z.int().min(0),
  released: z.boolean(),
  stable: releaseSchema,
  canary: releaseSchema,
});

export function sameStage(left: Stage, right: Stage): boolean {
  if (left.kind !== 'step' || right.kind !== 'step') return left.kind === right.kind;
  return left.index === right.index;
}
