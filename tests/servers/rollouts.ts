/** Rollouts in a world, for tests: short files from a few facts, started by the real command, seen and answered through the client. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import {
  ClientError,
  type Session,
  connect,
  decide,
  describe as describeRollout,
  readStatus,
} from '../../client/index.ts';
import { exitCodes } from '../../cli/exit-codes.ts';
import type { DecisionInput, DecisionReceipt } from '../../approvals/request.ts';
import type { RequestStatus, Status } from '../../plan/status.ts';
import { waitFor } from '../../testbed/wait.ts';
import type { World } from '../../testbed/world.ts';
import type { CommandResult } from '../../testbed/world/commands.ts';

/** What makes one rollout file different from another. */
export interface Shape {
  readonly service: string;
  /** @default the service */
  readonly route?: string;
  readonly gates?: readonly Readonly<Record<string, unknown>>[];
  readonly steps: readonly { readonly weight: string; readonly bake: string }[];
  /** Whether the share of errors is judged; needs load on the service. @default false */
  readonly judged?: boolean;
  /** @default '1s' */
  readonly watch?: string;
}

export interface Release {
  /** @default 'v2' */
  readonly label?: string;
  /** @default 'rita' */
  readonly requester?: string;
}

/** How long one wait of a test may take: the machine may be small and busy. */
export const patienceMs = 90_000;

export const environment = 'demo';

const errorShare = (service: string) => {
  const all = `sum(rate(http_requests_total{app="${service}",{{track}}}[5s]))`;
  return `(sum(rate(http_requests_total{app="${service}",{{track}},code=~"5.."}[5s])) or vector(0)) / ${all}`;
};

function specOf({ service, route = service, gates = [], steps, judged = false, watch = '1s' }: Shape): unknown {
  const errors = { id: 'errors', kind: 'limit', query: errorShare(service), breach: '> 10%', minSamples: 5 };
  return {
    apiVersion: 'sluice/v1',
    kind: 'Rollout',
    metadata: { service, environment },
    target: {
      kind: 'caddy',
      connection: 'edge',
      route,
      preview: { header: 'x-sluice-preview: canary' },
      drain: '1s',
    },
    release: { image: `registry.example/${service}`, digest: 'required' },
    metrics: {
      connection: 'prometheus',
      tracks: { label: 'release' },
      lag: '0s',
      every: '1s',
      requests: `http_requests_total{app="${service}"}`,
    },
    people: { roles: ['sre', 'qa'] },
    approvals: { gates, separation: { requesterMayApprove: false, distinctPeople: true } },
    criteria: judged ? [{ ...errors, do: 'rollback', severity: 'P0' }] : [],
    steps,
    watch: { for: watch },
  };
}

function nullIfNotFound(error: unknown): null {
  if (error instanceof ClientError && error.code === 'not-found') return null;
  throw error;
}

/** `ENVIRONMENT/SERVICE`, as the command line takes it. */
export const nameOf = (service: string): string => `${environment}/${service}`;

export const idOf = (service: string): string => `rollout/${environment}/${service}`;

/** Commands and looks at the rollouts of one world. */
export class Rollouts {
  readonly world: World;
  readonly session: Session;

  private constructor(world: World, session: Session) {
    this.world = world;
    this.session = session;
  }

  static async of(world: World): Promise<Rollouts> {
    const { address } = world.temporal;
    return new Rollouts(world, await connect({ address, taskQueue: world.taskQueue, connectTimeoutMs: 10_000 }));
  }

  /** Writes the file into the world's folder and returns its path. */
  file(shape: Shape): string {
    const path = join(this.world.folder, `${shape.service}.rollout.yaml`);
    writeFileSync(path, stringify(specOf(shape)));
    return path;
  }

  /** Arguments of `sluice start` for this shape. */
  startLine(shape: Shape, { label = 'v2', requester = 'rita' }: Release = {}): readonly string[] {
    const { service } = shape;
    const image = `registry.example/${service}@${this.world.digest(service, label)}`;
    return ['start', this.file(shape), '--image', image, '--label', label, '--requester', requester];
  }

  /** Starts it; throws with the command's own words when it is refused. */
  async start(shape: Shape, release: Release = {}): Promise<void> {
    const { code, stdout, stderr } = await this.sluice(this.startLine(shape, release));
    if (code !== 0) throw new Error(`start of ${shape.service} ended with ${String(code)}: ${stderr}${stdout}`);
  }

  /** One command about a service's rollout: `run('pause', 'web', '--by', 'olga')`. */
  run(command: string, service: string, ...more: readonly string[]): Promise<CommandResult> {
    return this.sluice([command, nameOf(service), ...more]);
  }

  /** Tried again while a busy machine keeps Temporal from answering in time: nothing was sent then. */
  async sluice(args: readonly string[]): Promise<CommandResult> {
    for (let attempt = 1; ; attempt += 1) {
      const result = await this.world.sluice(args, { timeoutMs: 2 * patienceMs });
      if (result.code !== exitCodes.unreachable.code || attempt === 4) return result;
    }
  }

  async status(service: string): Promise<Status> {
    const answer = await readStatus(this.session, idOf(service));
    if (answer.kind === 'live') return answer.status;
    throw answer.why;
  }

  /** The first status that is as wished, of a rollout that may have to start yet. Throws when it ends without it. */
  until(service: string, wish: string, isSo: (status: Status) => boolean): Promise<Status> {
    const look = async () => {
      const status = await this.status(service).catch(nullIfNotFound);
      if (status === null) return null;
      if (isSo(status)) return status;
      if (status.outcome === null) return null;
      throw new Error(`${service} ended before ${wish}: ${status.outcome}, ${status.reason ?? 'no reason'}`);
    };
    return waitFor(look, { for: `${service}: ${wish}`, withinMs: patienceMs, everyMs: 200 });
  }

  baking(service: string, bp: number): Promise<Status> {
    const isBaking = ({ phase, weights }: Status) => phase === 'baking' && weights.acceptedBp === bp;
    return this.until(service, `bake at ${String(bp)} bp`, isBaking);
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
      const { open } = await describeRollout(this.session, idOf(service));
      return open ? null : this.status(service);
    };
    return waitFor(look, { for: `${service} to end`, withinMs: patienceMs, everyMs: 200 });
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

  /** How often a workflow task of the rollout failed: a message that sticks a rollout fails it again and again. */
  async failedTasks(service: string): Promise<number> {
    const handle = this.session.client.workflow.getHandle(idOf(service));
    const { taskAttempt } = await describeRollout(this.session, idOf(service));
    const { events } = await handle.fetchHistory();
    const failed = (events ?? []).filter((event) => event.workflowTaskFailedEventAttributes != null);
    return failed.length + Math.max(0, taskAttempt - 1);
  }
}
