/** The target `kubernetes`: a canary Deployment and Service beside the owner's, and a route that divides the traffic between them. */

import type { KubernetesTargetPlan, Order, TargetCapabilities } from '../../../plan/target.ts';
import type { Aim, Clock, Target } from '../../ports.ts';
import { type Call, createApi } from './api.ts';
import { ensureCapacity } from './capacity.ts';
import type { PlaceName } from './claim.ts';
import type { KubernetesSite } from './connection.ts';
import { deploy } from './deploy.ts';
import { listAt } from './json.ts';
import { preflight } from './preflight.ts';
import { promote } from './promote.ts';
import { confirm, read, stable } from './reading.ts';
import { companion, refTo, resources } from './refs.ts';
import { restore } from './restore.ts';
import { letGo, retire } from './retire.ts';
import { routerFor } from './routers/routers.ts';
import { raiseFence, setWeights } from './shares.ts';
import { contentsOf, placeOf, placesAt, see, type Site } from './site.ts';
import { createSwitches } from './switches.ts';

export interface KubernetesTargetOptions {
  readonly plan: KubernetesTargetPlan;
  readonly connection: KubernetesSite;
  readonly clock: Clock;
}

const ahead = (signal?: AbortSignal): Call => ({ signal });
/** Going back has connections of its own. */
const back = (signal?: AbortSignal): Call => ({ signal, urgent: true });

export function createKubernetesTarget({ plan, connection, clock }: KubernetesTargetOptions): Target {
  const { namespace, deployment, service } = plan;
  const site: Site = {
    plan,
    connection,
    clock,
    api: createApi(connection.cluster, clock, connection.withinMs),
    router: routerFor(plan),
    deployments: {
      stable: refTo(resources.deployments, namespace, deployment),
      canary: refTo(resources.deployments, namespace, companion(deployment)),
    },
    services: {
      stable: refTo(resources.services, namespace, service),
      canary: refTo(resources.services, namespace, companion(service)),
    },
  };
  return {
    capabilities: async () => capabilitiesOf(site),
    preflight: (weights, release, signal) => preflight(site, weights, release, { signal, patient: true }),
    stable: (signal) => stable(site, ahead(signal)),
    read: (signal) => read(site, back(signal)),
    deploy: (order, signal) => deploy(site, order, ahead(signal)),
    ensureCapacity: (order, canaryBp, signal) => ensureCapacity(site, order, canaryBp, ahead(signal)),
    setWeights: (order, shares, stage, signal) => setWeights(site, order, shares, stage, signal),
    raiseFence: (order, signal) => raiseFence(site, order, signal),
    confirm: (order, canaryBp, signal) => confirm(site, order, canaryBp, signal),
    promote: (order, signal) => promote(site, order, ahead(signal)),
    restore: (order, signal) => restore(site, order, back(signal)),
    retire: (order, loser, signal) => retire(site, order, loser, ahead(signal)),
    letGo: (order, signal) => letGo(site, order, back(signal)),
    aim: (at, order, signal) => aim(site, at, order, ahead(signal)),
    switches: createSwitches(site, back),
  };
}

function capabilitiesOf({ plan, connection, router }: Site): TargetCapabilities {
  const preview = plan.preview !== null && router.preview && connection.public !== null;
  return {
    granularityBp: router.granularityBp,
    fenced: true,
    preview,
    affinity: false,
    scales: true,
    instantRevert: true,
    switches: ['kubernetes-env', 'kubernetes-config'],
    ...(plan.promotion === 'gitops' && { promotedByPeople: true as const }),
    ...(!connection.podsReachable && { stableAim: false as const }),
  };
}

/** The canary by its preview header, as users would reach it; else a pod's own address where the worker can reach it. */
async function aim(site: Site, at: PlaceName, order: Order, call: Call): Promise<Aim | null> {
  const { plan, connection, router } = site;
  const scene = await see(site, call);
  const hosts = listAt(scene.route, 'spec', 'hostnames').filter((host) => typeof host === 'string');
  const host = hosts.find((name) => !name.startsWith('*')) ?? null;
  const headers = host === null ? {} : { host };
  if (at === 'canary' && plan.preview !== null && router.preview && connection.public !== null) {
    const { header, value } = plan.preview;
    return { baseUrl: connection.public.replace(/\/+$/, ''), headers: { ...headers, [header]: value } };
  }
  if (!connection.podsReachable) return null;
  const places = await placesAt(site, call);
  const digest = (at === 'canary' ? order.canary : order.stable).digest;
  const place = placeOf(contentsOf(places), digest, scene);
  const address = place === null ? null : places[place].endpoints.address;
  return address === null ? null : { baseUrl: `http://${address}`, headers };
}
