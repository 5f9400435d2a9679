/** What must be so when a rollout has ended: at the target first, then in what the rollout says of itself. */

import type { Plan } from '../../../plan/plan.ts';
import type { Status } from '../../../plan/status.ts';
import { isOutcome } from '../../../plan/phases.ts';
import type { Execution } from '../execution.ts';
import type { Simulation } from '../simulation.ts';
import type { World } from '../worlds/world.ts';
import type { Mischief } from './mischief.ts';
import { secret } from './plans.ts';
import { Broken } from './broken.ts';
import type { Watchman } from './watchman.ts';

export interface Ended {
  readonly simulation: Simulation;
  readonly world: World;
  readonly plan: Plan;
  readonly mischief: Mischief;
  readonly rollout: string;
  readonly ended: boolean;
  /** `null` when nobody could be asked. */
  readonly status: Status | null;
  readonly watchman: Watchman;
}

/** Nothing comes after it; whoever was terminated without an outcome waits for a guardian. */
export function isEnded(run: Execution): boolean {
  const { closing } = run;
  if (closing === null || closing.kind === 'continued') return false;
  return closing.kind !== 'terminated' || outcomeOf(run) !== null;
}

/** How a run that has ended came out, by itself or before somebody ended it; `null` when nobody can say. */
export function outcomeOf({ closing, attributes }: Execution): string | null {
  if (closing?.kind === 'completed') return (closing.result as { outcome: string }).outcome;
  const state = attributes['RolloutState'];
  return closing?.kind === 'terminated' && typeof state === 'string' && isOutcome(state) ? state : null;
}

/** The outcome. Throws `Broken`. */
export function atTheEnd(end: Ended): string {
  const { simulation, world, plan, mischief, rollout, ended } = end;
  const run = simulation.server.newest(rollout);
  if (!ended || run === undefined || run.closing === null) throw new Broken('never lost', 'the rollout never ended');
  const outcome = outcomeOf(run);
  if (outcome === null) throw new Broken('I10', `the workflow ended ${JSON.stringify(run.closing)}`);
  const truth = world.truth(simulation.schedule.now);
  const share = Math.round(truth.shares.get(plan.release.digest) ?? 0);
  const stable = Math.round(truth.shares.get(world.stable.digest) ?? 0);
  const isMeddled = mischief.world.proxy.length > 0 || end.watchman.hasRival;
  if (outcome === 'completed' && share !== 10_000 && !isMeddled) {
    throw new Broken('I13', `completed with ${String(share)} of 10000 on the release`);
  }
  // Whoever lets go leaves the weights as they are; a promoted release that makes room stays.
  const stays = outcome === 'detached' || (outcome === 'superseded' && share === 10_000);
  if (outcome !== 'completed' && share > 0 && !stays && !isMeddled) {
    throw new Broken('I5', `${outcome} with ${String(share)} of 10000 on the release`);
  }
  if (outcome === 'rolled-back' && stable !== 10_000 && !isMeddled) {
    throw new Broken('I5', `rolled back with ${String(stable)} of 10000 on stable`);
  }
  if (
    outcome !== 'detached' &&
    typeof truth.claim === 'object' &&
    truth.claim !== null &&
    !truth.claim.released &&
    !isMeddled
  ) {
    throw new Broken('I1', `${outcome}, and the claim is not given back`);
  }
  judged(end, outcome);
  said(end);
  return outcome;
}

/** I10, I12, I15: what the rollout leaves behind is small, and says nothing that it should not. */
function said({ simulation, mischief, rollout, status, watchman }: Ended): void {
  const tooLong = status?.ignored.find((message) => Buffer.byteLength(JSON.stringify(message)) > 1_024);
  if (tooLong !== undefined)
    throw new Broken('I10', `an ignored message takes ${JSON.stringify(tooLong).slice(0, 200)}…`);
  if (JSON.stringify(status).includes(secret.value)) throw new Broken('I12', 'a secret stands in the status');
  const events = simulation.server.chain(rollout).reduce((sum, { historyEvents }) => sum + historyEvents, 0);
  const most = 400 + 14 * watchman.messages + 40 * mischief.acts.length;
  if (events > most) throw new Broken('I15', `${String(events)} events, more than ${String(most)}`);
}

/** A watch needs some polls and a `for` to see it, ms. */
const noticedWithinMs = 60_000;

/** What was scripted for good or bad decides, whatever went wrong on the way. */
function judged({ plan, mischief, world, status, watchman }: Ended, outcome: string): void {
  const reason = status?.reason ?? '';
  for (const { id, when } of plan.criteria.filter(({ do: then }) => then === 'rollback')) {
    const measures = mischief.world.criteria[id]?.['canary'];
    const points = measures?.points ?? [];
    const beginnings = points.map(({ when: at, value }) => ({ at: world.timeOf(at) ?? Infinity, value }));
    const noticed = watchman.watchedUntil - noticedWithinMs;
    const before = beginnings.findLast(({ at }) => at < noticed)?.value ?? measures?.first ?? 'good';
    const since = beginnings.filter(({ at }) => at >= noticed && at <= watchman.watchedUntil).map(({ value }) => value);
    if (outcome === 'completed' && when === 'always' && ![before, ...since].includes('good'))
      throw new Broken('I7', `completed although ${id} says ${String(before)}`);
    const isDark = points.every(({ value }) => value !== 'bad');
    if (isDark && reason.startsWith(`criterion ${id} failed`)) throw new Broken('I7', `blamed without data: ${reason}`);
  }
  const isGood = Object.values(mischief.world.criteria).every((by) => by['canary']?.points.length === 0);
  if (isGood && /^criterion [\w-]+ failed/.test(reason)) throw new Broken('I7', `blamed a good release: ${reason}`);
}
