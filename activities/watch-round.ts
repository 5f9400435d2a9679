/** One poll: look, catch up on what was missed, judge, and say whether the segment is over. */

import type { WatchCheckpoint, WatchInput, WatchMilestone } from './contract.ts';
import { countedFrom, enter, fitted, isExposed } from './watch-checkpoint.ts';
import { catchUp, judgeAt } from './watch-judging.ts';
import { failing, flipping, heldAtMaximum, heldByCriterion, over, worse } from './watch-milestones.ts';
import { everyOf, lagOf, missedBetween } from './watch-schedule.ts';
import type { ScheduledSmokeRuns } from './watch-smoke.ts';
import { blindness, isAsPlanned, notice, standingOf, told, type Problem, type Standing } from './watch-standing.ts';
import { summaryOf } from './watch-summary.ts';
import type { Samples, World } from './watch-world.ts';

/** What a round is played with. */
export interface Watching {
  readonly world: World;
  readonly smoke: ScheduledSmokeRuns;
  readonly input: WatchInput;
}

export interface Round {
  readonly checkpoint: WatchCheckpoint;
  readonly milestone: WatchMilestone | null;
}

export async function playRound(watching: Watching, before: WatchCheckpoint, now: number): Promise<Round> {
  const looked = await look(watching, before, now);
  const { standing } = looked;
  const { troubles, ripe } = notice(before.troubles, standing.problems, now);
  const judged = await judgeUntil(watching, before, looked, troubles, now);
  const seeing = notice(before.troubles, blindness(judged), now);
  const whole = withWeights({ ...judged, troubles: [...judged.troubles, ...seeing.troubles] }, standing);
  return decide(watching, whole, standing, { ripe, blind: seeing.ripe }, now);
}

interface Looked {
  readonly standing: Standing;
  /** Asked together with the target; `null` where it was not known yet whether there is anything to ask about. */
  readonly live: { readonly samples: Samples; readonly counted: WatchCheckpoint } | null;
}

/** Target, criteria and counters are asked at once, so that a verdict waits for the slowest answer and no longer. */
async function look({ world, input }: Watching, before: WatchCheckpoint, now: number): Promise<Looked> {
  const from = countedFrom(before);
  const isPlain = isExposed(before.stage) && missedBetween(from, now, everyOf(input)).points.length === 0;
  const at = now - lagOf(input);
  if (!isPlain) return { standing: standingOf(await world.read(), input, before), live: null };
  const [reading, samples, counted] = await Promise.all([world.read(), world.samples(at), world.count(before, at)]);
  return { standing: standingOf(reading, input, before), live: { samples, counted } };
}

/** Everything up to now, in order: the rest of the stage before, the present one, this moment; a failure ends it. */
async function judgeUntil(
  { world, input }: Watching,
  before: WatchCheckpoint,
  { standing, live }: Looked,
  troubles: WatchCheckpoint['troubles'],
  now: number,
): Promise<WatchCheckpoint> {
  const present = { ...standing, troubles };
  const isSame = standing.seen === null || enter(before, standing.seen) === before;
  if (isSame && live !== null) {
    return judgeAt(input, live.counted, { at: now, everyMs: everyOf(input), samples: live.samples, ...present });
  }
  let checkpoint = before;
  if (!isSame) {
    const old = await catchUp(world, input, checkpoint, Math.min(standing.seen.since, now), { stableServes: null });
    if (old.isOver) return old.checkpoint;
    checkpoint = enter(old.checkpoint, standing.seen);
  }
  const caught = await catchUp(world, input, checkpoint, now, standing);
  if (caught.isOver) return caught.checkpoint;
  if (!isExposed(checkpoint.stage)) {
    return judgeAt(input, caught.checkpoint, { at: now, everyMs: caught.everyMs, samples: null, ...present });
  }
  const at = now - lagOf(input);
  const [samples, counted] = await Promise.all([
    live?.samples ?? world.samples(at),
    world.count(caught.checkpoint, at),
  ]);
  return judgeAt(input, counted, { at: now, everyMs: caught.everyMs, samples, ...present });
}

function withWeights(checkpoint: WatchCheckpoint, { seen, acceptedBp, fence }: Standing): WatchCheckpoint {
  const requestedBp = seen?.plannedBp ?? checkpoint.observed.requestedBp;
  return {
    ...checkpoint,
    observed: { ...checkpoint.observed, requestedBp, acceptedBp },
    fence: Math.max(checkpoint.fence, fence ?? 0),
  };
}

/** The first of these that is true ends the segment; what was told of a trouble is remembered. */
function decide(
  { input, smoke }: Watching,
  judged: WatchCheckpoint,
  standing: Standing,
  { ripe, blind }: { readonly ripe: Problem | null; readonly blind: Problem | null },
  now: number,
): Round {
  const { checkpoint, failed } = smoke.look(judged, now);
  const found = ripe?.milestone ?? null;
  const maximum = heldAtMaximum(input, checkpoint);
  const milestone =
    (found?.kind === 'fenced' ? found : null) ??
    failing(input, checkpoint.findings, now) ??
    flipping(input, checkpoint.findings) ??
    (found?.kind === 'drift' ? found : null) ??
    (failed === null ? null : { kind: 'smoke', sentence: failed }) ??
    worse(input, checkpoint) ??
    found ??
    over(input, checkpoint, isAsPlanned(standing, checkpoint)) ??
    heldByCriterion(input, checkpoint, now) ??
    maximum ??
    blind?.milestone ??
    null;
  const telling = [ripe, blind].find((problem) => problem !== null && problem.milestone === milestone);
  const remembered = {
    ...checkpoint,
    troubles: telling == null ? checkpoint.troubles : told(checkpoint.troubles, telling.key),
    heldAt: milestone !== null && milestone === maximum ? clocksOf(checkpoint) : checkpoint.heldAt,
  };
  return { checkpoint: fitted({ ...remembered, summary: summaryOf(input, remembered) }), milestone };
}

function clocksOf({ validMs, elapsedMs }: WatchCheckpoint): WatchCheckpoint['heldAt'] {
  return { validMs, elapsedMs };
}
