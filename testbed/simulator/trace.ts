/** What happened in a simulation, line by line: printed when a seed fails, hashed to prove that a run repeats. */

import { createHash } from 'node:crypto';

const keptLines = 400;
/** Characters that are hashed in one go. */
const lot = 65_536;

export interface TraceLine {
  /** Epoch ms of the simulation. */
  readonly at: number;
  readonly what: string;
}

export class Trace {
  private readonly hash = createHash('sha256');
  private unhashed = '';
  private readonly lines: TraceLine[] = [];
  private readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  add(what: string): void {
    const at = this.now();
    this.mixAt(at, what);
    this.lines.push({ at, what: what.length > 500 ? `${what.slice(0, 500)}…` : what });
    if (this.lines.length > 2 * keptLines) this.lines.splice(0, keptLines);
  }

  /** Goes into the digest alone: too much to print. */
  mix(what: string): void {
    this.mixAt(this.now(), what);
  }

  /** Of everything so far, cut lines included. */
  digest(): string {
    this.hashAll();
    return this.hash.copy().digest('hex');
  }

  private mixAt(at: number, what: string): void {
    this.unhashed += `${String(at)} ${what}\n`;
    if (this.unhashed.length > lot) this.hashAll();
  }

  private hashAll(): void {
    this.hash.update(this.unhashed);
    this.unhashed = '';
  }

  last(count: number): readonly TraceLine[] {
    return this.lines.slice(-count);
  }
}
