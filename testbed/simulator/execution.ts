/** One workflow run on the simulated server: its tasks, timers, activities, messages and the length of its history. */

import { cancelled } from './activity-task.ts';
import { closingOf } from './closing.ts';
import type { Closing } from './closing.ts';
import { isClosing, isRejection, lineOf, withoutVanished } from './commands.ts';
import { askEarly, sorted } from './early.ts';
import type { Early } from './early.ts';
import { awayFor, hop } from './floor.ts';
import type { Floor } from './floor.ts';
import { recordOf, replay, withoutRejected } from './history.ts';
import type { Recorded } from './history.ts';
import { fromPayload } from './payloads.ts';
import { beginning } from './sandbox.ts';
import type { Command, Identity, Job, Moment, Payload, SandboxRun } from './sandbox.ts';
import { Waits } from './waits.ts';
import type { SimulatedWorker } from './worker.ts';

export type UpdateAnswer =
  | { readonly kind: 'completed'; readonly value: unknown }
  | { readonly kind: 'rejected'; readonly why: string }
  /** The run ended before it was accepted. */
  | { readonly kind: 'lost' };

/** What a task has taken and produced before it is committed. */
interface Done {
  readonly jobs: readonly Job[];
  readonly commands: readonly Command[];
  readonly records: readonly Recorded[];
  readonly startedAt: number;
  readonly life: unknown;
}

/** An activity that was asked for. */
interface Asked {
  readonly seq: number;
  readonly type: string;
  readonly args: readonly Payload[];
  answer: Payload | null;
}

const taskTimeoutMs = 10_000;

export type StartChild = NonNullable<Command['startChildWorkflowExecution']>;

/** Who hears what a run does beyond itself. */
interface Neighbours {
  closed(closing: Closing, left: readonly Job[]): void;
  /** Nobody here waits for the end of a child. */
  child(command: StartChild): void;
}

export class Execution {
  readonly identity: Identity;
  closing: Closing | null = null;
  historyEvents = 1;
  /** Workflow tasks that were committed. */
  tasks = 0;
  /** Search attributes as last upserted. */
  attributes: Readonly<Record<string, unknown>> = {};
  readonly args: readonly Payload[];
  /** Activities that it asked for, and what they answered: for whoever reads its history. */
  readonly asked: Asked[] = [];
  private readonly floor: Floor;
  private readonly neighbours: Neighbours;
  private sandbox: SandboxRun | null = null;
  private early: Early | null = null;
  private pending: Job[] = [];
  private isBusy = false;
  private readonly recorded: Recorded[] = [];
  readonly waits: Waits;
  private readonly accepted = new Set<string>();
  private readonly answers = new Map<string, (answer: UpdateAnswer) => void>();

  constructor(floor: Floor, identity: Identity, args: readonly Payload[], neighbours: Neighbours) {
    this.floor = floor;
    this.identity = identity;
    this.args = args;
    this.neighbours = neighbours;
    this.waits = new Waits(floor, identity, {
      arrive: (job, events) => this.arrive(job, events),
      count: (events) => {
        this.historyEvents += events;
      },
      withdraw: (isMeant) => {
        this.pending = this.pending.filter((job) => !isMeant(job));
      },
    });
    this.arrive(beginning(identity, args, taskTimeoutMs), 0);
  }

  // ── Messages ───────────────────────────────────────────────────────────────────────────────────────────────────────

  signal(name: string, input: readonly Payload[]): void {
    this.arrive({ signalWorkflow: { signalName: name, input: [...input], identity: 'simulated', headers: {} } }, 1);
  }

  cancel(): void {
    this.arrive({ cancelWorkflow: { reason: 'asked for' } }, 1);
  }

  update(id: string, name: string, input: readonly Payload[], answer: (answer: UpdateAnswer) => void): void {
    this.answers.set(id, answer);
    const doUpdate = { id, protocolInstanceId: id, name, input: [...input], headers: {}, meta: { updateId: id } };
    this.arrive({ doUpdate: { ...doUpdate, runValidator: true } }, 0);
  }

  /** `null` while no worker can answer. */
  async query(name: string, args: readonly Payload[]): Promise<unknown> {
    const run = await this.open();
    return fromPayload(await run.query(name, args, this.moment(true)));
  }

  /** News of a child. */
  tell(job: Job): void {
    this.arrive(job, 1);
  }

  isIdle(): boolean {
    return !this.isBusy && this.floor.worker !== null && this.recorded.length > 0;
  }

  terminate(why: string): void {
    this.close({ kind: 'terminated', why });
  }

  // ── The worker behind it ───────────────────────────────────────────────────────────────────────────────────────────

  async workerGone(): Promise<void> {
    const run = this.sandbox;
    this.sandbox = null;
    this.early = null;
    await run?.dispose();
  }

  workerBack(): void {
    this.waits.dispatch();
    this.wake();
  }

  // ── Tasks ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  private arrive(job: Job, events: number): void {
    if (this.closing !== null) return;
    this.remember(job);
    this.pending.push(job);
    this.historyEvents += events;
    this.wake();
  }

  private remember({ resolveActivity }: Job): void {
    const asked = this.asked.find(({ seq }) => seq === resolveActivity?.seq);
    if (asked !== undefined) asked.answer = resolveActivity?.result?.completed?.result ?? null;
  }

  private wake(): void {
    if (this.isBusy || this.closing !== null || this.pending.length === 0 || this.floor.worker === null) return;
    this.isBusy = true;
    this.floor.schedule.in(hop(this.floor) + this.heldUpFor(this.floor.worker), () => this.perform());
  }

  /** A worker that stands still keeps a task for as long as the server lets it; then it is anybody's again. */
  private heldUpFor(worker: SimulatedWorker): number {
    return Math.min(worker.frozenFor(), this.identity.taskTimeoutMs);
  }

  /** Takes what has arrived and lets the workflow react; the server hears of it a moment later. */
  private async perform(): Promise<void> {
    const { worker, schedule } = this.floor;
    if (this.closing !== null || worker === null) {
      this.idle();
      return;
    }
    if (worker.frozenFor() > 0) {
      schedule.in(this.heldUpFor(worker), () => this.perform());
      return;
    }
    const away = awayFor(this.floor);
    if (away > 0) {
      schedule.in(away, () => this.perform());
      return;
    }
    if (await this.isAskedFirst()) {
      // The task waits for the worker that died; the question does not.
      schedule.in(this.floor.random('asked').between(1, 3_000), () => this.perform());
      return;
    }
    const jobs = this.pending.splice(0);
    const { records, commands } = await this.react(jobs);
    const took = this.floor.random('task').between(...this.floor.manners.task);
    const done: Done = { jobs, commands, records, startedAt: schedule.now, life: worker };
    schedule.in(Math.max(took, worker.frozenFor()), () => this.commit(done));
  }

  /** Now and then another of the operator's workers takes the run over, and somebody's question comes before the task. */
  private async isAskedFirst(): Promise<boolean> {
    const last = this.recorded.at(-1);
    const told = this.pending.filter(({ doUpdate }) => doUpdate == null);
    if (this.early !== null || last === undefined || told.length === 0) return false;
    if (!this.floor.random('asked').chance(this.floor.manners.askedFirst)) return false;
    await this.workerGone();
    this.early = await askEarly(await this.open(), sorted(told), this.moment(false), last.moment);
    if (this.early === null) await this.workerGone();
    return true;
  }

  /** What was taken in early counts as part of this task, as a replay will see it. */
  private async react(jobs: readonly Job[]): Promise<Pick<Done, 'records' | 'commands'>> {
    const run = await this.open();
    const { early } = this;
    this.early = null;
    const records: Recorded[] = [];
    const commands: Command[] = [...(early?.commands ?? [])];
    const fresh = jobs.filter((job) => early?.jobs.includes(job) !== true);
    for (let next = sorted(fresh); next.length > 0; next = this.immediate(commands, records)) {
      const moment = this.moment(false);
      const activated = await run.activate(next, moment);
      if (activated.kind === 'failed') throw new Error(`workflow task failed: ${activated.why}`);
      commands.push(...activated.commands);
      const isFirst = records.length === 0;
      records.push(
        isFirst ? recordOf(sorted(jobs), moment, [...commands]) : recordOf(next, moment, activated.commands),
      );
    }
    if (records.length === 0) records.push(recordOf(sorted(jobs), this.moment(false), commands));
    return { records, commands };
  }

  /** TRY_CANCEL and ABANDON are settled by Core inside the same task; so is an activity that was never sent. */
  private immediate(commands: readonly Command[], records: readonly Recorded[]): Job[] {
    const settled = new Set(
      records.flatMap(({ jobs }) => jobs.flatMap(({ resolveActivity }) => resolveActivity?.seq ?? [])),
    );
    const scheduled = new Set(commands.flatMap(({ scheduleActivity }) => scheduleActivity?.seq ?? []));
    return commands.flatMap(({ requestCancelActivity }) => {
      const seq = requestCancelActivity?.seq;
      if (typeof seq !== 'number' || settled.has(seq)) return [];
      if (!scheduled.has(seq) && this.waits.isAwaited(seq)) return [];
      return [{ resolveActivity: { seq, result: { cancelled: { failure: { ...cancelled } } } } }];
    });
  }

  private commit(done: Done): void | Promise<void> {
    const { jobs, commands, records, startedAt, life } = done;
    const { schedule, worker, trace } = this.floor;
    if (this.closing !== null) {
      this.idle();
      return;
    }
    const away = awayFor(this.floor);
    if (away > 0) {
      schedule.in(away, () => this.commit(done));
      return;
    }
    const isLost = worker !== life || schedule.now - startedAt > taskTimeoutMs;
    if (isLost) {
      trace.add('a workflow task was lost with its worker');
      this.pending.unshift(...jobs);
      const wait = Math.max(0, startedAt + taskTimeoutMs - schedule.now);
      schedule.in(wait, () => this.idle());
      return this.workerGone();
    }
    const sent = withoutVanished(commands);
    if (sent.some(isClosing) && this.pending.length > 0) {
      trace.add('unhandled command: the task is done again');
      this.pending.unshift(...jobs);
      return this.workerGone().then(() => this.idle());
    }
    const kept = withoutRejected(records, commands);
    this.recorded.push(...kept);
    const isRefused = kept.length === 0;
    const isSilent = isRefused && commands.every(isRejection);
    // The server drops a task only when there is nothing but refusals in it.
    if (isRefused && !isSilent)
      throw new Error(`replay fails: a task of refused updates asked for ${sent.map(lineOf).join(' ')}`);
    if (!isSilent) this.historyEvents += 3;
    trace.add(`task ${String(jobs.length)} jobs → ${sent.map(lineOf).join(' ') || 'nothing'}`);
    this.tasks += 1;
    this.floor.onTask(
      jobs,
      records.flatMap(({ commands: bytes }) => bytes),
    );
    for (const command of sent) this.apply(command);
    this.idle();
  }

  private idle(): void {
    this.isBusy = false;
    this.wake();
  }

  // ── Commands ───────────────────────────────────────────────────────────────────────────────────────────────────────

  private apply(command: Command): void {
    if (command.startTimer) return this.waits.startTimer(command.startTimer);
    if (command.cancelTimer) return this.waits.cancelTimer(command.cancelTimer);
    if (command.scheduleActivity) {
      const { seq, activityType, arguments: args } = command.scheduleActivity;
      this.asked.push({ seq: seq ?? 0, type: activityType ?? '', args: args ?? [], answer: null });
      return this.waits.schedule(command.scheduleActivity);
    }
    if (command.requestCancelActivity) return this.waits.requestCancel(command.requestCancelActivity);
    if (command.startChildWorkflowExecution) {
      this.historyEvents += 1;
      return this.neighbours.child(command.startChildWorkflowExecution);
    }
    if (command.updateResponse) return this.respond(command.updateResponse);
    if (command.upsertWorkflowSearchAttributes) {
      this.historyEvents += 1;
      const fields = command.upsertWorkflowSearchAttributes.searchAttributes?.indexedFields ?? {};
      const changed = Object.entries(fields).map(([name, value]) => [name, fromPayload(value)] as const);
      this.attributes = { ...this.attributes, ...Object.fromEntries(changed) };
      return;
    }
    if (command.modifyWorkflowProperties) {
      this.historyEvents += 1;
      return;
    }
    if (command.setPatchMarker) {
      this.historyEvents += 2;
      return;
    }
    if (isClosing(command)) return this.close(closingOf(command));
    throw new Error(`the simulator does not emulate ${lineOf(command)}`);
  }

  private respond({ protocolInstanceId, accepted, rejected, completed }: NonNullable<Command['updateResponse']>): void {
    const id = protocolInstanceId ?? '';
    const answer = (given: UpdateAnswer): void => {
      const tell = this.answers.get(id);
      this.answers.delete(id);
      if (tell !== undefined) this.floor.schedule.in(hop(this.floor), () => tell(given));
    };
    if (accepted) {
      this.accepted.add(id);
      this.historyEvents += 1;
    }
    if (completed) {
      this.historyEvents += 1;
      answer({ kind: 'completed', value: fromPayload(completed) });
    }
    if (rejected) {
      if (this.accepted.has(id)) this.historyEvents += 1;
      answer({ kind: 'rejected', why: rejected.message ?? '' });
    }
  }

  private close(closing: Closing): void {
    if (this.closing !== null) return;
    this.closing = closing;
    this.historyEvents += 1;
    this.waits.drop();
    const left = this.pending.splice(0);
    for (const tell of this.answers.values()) tell({ kind: 'lost' });
    this.floor.trace.add(`run ${this.identity.runId} ${closing.kind}`);
    this.neighbours.closed(closing, left);
  }

  // ── The sandbox ────────────────────────────────────────────────────────────────────────────────────────────────────

  private moment(isReplaying: boolean): Moment {
    const isFull = this.historyEvents >= this.floor.manners.fullAt;
    const historyLength = this.historyEvents + 2;
    return { at: this.floor.schedule.now, historyLength, toldLength: historyLength, isFull, isReplaying };
  }

  /** The cached run, or a new one that has lived through everything recorded and did the same. */
  private async open(): Promise<SandboxRun> {
    if (this.sandbox !== null) return this.sandbox;
    const first = this.recorded[0]?.moment ?? this.moment(false);
    const run = await this.floor.sandbox.create(this.identity, first);
    await replay(run, this.recorded);
    this.sandbox = run;
    return run;
  }
}
