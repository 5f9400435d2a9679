/** One attempt of an activity: runs in a worker, heartbeats as Core does, and may outlive the server's patience. */

import type { Info } from '@temporalio/activity';
import { hop } from './floor.ts';
import type { Floor } from './floor.ts';
import { fromPayload, toPayload } from './payloads.ts';
import { runActivity } from './sandbox.ts';
import type { ActivityResult, Payload, RunningActivity } from './sandbox.ts';
import { quiet, type Planned } from './schedule.ts';
import type { Guest, SimulatedWorker } from './worker.ts';

/** What the server says to a heartbeat. */
export type HeartbeatAnswer = 'ok' | 'cancel' | 'unknown';

export interface Teller {
  heartbeat(attempt: Attempt, details: Payload): HeartbeatAnswer;
  ended(attempt: Attempt, result: ActivityResult): void;
}

export class Attempt implements Guest {
  readonly info: Info;
  readonly worker: SimulatedWorker;
  parked = 0;
  done = false;
  private readonly floor: Floor;
  private readonly teller: Teller;
  private readonly running: RunningActivity;
  /** Newest details that were not sent yet; Core sends at most one in a while. */
  private held: { readonly details: unknown } | null = null;
  private sent: { readonly details: unknown; readonly payload: Payload } | null = null;
  private throttle: Planned | null = null;

  constructor(floor: Floor, worker: SimulatedWorker, teller: Teller, info: Info, args: readonly Payload[]) {
    this.floor = floor;
    this.worker = worker;
    this.teller = teller;
    this.info = info;
    worker.guests.add(this);
    const values = args.map(fromPayload);
    this.running = runActivity(info, worker.activity(info.activityType), values, (details) => this.beat(details));
    void this.running.ended.then((result) => this.end(result));
  }

  /** The first at once, then one per interval, the last one held and sent. */
  private beat(details: unknown): void {
    if (this.done) return;
    this.held = { details };
    if (this.throttle === null) this.flush();
  }

  private flush(): void {
    const { held } = this;
    this.held = null;
    this.throttle = null;
    if (held === null || this.done || !this.worker.isAlive()) return;
    const details = this.encoded(held.details);
    this.throttle = this.floor.schedule.in(this.throttleMs(), () => {
      this.worker.deliver(() => this.flush());
      return quiet;
    });
    this.floor.schedule.in(hop(this.floor), () => {
      const answer = this.teller.heartbeat(this, details);
      if (answer !== 'ok') this.floor.schedule.in(hop(this.floor), () => this.hear(answer));
      return quiet;
    });
  }

  /** Most beats say the same as the one before. */
  private encoded(details: unknown): Payload {
    const known = this.sent;
    if (known !== null && known.details === details) return known.payload;
    const payload = toPayload(details);
    this.sent = { details, payload };
    return payload;
  }

  private throttleMs(): number {
    return Math.min(0.8 * (this.info.heartbeatTimeoutMs ?? 60_000), this.worker.heartbeatMs);
  }

  private hear(answer: 'cancel' | 'unknown'): void {
    this.worker.deliver(() => {
      if (this.done) return;
      if (answer === 'cancel') this.running.cancel();
      else this.running.forget();
    });
  }

  private end(result: ActivityResult): void {
    this.done = true;
    this.worker.guests.delete(this);
    this.throttle?.cancel();
    this.floor.schedule.in(hop(this.floor), () => this.teller.ended(this, result));
  }
}
