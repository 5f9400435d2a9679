/** One life of a worker: what it runs dies with it, and what it has sent is on its way all the same. */

import { asyncLocalStorage } from '@temporalio/activity';
import type { Info } from '@temporalio/activity';
import type { ActivityFunction } from '@temporalio/common';
import type { Schedule } from './schedule.ts';

/** An attempt that runs here, as far as its worker has to know it. */
export interface Guest {
  readonly info: Info;
  /** Waits of this attempt that an event of the simulation will end. */
  parked: number;
  done: boolean;
}

export interface Settle<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

export class SimulatedWorker {
  readonly guests = new Set<Guest>();
  /** What this worker's clock is wrong by, ms. */
  readonly skewMs: number;
  readonly heartbeatMs: number;
  private readonly schedule: Schedule;
  private activities: Readonly<Record<string, ActivityFunction>> = {};
  private alive = true;
  private frozenUntil = 0;

  constructor(schedule: Schedule, skewMs: number, heartbeatMs: number) {
    this.schedule = schedule;
    this.skewMs = skewMs;
    this.heartbeatMs = heartbeatMs;
  }

  /** Providers keep state between calls, so each life has its own. */
  equip(activities: Readonly<Record<string, ActivityFunction>>): void {
    this.activities = activities;
  }

  activity(name: string): ActivityFunction {
    const found = this.activities[name];
    if (found === undefined) throw new Error(`no activity ${name}`);
    return found;
  }

  isAlive(): boolean {
    return this.alive;
  }

  /** Killed with -9: no `finally` runs, nothing is told. */
  kill(): void {
    this.alive = false;
  }

  /** SIGSTOP for so long: everything that reaches it waits. */
  freeze(ms: number): void {
    this.frozenUntil = Math.max(this.frozenUntil, this.schedule.now + ms);
  }

  /** How long it will not react, ms. */
  frozenFor(): number {
    return Math.max(0, this.frozenUntil - this.schedule.now);
  }

  /** When it last came to itself again, epoch ms; 0 when it never stood still. */
  thawsAt(): number {
    return this.frozenUntil;
  }

  /** Something reaches the process: now, when it is woken up, or never. */
  deliver(what: () => void): void {
    if (!this.alive) return;
    const wait = this.frozenFor();
    if (wait === 0) what();
    else this.schedule.in(wait, () => this.deliver(what));
  }

  /** A wait of whoever calls, ended by an event of the simulation or by the signal. */
  park<T>(begin: (settle: Settle<T>) => void, signal?: AbortSignal): Promise<T> {
    const guest = this.caller();
    if (guest !== null) guest.parked += 1;
    return new Promise<T>((resolve, reject) => {
      let isOpen = true;
      const end = (then: () => void): void => {
        this.deliver(() => {
          if (!isOpen) return;
          isOpen = false;
          if (guest !== null) guest.parked -= 1;
          signal?.removeEventListener('abort', stop);
          then();
        });
      };
      const stop = (): void => end(() => reject(signal?.reason as Error));
      if (signal?.aborted === true) return stop();
      signal?.addEventListener('abort', stop, { once: true });
      begin({ resolve: (value) => end(() => resolve(value)), reject: (error) => end(() => reject(error)) });
    });
  }

  /** An attempt that runs but waits for nothing we know of: its activity would hang for ever. */
  stuck(): Guest | null {
    for (const guest of this.guests) if (!guest.done && guest.parked === 0) return guest;
    return null;
  }

  private caller(): Guest | null {
    const context = asyncLocalStorage.getStore();
    if (context === undefined) return null;
    for (const guest of this.guests) if (guest.info === context.info) return guest;
    return null;
  }
}
