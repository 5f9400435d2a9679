/** Looks at the world after every event and says which promise of DESIGN §3 was broken, in the words of the target. */

import type { Plan } from '../../../plan/plan.ts';
import type { Job } from '../sandbox.ts';
import type { Simulation } from '../simulation.ts';
import { shareIn } from '../worlds/truth.ts';
import type { RouteClaim, RouteTruth, RouteWrite } from '../worlds/truth.ts';
import type { World } from '../worlds/world.ts';

/** A promise was broken. */
export class Broken extends Error {
  override readonly name = 'Broken';

  constructor(invariant: string, sentence: string) {
    super(`${invariant}: ${sentence}`);
  }
}

export interface Watched {
  readonly plan: Plan;
  readonly rollout: string;
  readonly simulation: Simulation;
  readonly world: World;
  /** Clocks of workers differ by at most this, ms: bakes are measured by them. */
  readonly skewMs: number;
}

const whole = 10_000;
/** Time without a watch that a handover between two of them may take, while a worker is there, ms. */
const handoverMs = 60_000;

export class Watchman {
  private readonly on: Watched;
  private seen = 0;
  private claim: RouteClaim | null = null;
  private stageSince = 0;
  private turnedAt: number | null = null;
  private approved = new Map<string, number>();
  private unwatchedSince: number | null = null;
  /** When a watch was last under way, epoch ms. */
  watchedUntil = 0;
  private lastRise = 0;

  constructor(on: Watched) {
    this.on = on;
  }

  /** A workflow task has taken these in: from now on they count. */
  handled(jobs: readonly Job[], wordsOf: (job: Job) => Message | null): void {
    for (const job of jobs) {
      const message = wordsOf(job);
      if (message?.name === 'abort' || job.cancelWorkflow) this.turnedAt ??= this.now;
      if (message?.name === 'decide' && message.decision === 'approve') this.approved.set(message.gate, this.now);
    }
  }

  /** `texts`: everything that has come into the history. */
  secrecy(value: string, texts: readonly string[]): void {
    if (texts.some((text) => text.includes(value))) throw new Broken('I12', 'a secret stands in the history');
  }

  /** `attemptAt`: beginning of the attempt whose effect was seen just now. */
  look(attemptAt: number | null): void {
    const writes = this.on.world.writes();
    for (const write of writes.slice(this.seen)) if (write.kind === 'route') this.judge(write, attemptAt ?? this.now);
    this.seen = writes.length;
    this.unwatched();
  }

  private get now(): number {
    return this.on.simulation.schedule.now;
  }

  private judge(write: RouteWrite, attemptAt: number): void {
    const { after, before } = write;
    const claim = typeof after.claim === 'object' ? after.claim : null;
    if (write.by === 'rollout') {
      this.whole(after);
      if (claim !== null) this.fences(claim, after);
      const [from, to] = [this.share(before), this.share(after)];
      if (to > from) this.rise(claim, from, to, attemptAt);
    }
    if (claim === null) return;
    if (stageName(claim) !== stageName(this.claim)) this.stageSince = write.at;
    if (this.share(after) < this.share(before)) this.forgetApprovals(claim);
    this.claim = claim;
  }

  /** Never 0 on all, and weights are all of the traffic. */
  private whole({ traffic }: RouteTruth): void {
    const sum = traffic.reduce((all, { bp }) => all + bp, 0);
    if (Math.abs(sum - whole) > 1) throw new Broken('I2', `${String(sum)} of 10000 basis points have a place to go`);
  }

  private fences(claim: RouteClaim, after: RouteTruth): void {
    const before = this.claim;
    if (before === null) return;
    if (claim.fence < before.fence)
      throw new Broken('I4', `fence ${String(claim.fence)} after ${String(before.fence)}`);
    const isOther =
      claim.run !== before.run || stageName(claim) !== stageName(before) || claim.canaryBp !== before.canaryBp;
    if (claim.fence === before.fence && isOther && claim.stage.kind !== 'back') {
      throw new Broken(
        'I4',
        `fence ${String(claim.fence)} was used for two effects, the second gives ${String(this.share(after))}`,
      );
    }
  }

  /** Weight rises only by the next planned step, with everything before it satisfied, and never after turning back. */
  private rise(claim: RouteClaim | null, from: number, to: number, attemptAt: number): void {
    const what = `${String(from)} → ${String(to)}`;
    if (claim === null) throw new Broken('I4', `${what} without a claim`);
    const before = this.claim;
    if (before?.run === claim.run && before.stage.kind === 'back')
      throw new Broken('I4', `${what} after going back had begun`);
    if (this.turnedAt !== null && attemptAt > this.turnedAt)
      throw new Broken('I4', `${what} was begun after the abort was accepted`);
    this.capacity(claim, what, attemptAt);
    if (claim.stage.kind !== 'step') throw new Broken('I3', `${what} at stage ${claim.stage.kind}`);
    const index = Number(claim.stage['index']);
    const step = this.on.plan.steps[index];
    if (step?.weightBp !== to)
      throw new Broken('I3', `${what}, but step ${String(index)} is ${String(step?.weightBp)}`);
    const present = before?.stage.kind === 'step' ? Number(before.stage['index']) : -1;
    if (index === present) return; // put back after somebody else had lowered it
    if (index !== present + 1) throw new Broken('I3', `${what} from step ${String(present)} to ${String(index)}`);
    this.baked(present, what);
    for (const gate of this.on.plan.gates) {
      const isHere = gate.point.kind === 'step' && gate.point.index === index;
      if (isHere && !this.approved.has(gate.id))
        throw new Broken('I3', `${what} while nobody approved gate ${gate.id}`);
    }
  }

  /** What died while the write was under way could not be known. */
  private capacity(claim: RouteClaim, what: string, attemptAt: number): void {
    const servingAt = (at: number) =>
      Object.values(this.on.world.truth(at).slots).find(({ release }) => release?.digest === claim.canary.digest);
    const [then, now] = [servingAt(attemptAt), servingAt(this.now)];
    if (now === undefined) throw new Broken('I2', `${what} where the release does not run at all`);
    if (then?.ready === false && !now.ready) throw new Broken('I2', `${what} where the release is not ready`);
  }

  private baked(step: number, what: string): void {
    const least = this.on.plan.steps[step]?.bakeMinMs ?? 0;
    const baked = this.now - this.stageSince;
    // A write that was long under way counts from the last poll that did not see it.
    const pollMs = this.on.plan.metrics?.everyMs ?? 5_000;
    if (baked < least - this.on.skewMs - pollMs) {
      throw new Broken('I3', `${what} after ${String(baked)} ms of ${String(least)} ms bake`);
    }
  }

  /** After going down, everything above is asked again. */
  private forgetApprovals(claim: RouteClaim): void {
    const index = claim.stage.kind === 'step' ? Number(claim.stage['index']) : -1;
    for (const { id, point } of this.on.plan.gates) {
      if (point.kind === 'promote' || (point.kind === 'step' && point.index > index)) this.approved.delete(id);
    }
  }

  /** I17: while there is exposure, a watch is under way, or going back is. */
  private unwatched(): void {
    const { simulation, rollout } = this.on;
    const run = simulation.server.newest(rollout);
    const isExposed = this.claim?.stage.kind === 'step' && run?.closing === null && simulation.worker !== null;
    const isWatched = run !== undefined && run.waits.activities().some((name) => name === 'watch' || name === 'zero');
    if (isWatched) this.watchedUntil = this.now;
    const isFrozen = simulation.worker !== null && simulation.worker.frozenFor() > 0;
    if (!isExposed || isWatched || isFrozen) this.unwatchedSince = null;
    else this.unwatchedSince ??= this.now;
    if (this.unwatchedSince !== null && this.now - this.unwatchedSince > handoverMs) {
      throw new Broken('I17', `nobody has watched for ${String(this.now - this.unwatchedSince)} ms`);
    }
  }

  private share({ traffic }: RouteTruth): number {
    return Math.round(shareIn(traffic, this.on.plan.release.digest));
  }
}

/** A message as the workflow got it. */
export interface Message {
  readonly name: string;
  readonly gate: string;
  readonly decision: string;
}

function stageName(claim: RouteClaim | null): string {
  return claim === null ? '' : JSON.stringify(claim.stage);
}
