/** What tests see and do at the proxy itself, past Sluice: who wrote what, and changes by hand. */

import type { FaultRule } from '../../testbed/recorder.ts';
import { type Answer, ask } from '../../testbed/servers/http.ts';
import { waitFor } from '../../testbed/wait.ts';
import type { World } from '../../testbed/world.ts';
import { proxyReads, type ProxyWrite } from '../../testbed/world/observe.ts';
import { idOf } from './rollouts.ts';

type Json = Record<string, unknown>;

/** Writes of a service's route that say they are this stage. */
export function writing(service: string, stage: RegExp): Pick<FaultRule, 'method' | 'body'> {
  return { method: 'PATCH', body: new RegExp(`^(?=.*${idOf(service)}")(?=.*${stage.source})`, 's') };
}

/** When somebody could first read zero back from the proxy after the last rollout had turned; throws when nobody could. */
export function zeroConfirmedAt(world: World, service: string): number {
  const writes = world.proxyWrites(service);
  const ofLast = writes.filter(({ claim }) => claim?.run === writes.at(-1)?.claim?.run);
  const zero = ofLast.find(({ claim, canaryBp }) => claim?.stage.kind === 'back' && canaryBp === 0)?.at ?? Infinity;
  const reads = proxyReads(world.admin.entries(), world.service(service));
  const read = reads.find(({ at, canaryBp }) => at >= zero && canaryBp === 0);
  if (read === undefined) throw new Error(`nobody read zero of ${service} back`);
  return read.at;
}

/** Waits for users of the old release after zero was read back, so that silence of the new one says something. */
export async function canaryRequestsAfterZero(world: World, service: string, label = 'v2'): Promise<number> {
  const zero = zeroConfirmedAt(world, service);
  const served = () => world.canaryRequestsSince(service, zero, 'v1') >= 20;
  await waitFor(served, { for: `users of ${service} after zero`, withinMs: 60_000 });
  return world.canaryRequestsSince(service, zero, label);
}

/** The split as Caddy has it at this moment. */
export async function splitNow(world: World, service: string): Promise<ProxyWrite> {
  const before = proxyReads(world.admin.entries(), world.service(service)).length;
  await readPatiently(`${world.admin.url}/config/apps/http/servers/srv0/routes`);
  const read = proxyReads(world.admin.entries(), world.service(service)).slice(before).at(-1);
  if (read === undefined) throw new Error(`Caddy shows no split of ${service}`);
  return read;
}

/** Somebody changes the split and leaves everything else as it is; stable is in slot a. */
export function setByHand(world: World, service: string, canaryBp: number): Promise<void> {
  return changeByHand(world, service, 'weights', (policy) => (policy['weights'] = [10_000 - canaryBp, canaryBp]));
}

/** Somebody writes a larger fence into the claim and leaves everything else as it is. */
export function fenceByHand(world: World, service: string, fence: number): Promise<void> {
  return changeByHand(world, service, 'fence', (claim) => (claim['fence'] = fence));
}

/** Changes the first object in the service's route that has this key, in Caddy itself: the recorder does not see it. */
async function changeByHand(world: World, service: string, key: string, edit: (found: Json) => void): Promise<void> {
  const routes = `${world.caddy.adminUrl}/config/apps/http/servers/srv0/routes`;
  const all = JSON.parse((await readPatiently(routes)).body) as Json[];
  const host = `"${world.service(service).host}"`;
  const url = `${routes}/${all.findIndex((route) => JSON.stringify(route['match'] ?? null).includes(host))}`;
  const change = async () => {
    const { body, headers } = await readPatiently(url);
    const route = JSON.parse(body) as Json;
    const found = withKey(route, key);
    if (found === null) throw new Error(`the route of ${service} has no ${key}`);
    edit(found);
    const etag = headers['etag'] ?? '';
    const answer = await ask(url, { method: 'PATCH', json: route, headers: { 'if-match': etag } }).catch(() => null);
    // After a lost answer only a changed ETag tells that it is set: a second time would be a second change.
    return answer?.status === 200 || (answer === null && (await readPatiently(url)).headers['etag'] !== etag);
  };
  await waitFor(change, { for: `the ${key} of ${service} to be changed` });
}

function withKey(value: unknown, key: string): Json | null {
  if (typeof value !== 'object' || value === null) return null;
  if (Object.hasOwn(value, key)) return value as Json;
  for (const inner of Object.values(value)) {
    const found = withKey(inner, key);
    if (found !== null) return found;
  }
  return null;
}

/** Caddy drops admin connections while it takes over a new configuration. */
function readPatiently(url: string): Promise<Answer> {
  const read = () => ask(url).catch(() => null);
  return waitFor(read, { for: `an answer of ${url}` });
}

/** Process id of what answers in a slot. */
export async function pidIn(world: World, service: string, slot: 'a' | 'b'): Promise<number> {
  const { body } = await ask(`${world.service(service).slots[slot].url}/_control/identity`);
  return (JSON.parse(body) as { pid: number }).pid;
}
