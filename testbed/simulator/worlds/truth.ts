/** What is really so in a world, whatever Sluice was told: traffic by release, slots, the claim on the route, every write. */

import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { HttpRequest } from '../../../providers/ports.ts';
import type { SlotState } from '../../deploy-hook/contract.ts';
import type { HookCall } from './hook.ts';
import { headerOf } from './host.ts';
import { branchAt, listOf } from './caddy-routes.ts';
import { isBranch, type Tree } from './caddy-tree.ts';

/** A part of the users' traffic. */
export interface Traffic {
  /** Where it goes. */
  readonly dial: string;
  readonly slot: string | null;
  /** What runs there; `null` when nothing does, or nobody knows. */
  readonly digest: string | null;
  /** Basis points: exact, a fraction only where Caddy's weights do not divide. */
  readonly bp: number;
  /** Users get an answer of the release, not an error of the proxy. */
  readonly served: boolean;
}

const release = z.object({ digest: z.string(), label: z.string() });

const claimSchema = z.object({
  rollout: z.string(),
  run: z.string(),
  fence: z.number(),
  stage: z.looseObject({ kind: z.string() }),
  canaryBp: z.number(),
  since: z.number(),
  released: z.boolean(),
  stable: release,
  canary: release,
  slots: z.record(z.string(), release.nullable()),
});

/** The claim as it stands on the route. */
export type RouteClaim = z.output<typeof claimSchema>;

export interface RouteTruth {
  readonly traffic: readonly Traffic[];
  /** `damaged`: something stands there that is no claim. */
  readonly claim: RouteClaim | 'damaged' | null;
  /** What testers with the preview header reach; `null` when they are treated as users. */
  readonly preview: string | null;
}

export interface Truth extends RouteTruth {
  /** While it is down users get nothing; `traffic` is what its configuration would give them. */
  readonly proxyUp: boolean;
  readonly slots: Readonly<Record<string, SlotState>>;
  /** The largest fence that the deploy host has admitted. */
  readonly hostFence: number;
  /** Basis points by digest of what runs where the traffic goes. */
  readonly shares: ReadonlyMap<string, number>;
}

/** One change of the proxy's configuration. */
export interface RouteWrite {
  readonly kind: 'route';
  readonly at: number;
  /** `rollout`: with another claim than before; `hand`: without; `restart`: the proxy started anew. */
  readonly by: 'rollout' | 'hand' | 'restart';
  readonly before: RouteTruth;
  readonly after: RouteTruth;
}

/** One call at the deploy host. */
export interface HostWrite extends HookCall {
  readonly kind: 'host';
}

export type Write = RouteWrite | HostWrite;

/** Basis points of a digest. */
export function shareIn(traffic: readonly Traffic[], digest: string): number {
  return traffic.reduce((sum, part) => sum + (part.digest === digest ? part.bp : 0), 0);
}

export function sharesIn(traffic: readonly Traffic[]): ReadonlyMap<string, number> {
  const digests = new Set(traffic.flatMap(({ digest }) => (digest === null ? [] : [digest])));
  return new Map([...digests].map((digest) => [digest, shareIn(traffic, digest)]));
}

/** How a control API says to the proxy that it acts for a rollout, whose claim it keeps itself. */
export const byControlApi = { 'content-type': 'application/json', 'user-agent': 'control-api' } as const;

/** `before` and `after` are the route around one change of the configuration. */
export function authorOf(by: HttpRequest | 'restart', before: RouteTruth, after: RouteTruth): RouteWrite['by'] {
  if (by === 'restart') return 'restart';
  if (headerOf(by, 'user-agent') === byControlApi['user-agent']) return 'rollout';
  return after.claim === null || isDeepStrictEqual(after.claim, before.claim) ? 'hand' : 'rollout';
}

/** The claim on the route that proxies to one of these addresses. */
export function claimIn(config: Tree, dials: readonly string[]): RouteClaim | 'damaged' | null {
  for (const server of Object.values(branchAt(config, 'apps', 'http', 'servers'))) {
    const found = isBranch(server) ? search(server['routes'], dials) : null;
    if (found !== null) return found;
  }
  return null;
}

function search(routes: Tree | undefined, dials: readonly string[]): RouteClaim | 'damaged' | null {
  for (const route of listOf(routes)) {
    if (!isBranch(route) || !mentions(route, dials)) continue;
    for (const handler of listOf(route['handle'])) {
      if (!isBranch(handler)) continue;
      if (handler['handler'] === 'vars' && handler['sluice'] !== undefined) {
        return claimSchema.safeParse(handler['sluice']).data ?? 'damaged';
      }
      const inner = search(handler['routes'], dials);
      if (inner !== null) return inner;
    }
  }
  return null;
}

function mentions(value: Tree, dials: readonly string[]): boolean {
  if (typeof value === 'string') return dials.includes(value);
  if (Array.isArray(value)) return value.some((item) => mentions(item, dials));
  return isBranch(value) && Object.values(value).some((item) => mentions(item, dials));
}
