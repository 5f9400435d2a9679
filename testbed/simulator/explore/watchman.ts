/** Looks at the world after every event and says which promise of DESIGN §3 was broken, in the words of the target. */

import { isOutcome } from '../../../plan/phases.ts';
import type { GatePoint, Plan } from '../../../plan/plan.ts';
import type { Status } from '../../../plan/status.ts';
import type { Job } from '../sandbox.ts';
import type { Simulation } from '../simulation.ts';
import { shareIn } from '../worlds/truth.ts';
import type { HostWrite, RouteClaim, RouteTruth, RouteWrite } from '../worlds/truth.ts';
import type { World } from '../worlds/world.ts';
import { Broken } from './broken.ts';
import { loosened } from './criteria.ts';
import { outcomeOf } from './ending.ts';
import type { Mischief } from './mischief.ts';
import { unsigned, type Heard } from './quorums.ts';
import { orderIn, type Ordered } from './orders.ts';
import { Said, type Message } from './said.ts';

export interface Watched {
  readonly plan: Plan;
  readonly rollout: string;
  readonly simulation: Simulation;
  readonly world: World;
  readonly digest: string;
  readonly mischief: Mischief;
  /** Clocks of workers differ by at most this, ms: bakes are measured by them. */
  readonly skewMs: number;
}

const whole = 10_000;
/** Until a watch has seen what somebody did by hand, a poll and what it takes, ms. */
const noticedMs = 12_000;
/** Time without a watch that a handover between two of them may take, while a worker is there, ms. */
const handoverMs = 60_000;
/** From an accepted abort until zero is asked for, in the same task but for what must end first, ms. */
const slowestTurnMs = 3_000;
/** What going back has to wait for, or is. */
const before: readonly string[] = [
  'left',
  'zero',
  'retire',
  'shift',
  'deploy',
  'promote',
  'confirm',
  'smoke',
  'restore',
];
/** Going back, or a watch. */
const watching: readonly string[] = ['watch', 'zero', 'left'];
/** Until a guardian has taken over what ended without an outcome, while somebody could look, also after some kills, ms. */
const slowestGuardianMs = 180_000;
/** From an accepted abort to zero, when the target works again, ms. */
const slowestZeroMs = 180_000;

/** From a confirmation that says no to the beginning of going back, ms. */
const slowestDoubtMs = 20_000;
/** From a confirmed `sluice zero` until a rollout that watches goes back itself, when everything works, ms. */
const slowestTakenMs = 90_000;
const goingBack: readonly string[] = ['zero', 'left', 'restore', 'retire'];
/** Whoever is told this may leave a step without going back. */
const diverting: readonly string[] = ['step-back', 'detach', 'supersede', 'edit-plan'];

/** A reason to go back, and the time that somebody was there since. */
interface Turn {
  readonly invariant: string;
  readonly what: string;
  readonly since: number;
  readonly most: number;
  ms: number;
}

export class Watchman {
  private readonly on: Watched;
  private seen = 0;
  private handAt = -Infinity;
  private claim: RouteClaim | null = null;
  private stageSince = 0;
  /** When an abort was accepted, epoch ms. */
  turnedAt: number | null = null;
  private readonly said = new Said();
  /** What had been said when the rollout last asked for a stage, by stage. */
  private readonly heardFor = new Map<string, Heard>();
  private readonly passed: { readonly gate: string; readonly heard: Heard }[] = [];
  private isDeployed = false;
  private isDiverted = false;
  private isEdited = false;
  private readonly mustTurn: Turn[] = [];
  private readonly smoked = new Map<string, { readonly passed: boolean; readonly at: number }>();
  private unasked: { readonly since: number; ms: number } | null = null;
  private lookedAt = 0;
  /** Messages that the workflow got. */
  messages = 0;
  /** The rollout was told that records are kept. */
  knowsArchive = false;
  /** Time in which a run that ended without an outcome could have been found, ms. */
  private strandedMs = 0;
  private strandedAt = -Infinity;
  /** Another rollout held the route for a time. */
  hasRival = false;
  private unwatchedSince: number | null = null;
  /** When a watch was last under way, epoch ms. */
  watchedUntil = 0;

  private readonly began: number;

  constructor(on: Watched) {
    this.on = on;
    this.began = on.simulation.schedule.now;
  }

  /** A workflow task has taken these in: from now on they count. */
  handled(jobs: readonly Job[], wordsOf: (job: Job) => Message | null): void {
    const messages = jobs.flatMap((job) => wordsOf(job) ?? []);
    this.messages += messages.length;
    this.said.heard(messages, this.now);
    for (const { name, isSignal } of messages) {
      if (name === 'abort' && isSignal) this.turns();
      if (diverting.includes(name)) this.isDiverted = true;
      if (name === 'edit-plan') this.isEdited = true;
    }
    if (jobs.some(({ cancelWorkflow }) => cancelWorkflow)) this.turns();
  }

  private turns(): void {
    if (!this.hasEnded()) this.turnedAt ??= this.now;
  }

  /** It has said its outcome, and only people are still told: an abort comes too late. */
  private hasEnded(): boolean {
    const state = this.on.simulation.server.newest(this.on.rollout)?.attributes['RolloutState'];
    return typeof state === 'string' && isOutcome(state);
  }

  /** An activity has brought this into the history. */
  brought(text: string): void {
    if (text.includes('"archives":true')) this.knowsArchive = true;
    if (text.startsWith('{"suite":')) {
      const { suite, aim, passed } = JSON.parse(text) as { suite: string; aim: string; passed: boolean };
      this.smoked.set(`${suite} on ${aim}`, { passed, at: this.now });
    }
    if (text.startsWith('{"person":')) this.said.proving((JSON.parse(text) as { person: string }).person, 'answered');
    if (/^\{"kind":"(?:drifted|rejected|unknown|pending)","/.test(text) && !this.isDiverted) {
      this.mustTurn.push({
        invariant: 'I13',
        since: this.now,
        ms: 0,
        most: slowestDoubtMs,
        what: `a step is not live (${text})`,
      });
    }
    if (text.startsWith('{"kind":"zero"') && this.on.mischief.world.proxy.length === 0) {
      const share = shareIn(this.on.world.truth(this.now).traffic, this.on.plan.release.digest);
      if (share > 0)
        throw new Broken('I13', `zero was told, and the release has ${String(Math.round(share))} of 10000`);
    }
  }

  /** A command to the server, in bytes. */
  asked(text: string): void {
    const sentence = loosened(text, this.on.plan.criteria);
    if (sentence !== null) throw new Broken('I8', sentence);
    const order = orderIn(text);
    if (order?.kind === 'prove') this.said.proving(order.by, 'asked');
    else if (order?.rollout === this.on.rollout) this.ordered(order);
  }

  /** I3: whoever is stopped asks for nothing more than it has. */
  private ordered(order: Exclude<Ordered, { kind: 'prove' }>): void {
    this.heardFor.set(JSON.stringify(order.stage), this.said.now(this.now));
    const stopped = this.said.stopped();
    const isMore = order.stage.kind !== 'deployed' && order.canaryBp > (this.claim?.canaryBp ?? 0);
    const isPromotion = order.kind === 'promote' && this.claim?.stage.kind !== 'promoted';
    if (stopped !== null && (isMore || isPromotion))
      throw new Broken(
        'I3',
        `${order.kind} to ${String(order.canaryBp)} was asked for while the rollout was ${stopped}`,
      );
  }

  /** Somebody's `sluice zero` was told that it is zero. */
  zeroed(of: string): void {
    const { simulation, rollout, mischief, world, plan } = this.on;
    const share = Math.round(shareIn(world.truth(this.now).traffic, plan.release.digest));
    const isMeddled = mischief.world.proxy.length > 0 || this.hasRival;
    if (of !== rollout || isMeddled) return;
    if (share > 0) throw new Broken('I13', `sluice zero said zero, and the release has ${String(share)} of 10000`);
    const run = simulation.server.newest(rollout);
    if (run?.closing !== null || !run.waits.activities().includes('watch')) return;
    const calmFrom = this.began + mischief.untilMs;
    this.mustTurn.push({
      invariant: 'I6',
      since: calmFrom,
      ms: 0,
      most: slowestTakenMs,
      what: 'somebody ran sluice zero',
    });
  }

  /** What has been told that it cannot go on goes back. */
  private obeying(): void {
    if (this.mustTurn.length === 0) return;
    const run = this.on.simulation.server.newest(this.on.rollout);
    const isGoing = run?.closing !== null || run.waits.activities().some((name) => goingBack.includes(name));
    if (isGoing) this.mustTurn.length = 0;
    if (!this.isAttended()) return;
    for (const turn of this.mustTurn) {
      if (this.now > turn.since) turn.ms += this.now - Math.max(this.lookedAt, turn.since);
      if (turn.ms > turn.most)
        throw new Broken(turn.invariant, `${turn.what}, and nobody went back in ${String(turn.ms)} ms`);
    }
  }

  /** `texts`: everything that has come into the history. */
  secrecy(value: string, texts: readonly string[]): void {
    if (texts.some((text) => text.includes(value))) throw new Broken('I12', 'a secret stands in the history');
  }

  /** `attemptAt`: beginning of the attempt whose effect was seen just now. */
  look(attemptAt: number | null): void | Promise<void> {
    const writes = this.on.world.writes();
    for (const write of writes.slice(this.seen)) {
      if (write.kind === 'route') this.judge(write, attemptAt ?? this.now);
      else this.deploys(write);
    }
    this.seen = writes.length;
    this.stranded();
    this.unwatched();
    this.turning();
    this.obeying();
    this.lookedAt = this.now;
    if (this.passed.length > 0) return this.signatures();
  }

  /** I9: asked of the rollout itself, which evidence its gate was passed on; again until somebody answers. */
  private async signatures(): Promise<void> {
    const { simulation, rollout, plan, digest } = this.on;
    const status = (await simulation.server.query(rollout, 'status')) as Status | null;
    if (status === null) return;
    for (const { gate, heard } of this.passed.splice(0)) {
      const request = status.requests.find((one) => one.gate === gate);
      // Opened since then: it asks about something else.
      if (request === undefined || request.openedAt > heard.at) continue;
      const lack = unsigned(plan, [digest, status.planDigest], request, heard);
      if (lack !== null) throw new Broken('I9', lack);
    }
  }

  /** Somebody is there who could do something. */
  private isAttended(): boolean {
    const { worker, server } = this.on.simulation;
    return worker !== null && worker.frozenFor() === 0 && !server.isAway();
  }

  /** I14: whoever ended without an outcome is taken over. */
  private stranded(): void {
    const run = this.on.simulation.server.newest(this.on.rollout);
    const { now } = this;
    if (run === undefined || run.closing?.kind !== 'terminated' || outcomeOf(run) !== null) {
      this.strandedMs = 0;
      return;
    }
    this.strandedAt = now;
    if (this.isAttended()) this.strandedMs += now - this.lookedAt;
    if (this.strandedMs <= slowestGuardianMs) return;
    const share = this.share(this.on.world.truth(now));
    const what = `run ${run.identity.runId} was terminated with ${String(share)} of 10000 on the release`;
    throw new Broken('I14', `${what}, and nobody took it over in ${String(this.strandedMs)} ms`);
  }

  /** I6, I11: nothing but the target stands between an abort and zero. */
  private turning(): void {
    const { simulation, rollout, mischief } = this.on;
    const { turnedAt, claim } = this;
    const run = simulation.server.newest(rollout);
    if (turnedAt === null || run?.closing !== null || claim === null || claim.released || claim.stage.kind === 'back')
      return;
    if (!this.isAttended()) return;
    const isAsked = run.waits.activities().some((name) => before.includes(name));
    if (isAsked) this.unasked = null;
    else if (this.unasked?.since !== turnedAt) this.unasked = { since: turnedAt, ms: 0 };
    else this.unasked.ms += this.now - this.lookedAt;
    if (mischief.channel === 'silent' && this.unasked !== null && this.unasked.ms > slowestTurnMs) {
      throw new Broken('I11', `zero was not asked for within ${String(this.unasked.ms)} ms after an abort`);
    }
    const calmFrom = Math.max(turnedAt, this.began + mischief.untilMs, this.strandedAt, simulation.awayUntil());
    const isMeddled = mischief.world.proxy.length > 0;
    if (this.now - calmFrom < slowestZeroMs || isMeddled || this.hasRival) return;
    throw new Broken('I6', `not at zero ${String(this.now - turnedAt)} ms after an abort`);
  }

  private get now(): number {
    return this.on.simulation.schedule.now;
  }

  private judge(write: RouteWrite, attemptAt: number): void {
    const { after, before } = write;
    const claim = typeof after.claim === 'object' ? after.claim : null;
    if (claim !== null && claim.rollout !== this.on.rollout) return this.rival(claim);
    if (write.by === 'hand') this.handAt = write.at;
    if (write.by === 'rollout') {
      this.whole(after);
      if (claim !== null) this.fences(claim, after);
      const [from, to] = [this.share(before), this.share(after)];
      if (claim?.stage.kind === 'promoted' && this.claim?.stage.kind === 'step') this.promoted(this.claim, claim);
      if (to > from) this.rise(claim, from, to, attemptAt);
      else if (to < from && claim?.stage.kind === 'back') this.wayBack(attemptAt);
    }
    if (claim === null) return;
    if (stageName(claim) !== stageName(this.claim)) this.stageSince = write.at;
    if (this.share(after) < this.share(before)) this.forgetApprovals(claim);
    this.claim = claim;
  }

  /** The release is started only when the start was approved. */
  private deploys({ verb, digest, rollout, fencedBy }: HostWrite): void {
    const isOurs = rollout === this.on.rollout && digest === this.on.plan.release.digest;
    if (this.isDeployed || !isOurs || verb !== 'put' || fencedBy !== null) return;
    this.isDeployed = true;
    this.asksAt({ kind: 'start' }, 'the release was started', { kind: 'deployed' });
  }

  /** It becomes stable only after its last bake, and when people have said yes. */
  private promoted(before: RouteClaim, claim: RouteClaim): void {
    const step = Number(before.stage['index']);
    if (!this.isEdited) this.baked(step, 'promoted');
    this.judged('promoted');
    this.asksAt({ kind: 'promote' }, 'promoted', claim.stage);
  }

  private asksAt(point: GatePoint, what: string, stage: object): void {
    const key = JSON.stringify(point);
    for (const gate of this.on.plan.gates.filter((one) => JSON.stringify(one.point) === key)) {
      if (!this.said.isApproved(gate.id)) throw new Broken('I3', `${what} while nobody approved gate ${gate.id}`);
      const heard = this.heardFor.get(JSON.stringify(stage));
      if (heard === undefined) throw new Broken('I3', `${what}, and the rollout did not ask for that`);
      this.passed.push({ gate: gate.id, heard });
    }
  }

  /** Never 0 on all, and weights are all of the traffic. */
  private whole({ traffic }: RouteTruth): void {
    const sum = traffic.reduce((all, { bp }) => all + bp, 0);
    if (Math.abs(sum - whole) > 1) throw new Broken('I2', `${String(sum)} of 10000 basis points have a place to go`);
  }

  /** I1: whoever holds the route and runs is not pushed aside. */
  private rival(claim: RouteClaim): void {
    this.hasRival = true;
    const { simulation, rollout } = this.on;
    const isHeld = this.claim !== null && !this.claim.released && simulation.server.newest(rollout)?.closing === null;
    if (isHeld) throw new Broken('I1', `${claim.rollout} took the route while ${rollout} held it and ran`);
  }

  /** I5: traffic goes back to a stable that is there; what died while the write was under way could not be known. */
  private wayBack(attemptAt: number): void {
    const { world } = this.on;
    const isReady = (at: number) =>
      Object.values(world.truth(at).slots).some(
        ({ release, ready }) => release?.digest === world.stable.digest && ready,
      );
    if (!isReady(attemptAt) && !isReady(this.now)) {
      throw new Broken('I5', 'all traffic went back to a stable release that is not ready');
    }
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
    // Put back after somebody else had lowered it.
    if (claim.stage.kind === 'promoted' && before?.stage.kind === 'promoted' && to === whole) return;
    if (claim.stage.kind !== 'step') throw new Broken('I3', `${what} at stage ${claim.stage.kind}`);
    const index = Number(claim.stage['index']);
    const step = this.on.plan.steps[index];
    if (step?.weightBp !== to)
      throw new Broken('I3', `${what}, but step ${String(index)} is ${String(step?.weightBp)}`);
    const present = before?.stage.kind === 'step' ? Number(before.stage['index']) : -1;
    if (index === present) return; // put back after somebody else had lowered it
    // A step back that was under way when somebody set less by hand.
    if (index < present && attemptAt - this.handAt < noticedMs) return;
    if (index !== present + 1) throw new Broken('I3', `${what} from step ${String(present)} to ${String(index)}`);
    this.baked(present, what);
    if (present >= 0) this.judged(what);
    this.asksAt({ kind: 'step', index }, what, claim.stage);
    for (const { suite, aim } of this.on.plan.steps[present]?.smoke ?? []) {
      const smoked = this.smoked.get(`${suite} on ${aim}`);
      if (smoked?.passed !== true || smoked.at < this.stageSince) {
        throw new Broken('I3', `${what}, and smoke ${suite} on ${aim} has not passed at step ${String(present)}`);
      }
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

  /** I7: whoever was bad or unseen all through a bake does not rise. */
  private judged(what: string): void {
    const { mischief, world, plan } = this.on;
    const lagMs = 2 * (plan.metrics?.lagMs ?? 0);
    for (const { id } of plan.criteria.filter(({ do: then, when }) => then === 'rollback' && when === 'always')) {
      const [point, ...later] = mischief.world.criteria[id]?.['canary']?.points ?? [];
      const since = point === undefined || later.length > 0 ? null : world.timeOf(point.when);
      if (point === undefined || since === null || since > this.stageSince - lagMs || point.value === 'good') continue;
      throw new Broken('I7', `${what} after a bake in which ${id} said ${String(point.value)}`);
    }
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
      if (point.kind === 'promote' || (point.kind === 'step' && point.index > index)) this.said.forget(id);
    }
  }

  /** I17: while there is exposure, a watch is under way, or going back is. */
  private unwatched(): void {
    const { simulation, rollout } = this.on;
    const run = simulation.server.newest(rollout);
    const isExposed = this.claim?.stage.kind === 'step' && run?.closing === null && simulation.worker !== null;
    const isWatched = run !== undefined && run.waits.activities().some((name) => watching.includes(name));
    if (isWatched) this.watchedUntil = this.now;
    if (!isExposed || isWatched || !this.isAttended()) this.unwatchedSince = null;
    else this.unwatchedSince ??= this.now;
    if (this.unwatchedSince === null) return;
    // Nothing happens while the worker stands still, so nobody has looked then.
    const since = Math.max(this.unwatchedSince, simulation.worker?.thawsAt() ?? 0, simulation.awayUntil());
    if (this.now - since > handoverMs) {
      throw new Broken('I17', `nobody has watched for ${String(this.now - since)} ms`);
    }
  }

  private share({ traffic }: RouteTruth): number {
    return Math.round(shareIn(traffic, this.on.plan.release.digest));
  }
}

function stageName(claim: RouteClaim | null): string {
  return claim === null ? '' : JSON.stringify(claim.stage);
}
