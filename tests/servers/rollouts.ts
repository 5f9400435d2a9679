/** Rollouts in a world, for tests: short files, started by the real command line, seen and answered through the client. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodes } from '../../cli/exit-codes.ts';
import {
  ClientError,
  type ControlMessage,
  type RaiseMessage,
  type Session,
  connect,
  control,
  decide,
  describe as describeRollout,
  readStatus,
  raise,
  timeline,
} from '../../client/index.ts';
import type { DecisionInput, DecisionReceipt } from '../../approvals/request.ts';
import type { ControlReceipt, RequestStatus, Status } from '../../plan/status.ts';
import type { TimelineEvent } from '../../plan/timeline.ts';
import { awaitSamples } from '../../testbed/servers/prometheus.ts';
import { waitFor } from '../../testbed/wait.ts';
import type { CommandOptions, CommandResult } from '../../testbed/world/commands.ts';
import type { Home } from '../../testbed/world/operator-files.ts';
import { sluice } from '../cli/terminal.ts';
import { environment, isJudged, selectorOf, type Shape, specText } from './short-spec.ts';

/** What it takes of a world, whatever its releases run on. */
export interface RolloutWorld extends Home {
  sluice(args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  digest(service: string, label: string): string;
}

type Complete = (shape: Shape) => Shape;

export interface Release {
  /** @default 'v2' */
  readonly label?: string;
  /** @default 'rita' */
  readonly requester?: string;
}

/** How long one wait of a test may take: the machine may be small and busy. */
export const patienceMs = 120_000;

/** `ENVIRONMENT/SERVICE`, as the command line takes it. */
export const nameOf = (service: string): string => `${environment}/${service}`;

export const idOf = (service: string): string => `rollout/${environment}/${service}`;

/** Commands and looks at the rollouts of one world. */
export class Rollouts {
  readonly world: RolloutWorld;
  readonly session: Session;
  readonly #complete: Complete;

  private constructor(world: RolloutWorld, session: Session, complete: Complete) {
    this.world = world;
    this.session = session;
    this.#complete = complete;
  }

  /** `complete`: what every shape gets in this world. */
  static async of(world: RolloutWorld, complete: Complete = (shape) => shape): Promise<Rollouts> {
    const { address, namespace } = world.temporal;
    const where = { address, namespace, taskQueue: world.taskQueue, connectTimeoutMs: 10_000 };
    return new Rollouts(world, await connect(where), complete);
  }

  // ── The command line ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Writes the file into the world's folder; the arguments of `sluice start` for it. */
  startLine(shape: Shape, { label = 'v2', requester = 'rita' }: Release = {}): readonly string[] {
    const { service } = shape;
    const file = join(this.world.folder, `${service}.rollout.yaml`);
    writeFileSync(file, specText(this.#complete(shape)));
    const image = `registry.example/${service}@${this.world.digest(service, label)}`;
    return ['start', file, '--image', image, '--label', label, '--requester', requester];
  }

  /**
   * Starts it, when its criteria have numbers to look at; throws with the command's own words when it is refused.
   * The load of a judged service runs before.
   */
  async start(shape: Shape, release: Release = {}): Promise<void> {
    if (isJudged(shape)) await this.#measured(this.#complete(shape));
    const { code, stdout, stderr } = await this.sluice(this.startLine(shape, release));
    if (code !== 0) throw new Error(`start of ${shape.service} ended with ${String(code)}: ${stderr}${stdout}`);
  }

  /** A rate needs two scrapes after the first request: preflight refuses whoever starts before them. */
  #measured(shape: Shape): Promise<void> {
    const rate = `rate(http_request_duration_seconds_count{${selectorOf(shape)}}[5s]) > 0`;
    return awaitSamples(this.world.prometheus.url, rate, patienceMs);
  }

  /** One command about a service's rollout: `run('pause', 'web', '--by', 'olga')`. */
  run(command: string, service: string, ...more: readonly string[]): Promise<CommandResult> {
    return this.sluice([command, nameOf(service), ...more]);
  }

  /** The command line in this process, which spares the start of another one. */
  async sluice(args: readonly string[]): Promise<CommandResult> {
    const { address, namespace } = this.world.temporal;
    const where = ['--address', address, '--namespace', namespace, '--task-queue', this.world.taskQueue];
    return patiently(async () => {
      const { exit, out, err } = await sluice([...where, ...args]);
      const text = (lines: string) => (lines === '' ? '' : `${lines}\n`);
      return { code: exit, stdout: text(out), stderr: text(err) };
    });
  }

  /** The same as a process of its own, as a user runs it. */
  sluiceProcess(args: readonly string[]): Promise<CommandResult> {
    return patiently(() => this.world.sluice(args, { timeoutMs: patienceMs }));
  }

  // ── Looks ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Throws while there is no such rollout or no worker answers for it. */
  async status(service: string): Promise<Status> {
    const answer = await readStatus(this.session, idOf(service));
    if (answer.kind === 'live') return answer.status;
    throw answer.why;
  }

  timeline(service: string): Promise<readonly TimelineEvent[]> {
    return timeline(this.session, idOf(service));
  }

  /** The first status that is as wished, of a rollout that may have to start or get a worker yet. Throws when it ends without it. */
  async until(service: string, wish: string, isSo: (status: Status) => boolean): Promise<Status> {
    let last: Status | null = null;
    const look = async () => {
      last = await this.status(service).catch(nullIfAway);
      if (last === null) return null;
      if (isSo(last)) return last;
      if (last.outcome === null) return null;
      throw new Error(`${service} ended before ${wish}: ${last.outcome}, ${last.reason ?? 'no reason'}`);
    };
    const waiting = waitFor(look, { for: `${service}: ${wish}`, withinMs: patienceMs, everyMs: 200 });
    return waiting.catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      throw new Error(`${message}; it says ${inShort(last)}`, { cause: error });
    });
  }

  baking(service: string, bp: number): Promise<Status> {
    const isBaking = ({ phase, weights }: Status) => phase === 'baking' && weights.acceptedBp === bp;
    return this.until(service, `bake at ${String(bp)} bp`, isBaking);
  }

  held(service: string, reason: RegExp): Promise<Status> {
    const isHeld = ({ phase, held }: Status) => phase === 'held' && reason.test(held?.reason ?? '');
    return this.until(service, `hold because ${String(reason)}`, isHeld);
  }

  /** The open request of a gate, once there is one. */
  async gate(service: string, gate: string): Promise<RequestStatus> {
    const find = ({ requests }: Status) =>
      requests.find((request) => request.gate === gate && request.state === 'open');
    const found = find(await this.until(service, `open gate ${gate}`, (status) => find(status) !== undefined));
    if (found === undefined) throw new Error(`gate ${gate} of ${service} vanished`);
    return found;
  }

  /** The status after the end, whatever the outcome is, once the workflow is closed. */
  ended(service: string): Promise<Status> {
    const look = async () => {
      const found = await describeRollout(this.session, idOf(service)).catch(nullIfAway);
      return found?.open === false ? this.status(service).catch(nullIfAway) : null;
    };
    return waitFor(look, { for: `${service} to end`, withinMs: patienceMs, everyMs: 200 });
  }

  // ── Messages ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** By Olga, who is on call: what lowers or stops. Waits until it is in effect. */
  async order(
    service: string,
    kind: Exclude<ControlMessage['kind'], 'flip'>,
    toBp: number | null = null,
  ): Promise<ControlReceipt> {
    const input = { by: 'olga', reason: 'the test says so', toBp };
    const answer = await control(this.session, idOf(service), { kind, input }, { waitMs: patienceMs });
    if (answer.kind === 'stored') throw new Error(answer.why);
    return answer.receipt;
  }

  /** Returns when the message is stored; what comes of it is for the caller to see. */
  async abort(service: string, reason: string): Promise<void> {
    await control(this.session, idOf(service), { kind: 'abort', input: { by: 'olga', reason } }, { waitMs: 1 });
  }

  /** By Ana, who holds a role. */
  raise(service: string, message: RaiseMessage, by = 'ana'): Promise<ControlReceipt> {
    return raise(this.session, idOf(service), message, { by, reason: 'looked at it' });
  }

  resume(service: string): Promise<ControlReceipt> {
    return this.raise(service, 'resume');
  }

  /** Waits for the gate and answers it on its present evidence, with anything of the message replaced. */
  async answer(
    service: string,
    gate: string,
    by: string,
    instead: Partial<Omit<DecisionInput, 'validUntil'>> = {},
  ): Promise<DecisionReceipt> {
    const { evidenceDigest } = await this.gate(service, gate);
    const { planDigest } = await this.status(service);
    const plain = { decision: 'approve', gate, by, planDigest, evidenceDigest } as const;
    const nothing = { reason: null, soakMs: null, signature: null };
    return decide(this.session, idOf(service), { ...plain, ...nothing, ...instead });
  }
}

/** Tried again while a busy machine keeps Temporal from answering in time: nothing was sent then. */
async function patiently(run: () => Promise<CommandResult>): Promise<CommandResult> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await run();
    if (result.code !== exitCodes.unreachable.code || attempt === 4) return result;
  }
}

function nullIfAway(error: unknown): null {
  if (error instanceof ClientError && ['not-found', 'no-worker', 'rejected', 'unreachable'].includes(error.code))
    return null;
  throw error;
}

function inShort(status: Status | null): string {
  if (status === null) return 'nothing';
  const { phase, outcome, reason, weights, bake, held, problems } = status;
  return JSON.stringify({ phase, outcome, reason, weights, bake, held, problems });
}
