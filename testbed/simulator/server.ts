/** The simulated Temporal server: runs by workflow id, messages to the newest of them, and what continues as new. */

import { Execution } from './execution.ts';
import type { Closing } from './closing.ts';
import type { StartChild, UpdateAnswer } from './execution.ts';
import type { Floor } from './floor.ts';
import { hop } from './floor.ts';
import { toPayload } from './payloads.ts';
import type { Job, Payload } from './sandbox.ts';

export class SimulatedServer {
  private readonly floor: Floor;
  private readonly runs = new Map<string, Execution[]>();
  private readonly taskQueue: string;
  private ids = 0;
  private readonly heard = new WeakMap<Execution, number>();

  constructor(floor: Floor, taskQueue: string) {
    this.floor = floor;
    this.taskQueue = taskQueue;
  }

  /** Nobody meets it now. */
  isAway(): boolean {
    return this.floor.awayUntil > this.floor.schedule.now;
  }

  /** False when a run of this id is open: the id is the lock. */
  start(workflowId: string, workflowType: string, args: readonly unknown[]): boolean {
    const open = this.newest(workflowId);
    if (open !== undefined && open.closing === null) return false;
    this.begin(workflowId, workflowType, args.map(toPayload), null);
    return true;
  }

  signal(workflowId: string, name: string, input: unknown): void {
    this.floor.schedule.in(hop(this.floor), () => this.newest(workflowId)?.signal(name, [toPayload(input)]));
  }

  /** A signal whose payload is anything at all. */
  signalRaw(workflowId: string, name: string, input: readonly Payload[]): void {
    this.floor.schedule.in(hop(this.floor), () => this.newest(workflowId)?.signal(name, input));
  }

  cancel(workflowId: string): void {
    this.floor.schedule.in(hop(this.floor), () => this.newest(workflowId)?.cancel());
  }

  terminate(workflowId: string, why: string): void {
    this.newest(workflowId)?.terminate(why);
  }

  update(workflowId: string, name: string, input: unknown, answer: (answer: UpdateAnswer) => void): void {
    this.ids += 1;
    const id = `update-${String(this.ids)}`;
    this.floor.schedule.in(hop(this.floor), () => {
      const run = this.newest(workflowId);
      if (run === undefined || run.closing !== null) answer({ kind: 'lost' });
      else run.update(id, name, [toPayload(input)], answer);
    });
  }

  /** `null` while nobody can answer. */
  async query(workflowId: string, name: string): Promise<unknown> {
    const run = this.newest(workflowId);
    const isDeaf = run === undefined || !run.isIdle() || run.closing !== null || this.isAway();
    return isDeaf ? null : run.query(name, []);
  }

  /** The same, but `null` also while nothing has happened in the run since it was last asked. */
  async news(workflowId: string, name: string): Promise<unknown> {
    const run = this.newest(workflowId);
    if (run === undefined || this.heard.get(run) === run.tasks) return null;
    const answer = await this.query(workflowId, name);
    if (answer !== null) this.heard.set(run, run.tasks);
    return answer;
  }

  /** Asks a run that has ended, replayed if need be. */
  async finalQuery(workflowId: string, name: string): Promise<unknown> {
    const run = this.newest(workflowId);
    const answer = run === undefined ? null : await run.query(name, []);
    for (const old of this.chain(workflowId)) await old.workerGone();
    return answer;
  }

  newest(workflowId: string): Execution | undefined {
    return this.runs.get(workflowId)?.at(-1);
  }

  /** The newest run of every id, in the order of their first ones. */
  all(): readonly Execution[] {
    return [...this.runs.values()].flatMap((runs) => runs.at(-1) ?? []);
  }

  /** All runs of an id, oldest first. */
  chain(workflowId: string): readonly Execution[] {
    return this.runs.get(workflowId) ?? [];
  }

  async workerGone(): Promise<void> {
    for (const runs of this.runs.values()) for (const run of runs) await run.workerGone();
  }

  workerBack(): void {
    for (const runs of this.runs.values()) for (const run of runs) if (run.closing === null) run.workerBack();
  }

  private begin(
    workflowId: string,
    workflowType: string,
    args: readonly Payload[],
    before: Execution | null,
  ): Execution {
    this.ids += 1;
    const runId = `run-${String(this.ids)}`;
    const run: Execution = new Execution(
      this.floor,
      {
        workflowId,
        runId,
        firstRunId: before?.identity.firstRunId ?? runId,
        workflowType,
        taskQueue: this.taskQueue,
        namespace: 'simulated',
        taskTimeoutMs: 10_000,
        seed: this.floor.random('workflow').between(1, 0x7fffffff),
        startedAt: this.floor.schedule.now,
      },
      args,
      {
        closed: (closing, left) => this.onClosed(run, closing, left),
        child: (command) => this.startChild(run, command),
      },
    );
    this.runs.set(workflowId, [...(this.runs.get(workflowId) ?? []), run]);
    return run;
  }

  /** What came too late for the old run goes to the new one. */
  private onClosed(run: Execution, closing: Closing, left: readonly Job[]): void {
    if (closing.kind !== 'continued') return;
    const { workflowId, workflowType } = run.identity;
    const next = this.begin(workflowId, workflowType, closing.args, run);
    for (const { signalWorkflow } of left) {
      if (signalWorkflow) next.signal(signalWorkflow.signalName ?? '', signalWorkflow.input ?? []);
    }
  }

  /** The parent hears that it has begun, and, if it still runs then, how it ended. */
  private startChild(parent: Execution, { seq, workflowId, workflowType, input }: StartChild): void {
    const { schedule } = this.floor;
    schedule.in(hop(this.floor), () => {
      const id = workflowId ?? '';
      const open = this.newest(id);
      if (open?.closing === null) throw new Error(`the simulator does not emulate two children called ${id}`);
      const child = this.begin(id, workflowType ?? '', input ?? [], null);
      const { runId } = child.identity;
      parent.tell({ resolveChildWorkflowExecutionStart: { seq: seq ?? 0, succeeded: { runId } } });
    });
  }
}
