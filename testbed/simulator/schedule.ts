/** The one virtual clock: events in order of time, then of a seeded lot, then of their number. */

import { Heap } from 'heap-js';
import type { Draw } from './random.ts';

export interface Planned {
  cancel(): void;
}

/** Said by what has woken nobody: no code waits to run now. */
export const quiet = Symbol('quiet');

/** A promise is awaited before anything else happens. */
export type Happening = (() => void | Promise<void>) | (() => typeof quiet | null);

interface Event extends Planned {
  readonly at: number;
  readonly lot: number;
  readonly number: number;
  run: Happening | null;
}

export class Schedule {
  private readonly heap = new Heap<Event>((a, b) => a.at - b.at || a.lot - b.lot || a.number - b.number);
  private readonly lots: Draw;
  private numbers = 0;
  private time: number;

  constructor(startsAt: number, lots: Draw) {
    this.time = startsAt;
    this.lots = lots;
  }

  /** Epoch ms, integer. */
  get now(): number {
    return this.time;
  }

  /** Runs `what` in `ms`. */
  in(ms: number, what: Happening): Planned {
    const event: Event = {
      at: this.time + Math.max(0, Math.ceil(ms)),
      lot: this.lots.between(0, 0xffff),
      number: (this.numbers += 1),
      run: what,
      cancel: () => {
        event.run = null;
      },
    };
    this.heap.push(event);
    return event;
  }

  /** Takes the earliest event: its time is now, and who takes it runs it. `null` when there is none before or at `until`. */
  take(until: number): Happening | null {
    for (;;) {
      const event = this.heap.peek();
      if (event === undefined || event.at > until) return null;
      this.heap.pop();
      if (event.run === null) continue;
      this.time = event.at;
      const { run } = event;
      event.run = null;
      return run;
    }
  }
}
