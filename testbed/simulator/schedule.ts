/** The one virtual clock: events in order of time, then of a seeded lot, then of their number. */

import { Heap } from 'heap-js';
import type { Draw } from './random.ts';

export interface Planned {
  cancel(): void;
}

interface Event extends Planned {
  readonly at: number;
  readonly lot: number;
  readonly number: number;
  run: (() => void | Promise<void>) | null;
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

  /** Runs `what` in `ms`; a promise it returns is awaited before the next event. */
  in(ms: number, what: () => void | Promise<void>): Planned {
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

  /** Takes the earliest event; false when there is none before or at `until`. */
  async next(until: number): Promise<boolean> {
    for (;;) {
      const event = this.heap.peek();
      if (event === undefined || event.at > until) return false;
      this.heap.pop();
      if (event.run === null) continue;
      this.time = event.at;
      const { run } = event;
      event.run = null;
      await run();
      return true;
    }
  }
}
