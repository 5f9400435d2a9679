/** Judges one moment of a stage, or the moments of a break that nobody looked at, and moves the clocks on. */

import { judge } from '../judge/judge.ts';
import type { Poll } from '../judge/verdict.ts';
import { leavesOf } from '../plan/criteria.ts';
import type { ProviderError } from '../providers/errors.ts';
import type { Trouble, WatchCheckpoint, WatchInput } from './contract.ts';
import { advance, countedFrom, isExposed } from './watch-checkpoint.ts';
import { failing } from './watch-milestones.ts';
import { everyOf, lagOf, missedBetween } from './watch-schedule.ts';
import type { Samples, World } from './watch-world.ts';

/** So many moments of a break are asked about at once. */
const pointsAtOnce = 8;

export interface Seen {
  readonly at: number;
  readonly everyMs: number;
  /** `null` before any traffic: nothing is judged. */
  readonly samples: Samples | null;
  /** `null` when the target did not say. */
  readonly stableServes: boolean | null;
  readonly troubles: readonly Trouble[];
}

/** The samples stand for a moment `lag` ago, the clocks for now. */
export function judgeAt(input: WatchInput, checkpoint: WatchCheckpoint, seen: Seen): WatchCheckpoint {
  const { at, everyMs, samples, troubles } = seen;
  const moment = { at, everyMs, troubles, clock: input.clock };
  if (samples === null) return advance(checkpoint, { ...moment, findings: [] });
  const asked = at - lagOf(input);
  const poll: Poll = {
    at: asked,
    everyMs,
    stage: checkpoint.stage.kind === 'promoted' ? 'watch' : 'canary',
    sinceShiftMs: Math.max(0, asked - checkpoint.stageSince),
    canaryRequests: checkpoint.observed.canaryRequests,
    stableServes: seen.stableServes ?? checkpoint.observed.requestedBp < 10_000,
    samples,
  };
  const { findings, memory } = judge(input.criteria, poll, checkpoint.judge);
  return advance({ ...checkpoint, judge: memory }, { ...moment, findings });
}

export interface CaughtUp {
  readonly checkpoint: WatchCheckpoint;
  /** Time between the moments, and to the one that follows. */
  readonly everyMs: number;
  /** A criterion failed at one of them: nothing after it matters. */
  readonly isOver: boolean;
}

/**
 * Judges the missed moments of the checkpoint's stage at their own times, so that a crash neither stops nor hastens the
 * clock and a breach inside the break is seen. The weight is taken to be the claim's, which is older than they are.
 */
export async function catchUp(
  world: World,
  input: WatchInput,
  from: WatchCheckpoint,
  to: number,
  { stableServes }: Pick<Seen, 'stableServes'>,
): Promise<CaughtUp> {
  const { points, everyMs } = missedBetween(countedFrom(from), to, everyOf(input));
  let checkpoint = from;
  if (!isExposed(from.stage)) return { checkpoint, everyMs, isOver: false };
  if (points.length === 0) return { checkpoint, everyMs, isOver: false };
  const away = await world.away(); // hundreds of questions to nobody would each wait for their time-out
  const samplesAt = async (at: number) => (away === null ? world.samples(at - lagOf(input)) : unasked(input, away));
  const needsCounts = away === null && leavesOf(input.criteria).some(({ minSamples }) => minSamples > 0);
  for (let first = 0; first < points.length; first += pointsAtOnce) {
    const moments = points.slice(first, first + pointsAtOnce);
    const answers = await Promise.all(moments.map(samplesAt));
    for (const [index, at] of moments.entries()) {
      if (needsCounts) checkpoint = await world.count(checkpoint, at - lagOf(input));
      const seen = { at, everyMs, samples: answers[index] ?? {}, stableServes, troubles: checkpoint.troubles };
      checkpoint = judgeAt(input, checkpoint, seen);
      if (failing(input, checkpoint.findings, at) !== null) return { checkpoint, everyMs, isOver: true };
    }
  }
  return { checkpoint, everyMs, isOver: false };
}

function unasked(input: WatchInput, away: ProviderError): Samples {
  return Object.fromEntries(leavesOf(input.criteria).map(({ id }) => [id, { kind: 'no-data', reason: away.message }]));
}
