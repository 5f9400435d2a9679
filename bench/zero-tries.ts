/** One bad release, or one abort, and when the world had zero: told by Prometheus, the API server, the Gateway and the pods' own logs. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { connect, control, readStatus, rolloutId, type Session } from '../client/index.ts';
import { routePathOf, stateOf } from '../testbed/kubernetes/route-record.ts';
import type { ClusterWorld } from '../testbed/kubernetes/world.ts';
import { ask } from '../testbed/servers/http.ts';
import { waitFor } from '../testbed/wait.ts';

/** Seconds since the moment that counts: the bad sample could be seen from outside, or the abort was sent. */
export interface Try {
  /** The API server has taken weight 0. */
  readonly api: number;
  /** The Gateway says that it serves exactly this. */
  readonly gateway: number;
  /** The canary's last answer to a user. */
  readonly lastAnswer: number;
}

export const environment = 'bench';
const lookEveryMs = 20;
const patienceMs = 180_000;

export interface Bench {
  readonly world: ClusterWorld;
  readonly session: Session;
}

export async function openBench(world: ClusterWorld): Promise<Bench> {
  await world.startWorker();
  const { address, namespace } = world.temporal;
  return { world, session: await connect({ address, namespace, taskQueue: world.taskQueue }) };
}

/** A rollout that has reached half of the traffic. */
export async function bakingAtHalf({ world, session }: Bench, service: string, label: string): Promise<void> {
  const file = join(world.folder, `${service}.rollout.yaml`);
  writeFileSync(file, stringify(spec(world, service)));
  const image = `registry.example/${service}@${world.digest(service, label)}`;
  const args = ['start', file, '--image', image, '--label', label, '--requester', 'rita'];
  const started = await world.sluice(args, { timeoutMs: patienceMs });
  if (started.code !== 0)
    throw new Error(`start ended with ${String(started.code)}: ${started.stderr}${started.stdout}`);
  const isBaking = async () => {
    const answer = await readStatus(session, idOf(service));
    if (answer.kind !== 'live' || answer.status.release.label !== label) return false;
    if (answer.status.outcome !== null) throw new Error(`${service} ended: ${answer.status.reason ?? 'no reason'}`);
    return answer.status.phase === 'baking' && answer.status.weights.acceptedBp === 5_000;
  };
  await waitFor(isBaking, { for: `${service} ${label} at half`, withinMs: patienceMs, everyMs: 100 });
}

export async function goBad(bench: Bench, service: string, label: string): Promise<Try> {
  const { world } = bench;
  const query = errorsOf(world, service, `release="${label}"`);
  world.setFaults(service, label, { errorRate: 1 });
  const isVisible = async () => ((await valueOf(world, query)) ?? 0) > 0.1;
  const seen = waitFor(isVisible, { for: `errors of ${label}`, withinMs: patienceMs, everyMs: lookEveryMs }).then(() =>
    Date.now(),
  );
  const [from, confirmed] = await Promise.all([seen, gatewayAtZero(world, service)]);
  return measured(bench, service, label, from, confirmed);
}

export async function abortIt(bench: Bench, service: string, label: string): Promise<Try> {
  const { world, session } = bench;
  const from = Date.now();
  const input = { by: 'olga', reason: 'measured' };
  const [confirmed] = await Promise.all([
    gatewayAtZero(world, service),
    control(session, idOf(service), { kind: 'abort', input }),
  ]);
  return measured(bench, service, label, from, confirmed);
}

async function measured(bench: Bench, service: string, label: string, from: number, confirmed: number): Promise<Try> {
  const { world, session } = bench;
  const isOver = async () => {
    const answer = await readStatus(session, idOf(service));
    return answer.kind === 'live' && answer.status.outcome === 'rolled-back';
  };
  await waitFor(isOver, { for: `${service} ${label} to end`, withinMs: patienceMs, everyMs: 100 });
  const writes = world.routeWrites(service).filter(({ claim }) => claim?.canary.label === label);
  const zero = writes.find(({ bySlot }, index) => bySlot.b === 0 && (writes[index - 1]?.bySlot.b ?? 0) > 0);
  const last = Math.max(...world.requestsSince(service, 0, label).map(({ at }) => at));
  if (zero === undefined) throw new Error(`nobody saw the write of zero for ${service} ${label}`);
  const since = (at: number) => (at - from) / 1_000;
  return { api: since(zero.at), gateway: since(confirmed), lastAnswer: since(last) };
}

/** Asked straight, past the recorder, from now on. */
async function gatewayAtZero(world: ClusterWorld, service: string): Promise<number> {
  const route = world.service(service);
  const look = async () => {
    const { bySlot, accepted } = stateOf(await world.plane.api.read(routePathOf(route)), route, Date.now());
    return bySlot.b === 0 && accepted;
  };
  await waitFor(look, { for: `${service} at zero`, withinMs: patienceMs, everyMs: lookEveryMs });
  return Date.now();
}

async function valueOf(world: ClusterWorld, query: string): Promise<number | null> {
  const { body } = await ask(`${world.plane.prometheusUrl}/api/v1/query?query=${encodeURIComponent(query)}`);
  const answer = JSON.parse(body) as { data?: { result: readonly { value: readonly [number, string] }[] } };
  const said = answer.data?.result[0]?.value[1];
  return said === undefined ? null : Number(said);
}

/** A random phase of the interval, so that no try is luckier than the others. */
export async function anyMoment(): Promise<void> {
  await sleep(Math.random() * 1_000);
}

const idOf = (service: string): string => rolloutId(environment, service);

function errorsOf(world: ClusterWorld, service: string, selected: string): string {
  const rate = (more: string) => `sum(rate(http_requests_total{${world.selects(service)},${selected}${more}}[5s]))`;
  return `(${rate(',code=~"5.."')} or vector(0)) / ${rate('')}`;
}

function spec(world: ClusterWorld, service: string): unknown {
  const query = errorsOf(world, service, '{{track}}');
  return {
    apiVersion: 'sluice/v1',
    kind: 'Rollout',
    metadata: { service, environment },
    target: world.target(service),
    release: { image: `registry.example/${service}`, digest: 'required' },
    metrics: { connection: 'prometheus', tracks: { label: 'release' }, lag: '0s', every: '1s' },
    criteria: [{ id: 'errors', kind: 'limit', query, breach: '> 10%', do: 'rollback', severity: 'P0' }],
    steps: [
      { weight: '50%', bake: '1h..2h' },
      { weight: '100%', bake: '1s..10m' },
    ],
    rollback: { keepCanary: '0s' },
    watch: { for: '1s' },
  };
}
