/** The target `http`: anything else that can move traffic, driven by calls that the operator declared. */

import type { HttpTargetPlan, TargetCapabilities } from '../../../plan/target.ts';
import type { Aim, Clock, Http, Target } from '../../ports.ts';
import { type HttpConnection, isFenced, storesClaims } from './connection.ts';
import { deploy, ensureCapacity, promote, restore, retire } from './life.ts';
import { memoryFor } from './memory.ts';
import { preflight } from './preflight.ts';
import { confirm, readingOf, stableOf } from './reading.ts';
import { raiseFence, setWeights } from './shares.ts';
import { see } from './scene.ts';
import type { Site } from './site.ts';

export interface HttpTargetOptions {
  readonly plan: HttpTargetPlan;
  readonly connection: HttpConnection;
  readonly http: Http;
  readonly clock: Clock;
}

/** What is not declared it cannot do, and says so in its capabilities and in preflight. */
export function createHttpTarget({ plan, connection, http, clock }: HttpTargetOptions): Target {
  const site: Site = { plan, connection, http, clock, memory: memoryFor(http, `${plan.connection}/${plan.route}`) };
  return {
    capabilities: async () => capabilitiesOf(connection),
    preflight: (weights, release, signal) => preflight(site, weights, release, signal),
    stable: async (signal) => stableOf(site, await see(site, signal)),
    read: async (signal) => readingOf(site, await see(site, signal)),
    deploy: (order, signal) => deploy(site, order, signal),
    ensureCapacity: (order, canaryBp, signal) => ensureCapacity(site, order, canaryBp, signal),
    setWeights: (order, shares, stage, signal) => setWeights(site, order, shares, stage, signal),
    raiseFence: (order, signal) => raiseFence(site, order, signal),
    confirm: (order, canaryBp, signal) => confirm(site, order, canaryBp, signal),
    promote: (order, signal) => promote(site, order, signal),
    restore: (order, signal) => restore(site, order, signal),
    retire: (order, loser, signal) => retire(site, order, loser, signal),
    aim: async (at) => aim(site, at),
  };
}

function capabilitiesOf(connection: HttpConnection): TargetCapabilities {
  const fenced = isFenced(connection);
  return {
    granularityBp: connection.granularityBp,
    fenced,
    preview: connection.preview !== null,
    affinity: connection.affinity,
    scales: connection.calls.ensureCapacity !== null,
    instantRevert: true,
    stableAim: false,
    ...(!fenced && { settlesMs: connection.settlesMs }),
    ...(!storesClaims(connection) && { unclaimed: true }),
  };
}

/** The canary by its preview header, as users would reach it; no request can be sent to stable alone. */
function aim({ plan, connection }: Site, at: 'canary' | 'stable'): Aim | null {
  const { preview } = plan;
  if (at === 'stable' || preview === null || connection.public === null) return null;
  return { baseUrl: connection.public, headers: { [preview.header]: preview.value } };
}
