/** An effect on the way forward: one at a time, with a new fence, and a larger fence at the target makes it ask. */

import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/common';
import type { Effect } from '../activities/contract.ts';
import type { Run } from './run.ts';

/**
 * Carries the effect out; when the target is not as we left it (a reset run, a foreign hand), holds until a person resumes.
 * `askAnew`: what has to be said once more before the next try.
 */
export async function guarded<Answer>(
  run: Run,
  act: (effect: Effect) => Promise<Answer>,
  askAnew: () => Promise<void> = async () => undefined,
): Promise<Answer> {
  for (let isFirst = true; ; isFirst = false) {
    await run.free();
    if (!isFirst) await askAnew();
    run.moving = true;
    try {
      return await act(run.effect());
    } catch (error) {
      if (!holdIfFenced(run, error)) throw error;
    } finally {
      run.moving = false;
    }
  }
}

/** True when a larger fence refused the effect; a person is asked then. */
export function holdIfFenced(run: Run, error: unknown): boolean {
  const found = fenceFound(error);
  if (found !== null) holdForFence(run, sentenceOf(error), found);
  return found !== null;
}

function holdForFence(run: Run, sentence: string, fence: number): void {
  const stop = { by: 'rule', since: Date.now(), until: null, then: 'keep holding' } as const;
  const reason = `the target is ahead of this rollout (${sentence}); resume takes it over, abort goes back to stable`;
  run.hold({ ...stop, kind: 'fenced', reason, fence });
}

/** The larger fence that refused an effect; `null` when that was not the reason. */
export function fenceFound(error: unknown): number | null {
  const cause = causeOf(error);
  if (cause?.type !== 'fenced') return null;
  const [details] = cause.details ?? [];
  const fence: unknown = typeof details === 'object' && details !== null && 'fence' in details ? details.fence : null;
  return typeof fence === 'number' ? fence : 0;
}

/** What went wrong, in the words of the provider; when time was up, with what the last try met. */
export function sentenceOf(error: unknown): string {
  if (error instanceof ActivityFailure && error.cause instanceof TimeoutFailure) {
    const last = error.cause.failure?.cause?.message ?? '';
    const before = last === '' ? '' : `; the last try: ${last}`;
    return `${error.activityType} got no answer in time (${error.cause.timeoutType})${before}`;
  }
  return causeOf(error)?.message ?? (error instanceof Error ? error.message : String(error));
}

/** The failure of an activity as the worker reported it. */
function causeOf(error: unknown): ApplicationFailure | null {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure ? cause : null;
}
