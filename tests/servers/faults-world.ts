/** What the fault tests do to a world: short rollouts of its services, their messages, and what the target's side shows. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { connect, control, readStatus, resume, rolloutId, type Session, timeline } from '../../client/index.ts';
import type { Status } from '../../plan/status.ts';
import type { TimelineEvent } from '../../plan/timeline.ts';
import { ask } from '../../testbed/servers/http.ts';
import { waitFor } from '../../testbed/wait.ts';
import type { World } from '../../testbed/world.ts';
import type { ProxyWrite } from '../../testbed/world/observe.ts';
import { proxyReads } from '../../testbed/world/observe.ts';
import { sluice } from '../cli/terminal.ts';

export interface ShortStep {
  readonly weight: string;
  readonly bake: string;
  readonly smoke?: readonly string[];
}

export interface ShortRollout {
  readonly steps: readonly ShortStep[];
  /** Adds the criterion `errors`: more than 10 % of the canary's answers are 5xx. */
  readonly judged?: boolean;
}

/** Where a patient test still waits: the machine may be busy with other things. */
const patienceMs = 120_000;

export async function sessionOf(world: World): Promise<Session> {
  const { address, namespace } = world.temporal;
  return connect({ address, namespace, taskQueue: world.taskQueue });
}

function specOf(service: string, { steps, judged = false }: ShortRollout): unknown {
  const rate = (more: string) => `sum(rate(http_requests_total{app="${service}",{{track}}${more}}[5s]))`;
  const errors = {
    id: 'errors',
    kind: 'limit',
    query: `(${rate(',code=~"5.."')} or vector(0)) / ${rate('')}`,
    breach: '> 10%',
    do: 'rollback',
    severity: 'P0',
  };
  const whoami = { name: 'whoami', get: '/api/whoami', expect: { json: { release: 'v2' } } };
  return {
    apiVersion: 'sluice/v1',
    kind: 'Rollout',
    metadata: { service, environment: 'demo', title: `Fault ${service}`, owner: 'sre' },
    target: {
      kind: 'caddy',
      connection: 'edge',
      route: service,
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
    people: { roles: ['sre'] },
    smoke: { suites: { basic: { baseUrl: { canary: 'preview' }, forbidStatus: ['5xx'], requests: [whoami] } } },
    criteria: judged ? [errors] : [],
    steps,
    rollback: { within: '5m', keepCanary: '0s' },
    watch: { for: '2s' },
  };
}

/** Starts release `v2` of a service by the command line, in this process. */
export async function begin(world: World, service: string, rollout: ShortRollout): Promise<void> {
  const file = join(world.folder, `${service}.rollout.yaml`);
  writeFileSync(file, stringify(specOf(service, rollout)));
  const args = ['start', file, '--label', 'v2', '--requester', 'rita'];
  const image = ['--image', `registry.example/${service}@${world.digest(service, 'v2')}`];
  const { address, namespace } = world.temporal;
  const where = ['--address', address, '--namespace', namespace, '--task-queue', world.taskQueue];
  const { exit, out, err } = await sluice([...where, ...args, ...image]);
  if (exit !== 0) throw new Error(`start of ${service} ended with ${String(exit)}: ${err} ${out}`);
}

/** Asks until the status is as wanted; a rollout that ends meanwhile, or a message about what it says instead, ends the wait. */
export async function until(
  session: Session,
  service: string,
  what: string,
  isTrue: (status: Status) => boolean,
): Promise<Status> {
  const rollout = rolloutId('demo', service);
  let last: Status | null = null;
  const look = async () => {
    const answer = await readStatus(session, rollout);
    if (answer.kind !== 'live') return null; // its worker is away
    last = answer.status;
    if (isTrue(last)) return last;
    if (last.outcome !== null) throw new Error(`${service} ${last.outcome}: ${String(last.reason)}, before ${what}`);
    return null;
  };
  const waiting = waitFor(look, { for: `${service}: ${what}`, withinMs: patienceMs, everyMs: 200 });
  return waiting.catch((error: unknown) => {
    const shown = last === null ? 'nothing' : JSON.stringify(pick(last));
    throw new Error(`${error instanceof Error ? error.message : String(error)}; it says ${shown}`, { cause: error });
  });
}

function pick({ phase, outcome, reason, weights, bake, held, problems }: Status): Partial<Status> {
  return { phase, outcome, reason, weights, bake, held, problems };
}

export function untilEnd(session: Session, service: string): Promise<Status> {
  return until(session, service, 'its end', ({ outcome }) => outcome !== null);
}

/** The weight is accepted and the bake at it has begun. */
export function untilBaking(session: Session, service: string, bp: number): Promise<Status> {
  const isBaking = ({ weights, phase, bake }: Status) =>
    weights.acceptedBp === bp && phase === 'baking' && (bake?.elapsedMs ?? 0) > 0;
  return until(session, service, `baking at ${bp}`, isBaking);
}

/** Returns when the message is stored; what comes of it is for the caller to see. */
export async function abort(session: Session, service: string, reason: string): Promise<void> {
  await control(session, rolloutId('demo', service), { kind: 'abort', input: { by: 'olga', reason } }, { waitMs: 1 });
}

export async function goOn(session: Session, service: string): Promise<string> {
  const { state, detail } = await resume(session, rolloutId('demo', service), { by: 'ana', reason: 'looked at it' });
  return `${state}: ${detail}`;
}

export function timelineOf(session: Session, service: string): Promise<readonly TimelineEvent[]> {
  return timeline(session, rolloutId('demo', service));
}

/** When somebody could first read zero back from the proxy after the rollout had turned; throws when nobody could. */
export function zeroConfirmedAt(world: World, service: string): number {
  const zero = world.proxyWrites(service).find(({ claim, canaryBp }) => claim?.stage.kind === 'back' && canaryBp === 0);
  const reads = proxyReads(world.admin.entries(), world.service(service));
  const read = reads.find(({ at, canaryBp }) => zero !== undefined && at >= zero.at && canaryBp === 0);
  if (read === undefined) throw new Error(`nobody read zero of ${service} back`);
  return read.at;
}

/** Caddy drops admin connections while it takes over a new configuration. */
async function readPatiently(url: string): Promise<string> {
  const read = () => ask(url).catch(() => null);
  return (await waitFor(read, { for: `an answer of ${url}` })).body;
}

type Json = Record<string, unknown>;

interface Weighted {
  weights: number[];
}

/** Somebody changes the split in Caddy itself and leaves everything else as it is; stable is in slot a. */
export async function setByHand(world: World, service: string, canaryBp: number): Promise<void> {
  const routes = `${world.caddy.adminUrl}/config/apps/http/servers/srv0/routes`;
  const { host } = world.service(service);
  const all = JSON.parse(await readPatiently(routes)) as Json[];
  const index = all.findIndex((route) => JSON.stringify(route['match'] ?? null).includes(`"${host}"`));
  const route = all[index];
  const policy = weightedIn(route);
  if (route === undefined || policy === null) throw new Error(`${service} has no split`);
  policy.weights = [10_000 - canaryBp, canaryBp];
  // A lost answer may mean that it is set, and a second time would be a second change: the caller sees what came of it.
  const answer = await ask(`${routes}/${index}`, { method: 'PATCH', json: route }).catch(() => null);
  if (answer !== null && answer.status !== 200)
    throw new Error(`the split of ${service}: ${answer.status} ${answer.body}`);
}

/** The selection policy of the split, wherever it stands in the route. */
function weightedIn(value: unknown): Weighted | null {
  if (typeof value !== 'object' || value === null) return null;
  if ('weights' in value) return value as Weighted;
  for (const inner of Object.values(value)) {
    const found = weightedIn(inner);
    if (found !== null) return found;
  }
  return null;
}

/** The split as Caddy has it at this moment. */
export async function splitNow(world: World, service: string): Promise<ProxyWrite> {
  const before = proxyReads(world.admin.entries(), world.service(service)).length;
  await readPatiently(`${world.admin.url}/config/apps/http/servers/srv0/routes`);
  const read = proxyReads(world.admin.entries(), world.service(service)).slice(before).at(-1);
  if (read === undefined) throw new Error(`Caddy shows no split of ${service}`);
  return read;
}

/** Process id of what answers in a slot. */
export async function pidIn(world: World, service: string, slot: 'a' | 'b'): Promise<number> {
  const { body } = await ask(`${world.service(service).slots[slot].url}/_control/identity`);
  return (JSON.parse(body) as { pid: number }).pid;
}
