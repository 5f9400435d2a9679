/** What every part of a simulation stands on: the clock, the lots, the trace, the sandbox, and the worker that runs now. */

import type { Random } from './random.ts';
import type { Job, Sandbox } from './sandbox.ts';
import type { Schedule } from './schedule.ts';
import type { Trace } from './trace.ts';
import type { SimulatedWorker } from './worker.ts';

/** How the Temporal server and the way to it behave. All in ms. */
export interface ServerManners {
  /** One way between worker and server. */
  readonly hop: readonly [number, number];
  /** From a workflow task's start to its completion. */
  readonly task: readonly [number, number];
  /** Timers of the server are late by this much. */
  readonly lateness: readonly [number, number];
  /** A task or result is held up on its way, with this probability, for so long. */
  readonly stall: { readonly chance: number; readonly ms: readonly [number, number] };
  /** A task finds a worker without the run in its cache, and somebody's question comes there first, with this probability. */
  readonly askedFirst: number;
  /** Events after which the server suggests to continue as new. */
  readonly fullAt: number;
}

export const calmServer: ServerManners = {
  hop: [1, 4],
  task: [1, 8],
  lateness: [0, 0],
  stall: { chance: 0, ms: [0, 0] },
  askedFirst: 0,
  fullAt: 4_096,
};

export interface Floor {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly trace: Trace;
  readonly sandbox: Sandbox;
  manners: ServerManners;
  /** A workflow task with these jobs was committed; its commands in bytes, as they would stand in the history. */
  readonly onTask: (jobs: readonly Job[], commands: readonly string[]) => void;
  /** `null` while no worker runs. */
  worker: SimulatedWorker | null;
  /** Until then the server answers nobody, epoch ms. */
  awayUntil: number;
}

/** How long one message between worker and server is under way: whoever meets nobody tries again. */
export function hop(floor: Floor): number {
  const { random, manners } = floor;
  const draw = random('hop');
  const stalled = manners.stall.chance > 0 && draw.chance(manners.stall.chance);
  return draw.between(...manners.hop) + (stalled ? draw.between(...manners.stall.ms) : 0) + awayFor(floor);
}

const longestTryMs = 2_000;

/** How long it takes until the server is met again, ms. */
export function awayFor({ schedule, awayUntil, random }: Floor): number {
  const left = awayUntil - schedule.now;
  return left > 0 ? left + random('outage').between(1, longestTryMs) : 0;
}
