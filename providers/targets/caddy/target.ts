/** The target `caddy`: two slots of a host behind one `reverse_proxy`, claim, preview and weights in one route. */

import type { CaddyTargetPlan, Order, TargetCapabilities } from '../../../plan/target.ts';
import type { Aim, Clock, Http, Target } from '../../ports.ts';
import { createAdmin } from './admin.ts';
import { restore, retire } from './backward.ts';
import { type CaddyConnection, type CaddyRoute, routeId, type SlotName } from './connection.ts';
import { contentsFor, slotOf } from './contents.ts';
import { deploy, ensureCapacity, promote } from './forward.ts';
import type { DeployDoor } from './door.ts';
import { createDockerDoor } from './docker/door.ts';
import { createHook } from './hook.ts';
import { laneFor } from './lane.ts';
import { preflight } from './preflight.ts';
import { confirm, read, stable } from './reading.ts';
import { raiseFence, setWeights } from './shares.ts';
import { see, type Site } from './site.ts';

export interface CaddyTargetOptions {
  readonly plan: CaddyTargetPlan;
  readonly connection: CaddyConnection;
  readonly http: Http;
  readonly clock: Clock;
}

/**
 * Weights are exact to a basis point and count requests, not users: a client that met the canary may meet stable next, so
 * affinity is not promised. Readings come from Caddy and the deploy door; a silent door never keeps traffic from going back.
 */
export function createCaddyTarget({ plan, connection, http, clock }: CaddyTargetOptions): Target {
  const site: Site = {
    plan,
    connection,
    slots: connection.route.slots,
    id: routeId(plan.route),
    admin: createAdmin(connection.admin, http, clock),
    door: doorOf(plan, connection.route, http),
    http,
    clock,
    lane: laneFor(http, clock, connection.admin),
  };
  return {
    capabilities: async () => capabilitiesOf(plan),
    preflight: (weights, release, signal) => preflight(site, weights, release, signal),
    stable: async (signal) => stable(site, await see(site, signal), signal),
    read: (signal) => read(site, signal),
    deploy: (order, signal) => deploy(site, order, signal),
    ensureCapacity: (order, canaryBp, signal) => ensureCapacity(site, order, canaryBp, signal),
    setWeights: (order, shares, stage, signal) => setWeights(site, order, shares, stage, signal),
    raiseFence: (order, signal) => raiseFence(site, order, signal),
    confirm: (order, canaryBp, signal) => confirm(site, order, canaryBp, signal),
    promote: (order, signal) => promote(site, order, signal),
    restore: (order, signal) => restore(site, order, signal),
    retire: (order, loser, signal) => retire(site, order, loser, signal),
    aim: (at, order, signal) => aim(site, at, order, signal),
  };
}

function doorOf(plan: CaddyTargetPlan, { deploy, slots }: CaddyRoute, http: Http): DeployDoor {
  switch (deploy.kind) {
    case 'hook':
      return createHook(deploy, http);
    case 'docker':
      return createDockerDoor({ ...deploy, route: plan.route, addresses: slots, http });
  }
}

/** What any Caddy can do under a plan; needs no network. */
function capabilitiesOf(plan: CaddyTargetPlan): TargetCapabilities {
  return {
    granularityBp: 1,
    fenced: true,
    preview: plan.preview !== null,
    affinity: false,
    scales: false,
    instantRevert: true,
  };
}

/** The canary by its preview header through the proxy, as users would reach it; stable by its slot's address. */
async function aim(site: Site, at: 'canary' | 'stable', order: Order, signal?: AbortSignal): Promise<Aim | null> {
  const { preview } = site.plan;
  if (at === 'canary' && preview !== null) {
    const headers = { ...hostHeader(site), [preview.header]: preview.value };
    return { baseUrl: site.connection.public.replace(/\/+$/, ''), headers };
  }
  const release = at === 'canary' ? order.canary : order.stable;
  const scene = await see(site, signal);
  const slot = slotOf(await contentsFor(site, scene, [release.digest], signal), release.digest, scene);
  return slot === null ? null : direct(site, slot);
}

/** The proxy passes the users' host on, so a direct request carries it too. */
function direct(site: Site, slot: SlotName): Aim {
  return { baseUrl: `http://${site.slots[slot]}`, headers: hostHeader(site) };
}

function hostHeader({ connection }: Site): Readonly<Record<string, string>> {
  const { host } = connection.route.match;
  return host === undefined || host.includes('*') ? {} : { host };
}
