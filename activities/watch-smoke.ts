/** Scheduled smoke, after promotion and while people are asked: at its times, never two at once, never in the way of a poll. */

import { log } from '@temporalio/activity';
import type { SmokeAim } from '../plan/smoke.ts';
import type { SmokeSummary } from '../plan/status.ts';
import { ProviderError } from '../providers/errors.ts';
import type { WatchCheckpoint, WatchInput } from './contract.ts';
import type { Ports } from './ports.ts';
import { aimOf } from './smoke.ts';
import { isBaking } from './watch-schedule.ts';

/** Sentences travel in every heartbeat. */
const longestSentence = 300;

/** The number of a run, counted from the beginning of its stage. */
interface Run {
  readonly slot: number;
  readonly stageSince: number;
}

export interface ScheduledSmokeRuns {
  /** Takes in a finished run and starts one that is due. `failed` tells when it failed too often in a row. */
  look(
    checkpoint: WatchCheckpoint,
    at: number,
  ): { readonly checkpoint: WatchCheckpoint; readonly failed: string | null };
  /** Breaks off what is under way; whoever watches next runs it again. */
  stop(): void;
}

/** `skipped`: nothing was learnt about the release; the next run is due at its time. */
type Ended =
  | { readonly kind: 'ran'; readonly run: Run; readonly said: SmokeSummary }
  | { readonly kind: 'skipped'; readonly run: Run }
  | { readonly kind: 'broken'; readonly error: unknown };

export function createScheduledSmoke(ports: Ports, input: WatchInput): ScheduledSmokeRuns {
  const breakOff = new AbortController();
  let running: Promise<void> | null = null;
  let ended: Ended | null = null;
  const start = (due: Run, aim: SmokeAim) => {
    running = run(ports, input, due, aim, breakOff.signal)
      .catch((error: unknown): Ended => ({ kind: 'broken', error }))
      .then((how) => void (ended = how));
  };
  return {
    look(checkpoint, at) {
      const taken = takeIn(ended, checkpoint, input);
      if (ended !== null) running = null;
      ended = null;
      const slot = dueSlot(input, taken.checkpoint, at);
      const { stageSince } = checkpoint;
      if (slot !== null && running === null) start({ slot, stageSince }, aimAt(input, checkpoint));
      return taken;
    },
    stop() {
      breakOff.abort(new Error('the watch ends'));
    },
  };
}

/** Before promotion the public address is mostly stable's: the release itself is asked. */
function aimAt({ scheduled }: WatchInput, { stage }: WatchCheckpoint): SmokeAim {
  return stage.kind === 'promoted' ? (scheduled?.smoke.run.aim ?? 'public') : 'canary';
}

async function run(ports: Ports, input: WatchInput, due: Run, aim: SmokeAim, signal: AbortSignal): Promise<Ended> {
  if (input.scheduled === null) return { kind: 'skipped', run: due };
  const { smoke, suite } = input.scheduled;
  const suiteName = smoke.run.suite;
  try {
    const place = await aimOf(ports.target(input.target), { aim, suite, suiteName, order: input.order }, signal);
    const { passed, sentence } = await ports.smoke.run(suite, place, signal);
    ports.observer.smoke(input.order.rollout, suiteName, passed);
    const at = ports.clock.now();
    return { kind: 'ran', run: due, said: { suite: suiteName, aim, passed, sentence: clipped(sentence), at } };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    log.warn('scheduled smoke could not run', { suite: suiteName, reason: error.message });
    return { kind: 'skipped', run: due };
  }
}

function takeIn(ended: Ended | null, checkpoint: WatchCheckpoint, input: WatchInput) {
  if (ended === null) return { checkpoint, failed: null };
  if (ended.kind === 'broken') throw ended.error;
  const { slot, stageSince } = ended.run;
  // It began in the stage before: its number would keep every run of this one from being due until it is reached again.
  if (stageSince !== checkpoint.stageSince) return { checkpoint, failed: null };
  if (ended.kind === 'skipped') {
    return {
      checkpoint: { ...checkpoint, scheduledSmoke: { ...checkpoint.scheduledSmoke, runs: slot } },
      failed: null,
    };
  }
  const { said } = ended;
  const failuresInARow = said.passed ? 0 : checkpoint.scheduledSmoke.failuresInARow + 1;
  const isTooOften = failuresInARow >= (input.scheduled?.smoke.failuresToRollback ?? Infinity);
  const sentence = `smoke ${said.suite} failed ${String(failuresInARow)} times in a row: ${said.sentence}`;
  return {
    checkpoint: { ...checkpoint, scheduledSmoke: { runs: slot, failuresInARow, last: said } },
    failed: isTooOften ? sentence : null,
  };
}

/** The number of the newest run whose time has come and that was not done; missed ones are not made up for. */
function dueSlot(input: WatchInput, checkpoint: WatchCheckpoint, at: number): number | null {
  const { stageSince, scheduledSmoke } = checkpoint;
  if (input.scheduled === null) return null;
  const { everyMs, forMs } = input.scheduled.smoke;
  const until = endOf(input, checkpoint, forMs);
  const slot = Math.floor(Math.min(at - stageSince, until) / everyMs);
  return slot > scheduledSmoke.runs ? slot : null;
}

/**
 * How long after the stage began runs are still due. A step's own smoke speaks for its bake; once people are asked they
 * must hear of a change, and once it failed, of its end.
 */
function endOf(input: WatchInput, checkpoint: WatchCheckpoint, forMs: number): number {
  const { stage, scheduledSmoke } = checkpoint;
  switch (stage.kind) {
    case 'promoted':
      return forMs;
    case 'step':
      return isBaking(input, checkpoint) && scheduledSmoke.failuresInARow === 0 ? 0 : Infinity;
    case 'deployed':
    case 'back':
      return 0;
  }
}

function clipped(sentence: string): string {
  return sentence.length <= longestSentence ? sentence : `${sentence.slice(0, longestSentence - 1)}…`;
}
