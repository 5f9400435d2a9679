/** A whole deployment under one virtual clock: server, worker, world and people, repeatable from a seed. */

import type { Doors, Equip } from './deployment.ts';
import { calmServer } from './floor.ts';
import type { Floor, ServerManners } from './floor.ts';
import { createSimulatedClock, createSimulatedHttp, createSimulatedSockets } from './network.ts';
import type { Surroundings } from './network.ts';
import { createRandom } from './random.ts';
import type { Random } from './random.ts';
import type { Sandbox } from './sandbox.ts';
import { quiet, Schedule } from './schedule.ts';
import { SimulatedServer } from './server.ts';
import { ForeignWait } from './still.ts';
import type { Stillness } from './still.ts';
import { Trace } from './trace.ts';
import { SimulatedWorker } from './worker.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** Epoch ms. */
  readonly startsAt: number;
  readonly sandbox: Sandbox;
  readonly stillness: Stillness;
  readonly around: Surroundings;
  /** Providers and activities of one worker's life, made from its doors. */
  readonly equip: Equip;
  readonly manners?: ServerManners;
  readonly heartbeatMs?: number;
  /** Looks at the world after every event; throws when something is not as promised. */
  readonly onEvent?: () => void | Promise<void>;
  /** A workflow task with these jobs was committed; its commands in bytes, as they would stand in the history. */
  readonly onTask?: Floor['onTask'];
}

const defaultHeartbeatMs = 5_000;

export class Simulation {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly trace: Trace;
  readonly server: SimulatedServer;
  private readonly floor: Floor;
  private readonly options: SimulationOptions;

  constructor(options: SimulationOptions) {
    this.options = options;
    this.random = createRandom(options.seed);
    this.schedule = new Schedule(options.startsAt, this.random('order'));
    this.trace = new Trace(() => this.schedule.now);
    const { schedule, random, trace } = this;
    const { sandbox, manners = calmServer, onTask = () => undefined } = options;
    this.floor = { schedule, random, trace, sandbox, manners, onTask, worker: null, awayUntil: 0 };
    this.server = new SimulatedServer(this.floor, 'sluice');
  }

  get worker(): SimulatedWorker | null {
    return this.floor.worker;
  }

  /** A worker comes up, with providers of its own. `skewMs`: what its clock is wrong by. */
  startWorker(skewMs = 0): void {
    const worker = this.process(skewMs);
    worker.equip(this.options.equip(this.doorsOf(worker)));
    this.floor.worker = worker;
    this.trace.add('a worker starts');
    this.server.workerBack();
  }

  /** Doors of a process beside the worker, as somebody's terminal has them. */
  doors(): Doors {
    return this.doorsOf(this.process(0));
  }

  /** Kill -9: what it has sent is on its way, everything else is gone. */
  async killWorker(): Promise<void> {
    this.floor.worker?.kill();
    this.floor.worker = null;
    this.trace.add('the worker is killed');
    await this.server.workerGone();
  }

  /** SIGSTOP, and SIGCONT after `ms`. */
  freezeWorker(ms: number): void {
    this.trace.add(`the worker is frozen for ${String(ms)} ms`);
    this.floor.worker?.freeze(ms);
  }

  /** Temporal's server answers nobody for so long, neither workers nor people. */
  outage(ms: number): void {
    this.trace.add(`Temporal is away for ${String(ms)} ms`);
    this.floor.awayUntil = Math.max(this.floor.awayUntil, this.schedule.now + ms);
  }

  /** When the last of the outages is over, epoch ms; 0 when there was none. */
  awayUntil(): number {
    return this.floor.awayUntil;
  }

  /** From now on the server behaves like this. */
  manners(manners: ServerManners): void {
    this.floor.manners = manners;
  }

  /** Does something `ms` from now. */
  in(ms: number, what: () => void | Promise<void>): void {
    this.schedule.in(ms, what);
  }

  /** Runs until `isOver`, or until no event is left before `until`; true when it was over. */
  async run(isOver: () => boolean, until: number): Promise<boolean> {
    const { stillness, onEvent } = this.options;
    while (!isOver()) {
      const event = this.schedule.take(until);
      if (event === null) return false;
      const happened = event();
      if (happened === quiet) {
        if (stillness.isThorough) await stillness.settle();
      } else {
        if (happened instanceof Promise) await happened;
        await stillness.settle();
      }
      const stuck = this.floor.worker?.stuck();
      if (stuck) throw new ForeignWait(`activity ${stuck.info.activityType} waits for nothing that will ever come`);
      const looking = onEvent?.();
      if (looking !== undefined) await looking;
    }
    return true;
  }

  private process(skewMs: number): SimulatedWorker {
    return new SimulatedWorker(this.schedule, skewMs, this.options.heartbeatMs ?? defaultHeartbeatMs);
  }

  private doorsOf(process: SimulatedWorker): Doors {
    const { floor, options } = this;
    return {
      clock: createSimulatedClock(floor, process),
      http: createSimulatedHttp(floor, process, options.around),
      sockets: createSimulatedSockets(floor, process, options.around),
      random: () => this.random('unique').between(0, 0x7fffffff).toString(36),
    };
  }
}
