/** When the guardian acts about rollouts that nobody carries on, as the operator writes it. */

import * as z from 'zod';
import type { Cursor } from './cursor.ts';
import type { Finding } from './issues.ts';
import { parseDuration, span } from './values.ts';

export interface GuardianConfig {
  /** Between two looks. */
  readonly everyMs: number;
  /** A rollout that stands still for so long is told to people. */
  readonly pageAfterMs: number;
  /** One whose release has traffic is then ended and reverted. */
  readonly revertAfterMs: number;
}

const usual = { every: 5_000, pageAfter: 120_000, revertAfter: 600_000 };

export const guardianForm = z
  .strictObject({
    every: span.default(usual.every).describe('Time between two looks for rollouts that nobody carries on.'),
    pageAfter: span.default(usual.pageAfter).describe('A rollout that stands still for so long is told to people.'),
    revertAfter: span
      .default(usual.revertAfter)
      .describe('After this time one whose release has traffic is ended and reverted.'),
  })
  .default(usual)
  .describe('When the guardian acts; every worker should have the same.');

export function guardianOf({ every, pageAfter, revertAfter }: z.infer<typeof guardianForm>): GuardianConfig {
  return { everyMs: every, pageAfterMs: pageAfter, revertAfterMs: revertAfter };
}

/** Nobody is surprised: people hear of a rollout that stands still before it is reverted. */
export function checkGuardian(guardian: Cursor): readonly Finding[] {
  const msOf = (name: string) => parseDuration(guardian.at(name).text() ?? '');
  const revertMs = msOf('revertAfter');
  if ((revertMs ?? usual.revertAfter) >= (msOf('pageAfter') ?? usual.pageAfter)) return [];
  const { path } = guardian.at(revertMs === null ? 'pageAfter' : 'revertAfter');
  const expected = 'people are told first: pageAfter no longer than revertAfter';
  return [{ path, message: 'a rollout would be reverted before anybody is told', expected }];
}
