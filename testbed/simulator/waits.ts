/** What a run waits for at the server: its timers and activities, and which of their ends still count. */

import { tsToMs } from '@temporalio/common/lib/time.js';
import { ActivityTask } from './activity-task.ts';
import type { Floor } from './floor.ts';
import type { Command, Identity, Job } from './sandbox.ts';
import type { Planned } from './schedule.ts';

/** Cancellation types; 0 is TRY_CANCEL. */
const waitForIt = 1;
const abandonIt = 2;

/** Where ends are told: as a job for the workflow, or only as so many events of the history. */
export interface Desk {
  arrive(job: Job, events: number): void;
  count(events: number): void;
  /** Takes back what is on its way but was not handed over. */
  withdraw(isMeant: (job: Job) => boolean): void;
}

export class Waits {
  private readonly floor: Floor;
  private readonly identity: Identity;
  private readonly desk: Desk;
  private readonly timers = new Map<number, Planned>();
  private readonly open = new Map<number, ActivityTask>();
  /** Cancellation type of every activity, also of those that have ended. */
  private readonly kinds = new Map<number, number>();
  /** Activities whose end Core has already told the workflow. */
  private readonly forgotten = new Set<number>();

  constructor(floor: Floor, identity: Identity, desk: Desk) {
    this.floor = floor;
    this.identity = identity;
    this.desk = desk;
  }

  /** Names of the activities that have not ended. */
  activities(): readonly string[] {
    return [...this.open.values()].map(({ type }) => type);
  }

  isAwaited(seq: number): boolean {
    return this.kinds.get(seq) === waitForIt;
  }

  dispatch(): void {
    for (const activity of this.open.values()) activity.dispatch();
  }

  drop(): void {
    for (const timer of this.timers.values()) timer.cancel();
    for (const activity of this.open.values()) activity.drop();
  }

  startTimer({ seq, startToFireTimeout }: NonNullable<Command['startTimer']>): void {
    this.desk.count(1);
    const number = seq ?? 0;
    const late = this.floor.random('lateness').between(...this.floor.manners.lateness);
    const fire = this.floor.schedule.in(tsToMs(startToFireTimeout) + late, () => {
      this.timers.delete(number);
      this.desk.arrive({ fireTimer: { seq: number } }, 1);
    });
    this.timers.set(number, fire);
  }

  cancelTimer({ seq }: NonNullable<Command['cancelTimer']>): void {
    this.desk.count(1);
    this.timers.get(seq ?? 0)?.cancel();
    this.timers.delete(seq ?? 0);
    // Core does not hand over a timer that fired while its cancellation was on the way.
    this.desk.withdraw(({ fireTimer }) => fireTimer?.seq === seq);
  }

  schedule(command: NonNullable<Command['scheduleActivity']>): void {
    this.desk.count(1);
    const seq = command.seq ?? 0;
    this.kinds.set(seq, command.cancellationType ?? 0);
    const task = new ActivityTask(this.floor, this.identity, command, ({ result, events }) => {
      this.open.delete(seq);
      // A result that comes after TRY_CANCEL was settled is in the history with a task that the workflow never sees.
      if (this.forgotten.delete(seq)) this.desk.count(events + 3);
      else this.desk.arrive({ resolveActivity: { seq, result: result ?? null } }, events);
    });
    this.open.set(seq, task);
  }

  requestCancel({ seq }: NonNullable<Command['requestCancelActivity']>): void {
    const number = seq ?? 0;
    const task = this.open.get(number);
    if (task === undefined) {
      // Its result is on the way to a workflow that was already told `cancelled`.
      if (!this.isAwaited(number)) this.desk.withdraw(({ resolveActivity }) => resolveActivity?.seq === number);
      return;
    }
    if (!this.isAwaited(number)) this.forgotten.add(number);
    if (this.kinds.get(number) === abandonIt) return;
    this.desk.count(1);
    task.requestCancel();
  }
}
