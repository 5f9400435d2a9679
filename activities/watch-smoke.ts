/** Scheduled smoke after promotion: at its times, never two at once, never in the way of a poll. */

import { log } from '@temporalio/activity';
import { ProviderError } from '../providers/errors.ts';
import type { WatchCheckpoint, WatchInput } from './contract.ts';
import type { Ports } from './ports.ts';
import { aimOf } from './smoke.ts';

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
  | { readonly kind: 'ran'; readonly slot: number; readonly passed: boolean; readonly sentence: string }
  | { readonly kind: 'skipped'; readonly slot: number }
  | { readonly kind: 'broken'; readonly error: unknown };

export function createScheduledSmoke(ports: Ports, input: WatchInput): ScheduledSmokeRuns {
  const breakOff = new AbortController();
  let running: Promise<void> | null = null;
  let ended: Ended | null = null;
  const start = (slot: number) => {
    running = run(ports, input, slot, breakOff.signal)
      .catch((error: unknown): Ended => ({ kind: 'broken', error }))
      .then((how) => void (ended = how));
  };
  return {
    look(checkpoint, at) {
      const taken = takeIn(ended, checkpoint, input);
      if (ended !== null) running = null;
      ended = null;
      const slot = dueSlot(input, taken.checkpoint, at);
      if (slot !== null && running === null) start(slot);
      return taken;
    },
    stop() {
      breakOff.abort(new Error('the watch ends'));
    },
  };
}

async function run(ports: Ports, input: WatchInput, slot: number, signal: AbortSignal): Promise<Ended> {
  if (input.scheduled === null) return { kind: 'skipped', slot };
  const { smoke, suite } = input.scheduled;
  const { aim, suite: suiteName } = smoke.run;
  try {
    const place = await aimOf(ports.target(input.target), { aim, suite, suiteName, order: input.order }, signal);
    const { passed, sentence } = await ports.smoke.run(suite, place, signal);
    ports.observer.smoke(input.order.rollout, suiteName, passed);
    return { kind: 'ran', slot, passed, sentence };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    log.warn('scheduled smoke could not run', { suite: suiteName, reason: error.message });
    return { kind: 'skipped', slot };
  }
}

function takeIn(ended: Ended | null, checkpoint: WatchCheckpoint, input: WatchInput) {
  if (ended === null) return { checkpoint, failed: null };
  if (ended.kind === 'broken') throw ended.error;
  if (ended.kind === 'skipped') {
    return {
      checkpoint: { ...checkpoint, scheduledSmoke: { ...checkpoint.scheduledSmoke, runs: ended.slot } },
      failed: null,
    };
  }
  const failuresInARow = ended.passed ? 0 : checkpoint.scheduledSmoke.failuresInARow + 1;
  const isTooOften = failuresInARow >= (input.scheduled?.smoke.failuresToRollback ?? Infinity);
  const sentence = `smoke ${input.scheduled?.smoke.run.suite ?? ''} failed ${String(failuresInARow)} times in a row: ${ended.sentence}`;
  return {
    checkpoint: { ...checkpoint, scheduledSmoke: { runs: ended.slot, failuresInARow } },
    failed: isTooOften ? sentence : null,
  };
}

/** The number of the newest run whose time has come and that was not done; missed ones are not made up for. */
function dueSlot(input: WatchInput, { stage, stageSince, scheduledSmoke }: WatchCheckpoint, at: number): number | null {
  if (input.scheduled === null || stage.kind !== 'promoted') return null;
  const { everyMs, forMs } = input.scheduled.smoke;
  const slot = Math.floor(Math.min(at - stageSince, forMs) / everyMs);
  return slot > scheduledSmoke.runs ? slot : null;
}
