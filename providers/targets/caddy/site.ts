/** One route of one Caddy as a place to work at: its plan, its doors, and what stands there now. */

import type { JsonValue } from '../../../plan/plan.ts';
import type { CaddyTargetPlan } from '../../../plan/target.ts';
import { ProviderError } from '../../errors.ts';
import type { Clock, Http } from '../../ports.ts';
import type { CaddyAdmin } from './admin.ts';
import { type ClaimReading, readClaim, type StoredClaim } from './claim.ts';
import type { BySlot, CaddyConnection, SlotName } from './connection.ts';
import { findRoute } from './find.ts';
import type { DeployDoor } from './door.ts';
import { isObject, type JsonObject } from './json.ts';
import type { Lane } from './lane.ts';
import { previewSlot, type Seat, seatOf, sharesOf, type SlotShares } from './split.ts';

export interface Site {
  readonly plan: CaddyTargetPlan;
  readonly connection: CaddyConnection;
  readonly slots: BySlot<string>;
  /** The `@id` that adoption gives. */
  readonly id: string;
  readonly admin: CaddyAdmin;
  readonly door: DeployDoor;
  readonly http: Http;
  readonly clock: Clock;
  readonly lane: Lane;
}

/** The route as it was read in one go; a write with this `etag` replaces exactly this. */
export interface Scene {
  readonly path: string;
  readonly etag: string;
  readonly route: JsonObject;
  readonly seat: Seat;
  readonly claimReading: ClaimReading;
  /** `null` when there is none or it cannot be read. */
  readonly claim: StoredClaim | null;
  readonly shares: SlotShares;
  /** Where preview requests go now. */
  readonly preview: SlotName | null;
}

export type Sight =
  | { readonly kind: 'scene'; readonly scene: Scene }
  | { readonly kind: 'none'; readonly hosts: readonly string[] }
  | { readonly kind: 'several'; readonly paths: readonly string[] };

export const serversPath = '/config/apps/http/servers';

/** Looks by our id; a reload from a file or a foreign write loses the id, then by server, host, path and slots. */
export async function look(site: Site, signal?: AbortSignal): Promise<Sight> {
  const idPath = `/id/${encodeURIComponent(site.id)}`;
  const byId = await site.admin.get(idPath, signal);
  const scene = byId && sceneOf(site, idPath, byId.etag, byId.value);
  if (scene !== null) return { kind: 'scene', scene };
  const servers = await site.admin.get(serversPath, signal);
  const search = findRoute(servers?.value ?? null, site.connection.route, site.id);
  if (search.kind !== 'found') return search;
  // The ETag of all servers guards a write anywhere below them: any other change there makes us read again.
  const found = sceneOf(site, `${serversPath}/${search.found.path}`, servers?.etag ?? '', search.found.route);
  return found === null ? { kind: 'none', hosts: [] } : { kind: 'scene', scene: found };
}

/** The same for everything that needs the route. Throws `missing`, or `invalid` when several routes match. */
export async function see(site: Site, signal?: AbortSignal): Promise<Scene> {
  const sight = await look(site, signal);
  if (sight.kind === 'scene') return sight.scene;
  const doing = `find route ${site.plan.route} in Caddy`;
  throw new ProviderError({ code: sight.kind === 'none' ? 'missing' : 'invalid', doing, detail: blindness(sight) });
}

/** Why the route is not seen, in a sentence with what would help. */
export function blindness(sight: Exclude<Sight, { kind: 'scene' }>): string {
  if (sight.kind === 'several') {
    return `several routes match and proxy to a slot: ${sight.paths.join(', ')}; name server, host and path so that one is left`;
  }
  const hosts = sight.hosts.slice(0, 20).join(', ');
  return `no proxied route matches server, host and path${hosts === '' ? '; Caddy proxies nothing there' : `; proxied hosts: ${hosts}`}`;
}

function sceneOf(site: Site, path: string, etag: string, value: JsonValue): Scene | null {
  const route = isObject(value) ? value : null;
  const seat = route && seatOf(route);
  if (route === null || seat === null) return null;
  const claimReading = readClaim(route);
  return {
    path,
    etag,
    route,
    seat,
    claimReading,
    claim: claimReading.kind === 'claim' ? claimReading.claim : null,
    shares: sharesOf(seat.proxy, site.slots),
    preview: previewSlot(route, site.slots, site.id),
  };
}
