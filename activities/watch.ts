/** The watch: one heartbeating activity that polls until there is something to tell, and survives its worker. */

import { Context } from '@temporalio/activity';
import type { Activities, WatchCheckpoint, WatchInput, WatchReport } from './contract.ts';
import type { Ports } from './ports.ts';
import { firstCheckpoint, latest } from './watch-checkpoint.ts';
import { playRound, type Round } from './watch-round.ts';
import { everyOf, nextPollAt } from './watch-schedule.ts';
import { createScheduledSmoke } from './watch-smoke.ts';
import { createWorld } from './watch-world.ts';
import { attemptSignal } from './signal.ts';

/** Without a heartbeat time-out nobody waits for heartbeats, but people still read them. */
const defaultTickMs = 5_000;

export function createWatch(ports: Ports): Activities['watch'] {
  return async (input) => {
    const context = Context.current();
    const known = latest(input.checkpoint, context.info.heartbeatDetails);
    const desk: Desk = { checkpoint: known ?? firstCheckpoint(input, ports.clock.now()) };
    const tickMs = (context.info.heartbeatTimeoutMs ?? 3 * defaultTickMs) / 3;
    try {
      return await beating(
        ports,
        tickMs,
        () => context.heartbeat(desk.checkpoint),
        () => watch(ports, input, desk, known === null),
      );
    } catch (error) {
      if (!context.cancellationSignal.aborted) throw error;
      if (context.cancellationDetails?.cancelRequested === true)
        return { kind: 'stopped', checkpoint: desk.checkpoint };
      context.heartbeat(desk.checkpoint); // the next attempt goes on from here
      throw error;
    }
  };
}

/** Where the newest checkpoint lies, for heartbeats and for the end. */
interface Desk {
  checkpoint: WatchCheckpoint;
}

async function watch(ports: Ports, input: WatchInput, desk: Desk, isFirst: boolean): Promise<WatchReport> {
  const { clock, observer } = ports;
  const signal = attemptSignal();
  const segmentEnd = clock.now() + input.segmentMs;
  const smoke = createScheduledSmoke(ports, input);
  const watching = { world: createWorld(ports, input, signal), smoke, input };
  try {
    if (!isFirst) await sleepUntil(ports, dueAt(input, desk.checkpoint, clock.now()), signal);
    for (;;) {
      const { checkpoint, milestone }: Round = await playRound(watching, desk.checkpoint, clock.now());
      desk.checkpoint = checkpoint;
      observer.weights(input.order.rollout, checkpoint.observed);
      observer.findings(input.order.rollout, checkpoint.findings);
      observer.bake(input.order.rollout, checkpoint.validMs, checkpoint.elapsedMs);
      if (milestone !== null) return { ...milestone, checkpoint };
      if (clock.now() >= segmentEnd) return { kind: 'segment-end', checkpoint };
      await sleepUntil(ports, Math.min(dueAt(input, checkpoint, clock.now()), segmentEnd), signal);
    }
  } finally {
    smoke.stop();
  }
}

/** Also a watch that is started anew keeps to its grid: no answer of the workflow can make it poll in a tight loop. */
function dueAt(input: WatchInput, checkpoint: WatchCheckpoint, now: number): number {
  return Math.min(nextPollAt(input, checkpoint), now + everyOf(input)); // the target's clock may be ahead of ours
}

async function sleepUntil({ clock }: Ports, at: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(Math.max(0, at - clock.now()), signal);
}

/** Beats at once and then every tick, however long a poll takes. */
async function beating<Answer>(
  { clock }: Ports,
  everyMs: number,
  beat: () => void,
  work: () => Promise<Answer>,
): Promise<Answer> {
  const over = new AbortController();
  const ticking = (async () => {
    while (!over.signal.aborted) {
      beat();
      await clock.sleep(everyMs, over.signal);
    }
  })().catch((error: unknown) => {
    if (!over.signal.aborted) throw error;
  });
  try {
    return await work();
  } finally {
    over.abort(new Error('the watch ends'));
    await ticking;
  }
}
