/** The archive of an explored life: it takes records, or is full or away for a time; and what must be in it in the end. */

import { faultsOf, type RolloutRecord } from '../../../plan/record.ts';
import type { WorkerConfig } from '../../../spec/worker-config.ts';
import { archiveWorkflow } from '../../../workflows/messages.ts';
import type { Execution } from '../execution.ts';
import type { Simulation } from '../simulation.ts';
import { headerOf, refused, textOf, type Host } from '../worlds/host.ts';
import { Broken } from './broken.ts';
import type { Refusal } from './mischief.ts';

const url = 'http://127.0.0.1:9700/records';

/** For a worker whose operator has declared it. */
export const archiveConfig: NonNullable<WorkerConfig['archive']> = { kind: 'webhook', url, auth: null };
export const archiveOrigin = new URL(url).origin;

/** From the hand-over of its record to the end of a rollout, while everybody is there, ms. */
const slowestEndMs = 30_000;

export class Keeping {
  private readonly refusal: Refusal;
  private readonly rollout: string;
  private readonly simulation: Simulation;
  private readonly began: number;
  private readonly records = new Map<string, string>();
  private endMs = 0;
  private lookedAt = 0;

  constructor(refusal: Refusal, rollout: string, simulation: Simulation) {
    this.refusal = refusal;
    this.rollout = rollout;
    this.simulation = simulation;
    this.began = simulation.schedule.now;
  }

  /** A record may come twice. */
  readonly host: Host = {
    answer: (request, now) => {
      const { how, fromMs, untilMs } = this.refusal;
      const isRefused = now - this.began >= fromMs && now - this.began < untilMs;
      if (isRefused && how === 'away') throw refused(request);
      if (isRefused) return { status: 507, headers: {}, body: '' };
      const key = headerOf(request, 'idempotency-key');
      const body = textOf(request);
      const before = this.records.get(key);
      if (before !== undefined && before !== body) throw new Broken('archive', `${key} came with two contents`);
      this.records.set(key, body);
      return { status: 204, headers: {}, body: '' };
    },
  };

  /** Whatever becomes of its record, a rollout ends. */
  look(): void {
    const { schedule, server, worker } = this.simulation;
    const isThere = worker !== null && worker.frozenFor() === 0 && !server.isAway();
    const isEnding = server.newest(this.rollout)?.closing === null && this.runs().length > 0;
    if (isEnding && isThere) this.endMs += schedule.now - this.lookedAt;
    this.lookedAt = schedule.now;
    if (this.endMs > slowestEndMs)
      throw new Broken('archive', `the outcome waits for its record: ${String(this.endMs)} ms`);
  }

  isOver(): boolean {
    return this.runs().every(({ closing }) => closing !== null);
  }

  /** `isExpected`: the rollout knew of the archive. Throws `Broken`. */
  atTheEnd(outcome: string, isExpected: boolean): void {
    const runs = this.runs();
    if (runs.some(({ closing }) => closing?.kind !== 'completed'))
      throw new Broken('archive', 'no record was ever kept');
    for (const { asked } of runs) told(asked.map(({ type }) => type));
    const all = [...this.records.values()].map((text) => JSON.parse(text) as RolloutRecord);
    const [record, ...more] = all.filter(({ status }) => status.rollout === this.rollout);
    if (record === undefined && isExpected) throw new Broken('archive', `${outcome}, and its record is not there`);
    if (record === undefined) return;
    if (more.length > 0) throw new Broken('archive', `${String(more.length + 1)} records of one rollout`);
    const faults = faultsOf(record);
    if (faults.length > 0) throw new Broken('archive', `the record is unsound: ${faults.join(', ')}`);
    if (record.status.outcome !== outcome) {
      throw new Broken('archive', `the record says ${String(record.status.outcome)}, and it was ${outcome}`);
    }
  }

  private runs(): readonly Execution[] {
    const [, ...names] = this.rollout.split('/');
    const beginning = `${archiveWorkflow}/${names.join('/')}/`;
    return this.simulation.server.all().filter(({ identity }) => identity.workflowId.startsWith(beginning));
  }
}

/** People hear that it is late, once, and once that it is there at last. */
function told(asked: readonly string[]): void {
  const [tries, notices] = ['archive', 'announce'].map((name) => asked.filter((type) => type === name).length);
  const expected = 2 * ((tries ?? 0) - 1);
  if (notices === expected) return;
  throw new Broken(
    'archive',
    `people were told ${String(notices)} times of a record that was tried ${String(tries)} times`,
  );
}
