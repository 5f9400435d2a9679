/** One running rollout: its plan, its state, and the few moves that every part of the story is made of. */

import { CancellationScope, condition, log, proxySinks, workflowInfo } from '@temporalio/workflow';
import { closeRequest } from '../approvals/request-life.ts';
import type { Plan } from '../plan/plan.ts';
import type { TurnBack } from '../plan/phases.ts';
import { reasonOf } from '../plan/phases.ts';
import type { SmokeSummary } from '../plan/status.ts';
import type { Order, Stage } from '../plan/target.ts';
import type { TimelineCode } from '../plan/timeline.ts';
import type { Effect } from '../activities/contract.ts';
import type { Hold, RunState } from './state.ts';
import { ignoredMessage } from './ignored.ts';
import { show } from './show.ts';
import { telling } from './proxies.ts';
import type { ObserverSinks } from './sinks.ts';

const { observer } = proxySinks<ObserverSinks>();

const keptEvents = 300;
const keptIgnored = 50;
/** An effect that takes longer is done again by the next run when history is full. */
const patienceMs = 30_000;

export class Run {
  /** Replaced when it is edited, together with its digest. */
  plan: Plan;
  planDigest: string;
  readonly requester: string;
  readonly state: RunState;
  readonly rollout: string;
  /** First run of the chain, so that a continued run owns the same claim. */
  readonly chain: string;
  /** True while an effect on the target is under way: only one at a time goes forward. */
  moving = false;
  private waits = 0;
  /** Since when the rollout does something instead of waiting, epoch ms. */
  private busySince = Date.now();
  /** The plan was edited: the story stands still until it is told anew by the plan of now. */
  isEdited = false;
  /** True while this run hands over to the next one: the watch must not start again here. */
  leaving = false;
  /** The watch in the background, once it has begun. */
  watch: Promise<void> | null = null;
  /** The planned weight on its way back after somebody else changed it; the watch goes on meanwhile. */
  puttingBack: Promise<void> | null = null;
  /** Replaced whenever the watch has to be started anew with other input. */
  watchScope: CancellationScope | null = null;
  /** What the search attributes say, so that only changes are written. */
  shown: { readonly state: string; readonly percent: number } = { state: '', percent: -1 };

  constructor(plan: Plan, planDigest: string, requester: string, state: RunState) {
    const info = workflowInfo();
    this.plan = plan;
    this.planDigest = planDigest;
    this.requester = requester;
    this.state = state;
    this.rollout = info.workflowId;
    this.chain = info.firstExecutionRunId;
  }

  // ── Telling ──────────────────────────────────────────────────────────────────────────────────────────────────────

  note(code: TimelineCode, text: string): void {
    const events = this.state.timeline;
    events.push({ at: Date.now(), code, text: text.slice(0, 1000) });
    if (events.length > keptEvents) {
      events.splice(1, 2, { at: Date.now(), code: 'dropped', text: 'older events were dropped here' });
    }
    log.info(text, { code });
    show(this);
  }

  /** A message that changes nothing, with the reason; kept short whatever was sent. */
  ignore(message: string, by: string, reason: string): void {
    const clipped = ignoredMessage({ at: Date.now(), message, by, reason });
    this.state.ignored.push(clipped);
    if (this.state.ignored.length > keptIgnored) this.state.ignored.shift();
    log.warn(`ignored ${clipped.message}: ${clipped.reason}`);
    show(this);
  }

  enter(phase: RunState['phase']): void {
    if (this.state.phase === phase) return;
    this.state.phase = phase;
    this.state.phaseSince = Date.now();
    show(this);
  }

  /** The newest result of each suite at each aim. */
  rememberSmoke(result: SmokeSummary): void {
    const isOther = ({ suite, aim }: SmokeSummary) => suite !== result.suite || aim !== result.aim;
    this.state.smoke = [...this.state.smoke.filter(isOther), result];
  }

  /** The target has been brought to a stage: its bake begins. */
  stand(stage: Stage): void {
    this.state.stage = stage;
    this.state.stageSince = Date.now();
    if (this.plan.capabilities.unclaimed === true) this.restartWatch(); // it cannot find that out at the target
  }

  /** Tells people without waiting for them; a channel that fails is in the worker's log and metrics. */
  announce(severity: 'P0' | 'P1' | 'P2', key: string, title: string, text: string): Promise<void> {
    if (!this.state.notifies) return Promise.resolve();
    return telling.announce
      .executeWithOptions({ summary: `tell people: ${title}`.slice(0, 180) }, [
        { rollout: this.rollout, severity, key: `${this.rollout}/${this.chain}/${key}`, title, text },
      ])
      .catch((error: unknown) => log.warn(`announcement "${title}" was not delivered`, { error: String(error) }));
  }

  // ── Moving ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Does a part of the story unless it is already behind us. */
  async once(key: string, part: () => Promise<void>): Promise<void> {
    if (this.state.done.includes(key)) return;
    await this.onward();
    await part();
    await this.onward();
    this.state.done.push(key);
  }

  /** Nothing begins and nothing counts as done once the rollout turns: the story stands here until it is cancelled. */
  private async onward(): Promise<void> {
    if (this.isTurning() || this.isEdited) await condition(() => false);
  }

  isTurning(): boolean {
    const { turn, detached, stepBackTo } = this.state;
    return turn !== null || detached !== null || stepBackTo !== null;
  }

  /** A wait of the story; while it lasts nothing is under way that a new run could lose. */
  async until(isTrue: () => boolean): Promise<void> {
    this.waits += 1;
    try {
      await condition(isTrue);
    } finally {
      this.waits -= 1;
      this.busySince = Date.now();
    }
  }

  /** The same with a deadline; false when the time was over first. */
  async untilOrLate(isTrue: () => boolean, at: number, summary: string): Promise<boolean> {
    this.waits += 1;
    try {
      return await condition(isTrue, Math.max(1, at - Date.now()), { summary });
    } finally {
      this.waits -= 1;
      this.busySince = Date.now();
    }
  }

  private isWaiting(): boolean {
    return this.waits > 0 && !this.moving;
  }

  /**
   * History has grown enough for a new run. While something is under way it is first given its time: whoever floods a
   * rollout with messages cannot keep an effect from being finished, nor the history from being ended.
   */
  isFull(): boolean {
    if (!workflowInfo().continueAsNewSuggested) return false;
    return this.isWaiting() || Date.now() - this.busySince > patienceMs;
  }

  /** Something begins that is given its time, whatever was under way before. */
  begins(): void {
    this.busySince = Date.now();
  }

  /** A new effect: absolute, and with a larger fence than every effect before. */
  effect(): Effect {
    const { stable } = this.state;
    if (stable === null) throw new Error('an effect before the stable release is known');
    this.state.fence += 1;
    const order: Order = {
      rollout: this.rollout,
      run: this.chain,
      fence: this.state.fence,
      stable,
      canary: this.plan.release,
    };
    return { target: this.plan.target, order };
  }

  /** For reads that belong to the last effect: the same fence, nothing is written. */
  sameEffect(): Effect {
    const effect = this.effect();
    this.state.fence -= 1;
    return { ...effect, order: { ...effect.order, fence: this.state.fence } };
  }

  /** Weight rises, or the story goes on, only when nobody and no rule has stopped it. */
  async free(): Promise<void> {
    await this.until(() => this.isFree());
  }

  isFree(): boolean {
    const { paused, held, frozen } = this.state;
    if (this.isEdited) return false;
    return paused === null && held === null && frozen === null && !this.moving && !this.isTurning();
  }

  // ── Turning ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Decides to go back; the first reason stays. */
  turnBack(turn: TurnBack): void {
    if (this.state.turn !== null || this.state.outcome !== null) return;
    this.state.turn = turn;
    this.state.paused = null;
    this.state.held = null;
    this.state.frozen = null;
    this.state.asked = null;
    this.state.requests = this.state.requests.map(closeRequest);
    observer.turnedBack({ reason: turn.kind, fromBp: this.state.acceptedBp ?? this.state.requestedBp });
    this.note('turned-back', `going back: ${reasonOf(turn)}`);
  }

  /** `null` when a pause changes something, else why it does not. */
  isPausable(): string | null {
    if (this.state.outcome !== null) return `already ended: ${this.state.outcome}`;
    return this.state.turn === null ? null : 'the rollout is going back';
  }

  hold(hold: Hold): void {
    // A foreign weight outranks another hold: only its resume applies the plan's weight again.
    if (this.isTurning() || (this.state.held !== null && hold.kind !== 'drift-below')) return;
    this.state.held = hold;
    this.note('held', `held: ${hold.reason}`);
    void this.announce('P1', `held-${String(hold.since)}`, `${this.plan.title} holds`, hold.reason);
    this.restartWatch();
    void this.endHold(hold);
  }

  /** Nobody answered a hold in time: its default happens. */
  async endHold(hold: Hold): Promise<void> {
    if (hold.until === null) return;
    const answered = () => this.state.held?.since !== hold.since;
    const summary = `hold: ${hold.then}`;
    const left = Math.max(1, hold.until - Date.now());
    // Temporal's Cancel means going back, and must not end in nobody's hands here.
    if (await CancellationScope.nonCancellable(() => condition(answered, left, { summary }))) return;
    this.turnBack({ kind: 'held-too-long', sentence: `nobody decided in time about: ${hold.reason}` });
  }

  /** Stays at the present weight, watched, with the bake clock stopped, until somebody resumes. */
  pause(by: string, reason: string): void {
    if (this.state.turn !== null) return;
    this.state.paused ??= { by, reason, since: Date.now(), until: null, then: 'keep holding at the present weight' };
    this.note('paused', `paused by ${by}: ${reason}`);
    this.restartWatch();
  }

  /** The watch goes on with other input: its clock or its goal has changed. */
  restartWatch(): void {
    this.watchScope?.cancel();
  }
}
