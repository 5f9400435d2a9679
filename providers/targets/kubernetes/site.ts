/** One rollout's place in one cluster: its plan, its doors, and what stands there now. */

import type { Release } from '../../../plan/release.ts';
import type { KubernetesTargetPlan } from '../../../plan/target.ts';
import { ProviderError } from '../../errors.ts';
import type { Clock } from '../../ports.ts';
import type { Api, Call } from './api.ts';
import { type ByPlace, type ClaimReading, type PlaceName, placeNames, readClaim, type StoredClaim } from './claim.ts';
import type { KubernetesSite } from './connection.ts';
import { type Endpoints, endpointsOf } from './endpoints.ts';
import type { JsonObject } from './json.ts';
import { nameOfRef, type Ref } from './refs.ts';
import type { Router, Split } from './routers/router.ts';
import { type Workload, workloadOf } from './workload.ts';

export interface Site {
  readonly plan: KubernetesTargetPlan;
  readonly connection: KubernetesSite;
  readonly api: Api;
  readonly clock: Clock;
  readonly router: Router;
  readonly deployments: ByPlace<Ref>;
  readonly services: ByPlace<Ref>;
}

/** Deployments that we write to: one that Git gives its release is never touched, not even for a claim. */
export function writable({ plan, deployments }: Site): readonly Ref[] {
  return plan.promotion === 'direct' ? [deployments.stable, deployments.canary] : [deployments.canary];
}

/** The route as it was read; a write replaces exactly this. */
export interface Scene {
  /** False for one of ours that is seen as it would be made. */
  readonly there: boolean;
  readonly route: JsonObject;
  readonly claimReading: ClaimReading;
  /** `null` when there is none or it cannot be read. */
  readonly claim: StoredClaim | null;
  readonly split: Split;
}

export function sceneOf(site: Site, route: JsonObject, there = true): Scene {
  const claimReading = readClaim(route);
  const claim = claimReading.kind === 'claim' ? claimReading.claim : null;
  return { there, route, claimReading, claim, split: site.router.split(route) };
}

/** `null` when there is no route. One that a rollout makes is seen as it will be made. */
export async function look(site: Site, call: Call): Promise<Scene | null> {
  const { router, api } = site;
  const route = await api.get(router.ref, call);
  if (route !== null) return sceneOf(site, route);
  const origin = router.origin === null ? null : await api.get(router.origin, call);
  return origin === null ? null : sceneOf(site, router.made(origin), false);
}

/** Throws `missing`. */
export async function see(site: Site, call: Call): Promise<Scene> {
  const scene = await look(site, call);
  if (scene !== null) return scene;
  const doing = `read ${nameOfRef(site.router.ref)}`;
  throw new ProviderError({ code: 'missing', doing, detail: 'it does not exist' });
}

/** A place and who is ready there. */
export interface Place {
  readonly name: PlaceName;
  /** `null`: the Deployment does not exist. */
  readonly workload: Workload | null;
  readonly endpoints: Endpoints;
}

export async function placeAt(site: Site, name: PlaceName, call: Call): Promise<Place> {
  const [object, endpoints] = await Promise.all([
    site.api.get(site.deployments[name], call),
    endpointsOf(site, site.services[name].name, call),
  ]);
  return { name, workload: object === null ? null : workloadOf(site.plan, object), endpoints };
}

export async function placesAt(site: Site, call: Call): Promise<ByPlace<Place>> {
  const [stable, canary] = await Promise.all([placeAt(site, 'stable', call), placeAt(site, 'canary', call)]);
  return { stable, canary };
}

/** Basis points of a place. */
export function bpAt({ split }: Scene, place: PlaceName): number {
  return place === 'canary' ? split.canaryBp : split.stableBp;
}

/** The place of a digest; when both have it, the one with more traffic. */
export function placeOf(contents: ByPlace<Release | null>, digest: string, scene: Scene): PlaceName | null {
  const order = scene.split.canaryBp > scene.split.stableBp ? (['canary', 'stable'] as const) : placeNames;
  return order.find((name) => contents[name]?.digest === digest) ?? null;
}

/** Basis points of a digest in all its places. */
export function bpOf(scene: Scene, contents: ByPlace<Release | null>, digest: string): number {
  return placeNames.reduce((sum, name) => sum + (contents[name]?.digest === digest ? bpAt(scene, name) : 0), 0);
}

/** What the Deployments' own templates say. */
export function contentsOf(places: ByPlace<Place>): ByPlace<Release | null> {
  return { stable: places.stable.workload?.release ?? null, canary: places.canary.workload?.release ?? null };
}
