/** What was read at one route of a declared API, and what its calls may say about it. */

import type { Claim, Order } from '../../../plan/target.ts';
import { make } from './call.ts';
import { found, type Found, type Place } from './find.ts';
import type { Site } from './site.ts';
import type { Values } from './template.ts';

export interface Scene extends Found {
  /** Epoch ms at which it was asked for. */
  readonly at: number;
  /** `null` when there is none or something else stands in its place. */
  readonly held: Claim | null;
}

export async function see(site: Site, signal?: AbortSignal): Promise<Scene> {
  const at = site.clock.now();
  const { read } = site.connection.calls;
  const seen = found(read.find, await make(site, 'read', read, valuesOf(site), signal));
  return { ...seen, at, held: seen.claim.kind === 'claim' ? seen.claim.claim : null };
}

/** Basis points of a digest, in all its places together. */
export function bpOf({ places }: Scene, digest: string): number {
  return places.reduce((sum, place) => sum + (place.digest === digest ? place.bp : 0), 0);
}

export function placesOf({ places }: Scene, digest: string): readonly Place[] {
  return places.filter((place) => place.digest === digest);
}

/** What is known in every call. */
export function valuesOf({ plan, connection }: Site): Values {
  const own = Object.entries(connection.values).map(([name, value]) => [`value.${name}`, value] as const);
  return new Map<string, string | number>([['route', plan.route], ...own]);
}

/** The same and what an order says, for a share of the release under test. */
export function valuesFor(site: Site, order: Order, canaryBp: number): Values {
  const { rollout, run, fence, stable, canary } = order;
  return new Map<string, string | number>([
    ...valuesOf(site),
    ...releaseValues('release', canary),
    ...releaseValues('stable', stable),
    ...shareValues('canary', canaryBp),
    ...shareValues('stable', 10_000 - canaryBp),
    ['rollout', rollout],
    ['run', run],
    ['fence', fence],
  ]);
}

type Entry = readonly [name: string, value: string | number];

export function releaseValues(name: string, { digest, label, image }: Order['canary']): readonly Entry[] {
  return [
    [`${name}.digest`, digest],
    [`${name}.label`, label],
    [`${name}.image`, image],
  ];
}

function shareValues(name: string, bp: number): readonly Entry[] {
  return [
    [`${name}Bp`, bp],
    [`${name}Percent`, bp / 100],
    [`${name}Fraction`, bp / 10_000],
  ];
}
