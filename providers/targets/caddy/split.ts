/** The proxy inside our route that splits traffic: where it sits, what it serves, and how the route looks after a change. */

import type { JsonValue } from '../../../plan/plan.ts';
import { type StoredClaim, withClaim } from './claim.ts';
import { type BySlot, routeId, type SlotName, slotNames } from './connection.ts';
import { entriesOf, isObject, type JsonObject, objectsOf, withItem } from './json.ts';
import { reduce, toBasisPoints } from './weights.ts';

/** Position of the split proxy among the route's handlers; `inner` is its route in our subroute, `null` while un-adopted. */
export interface Seat {
  readonly index: number;
  readonly inner: number | null;
  readonly proxy: JsonObject;
}

export interface Preview {
  readonly header: string;
  readonly value: string;
  readonly slot: SlotName;
}

/** What one write does to the route; `keep` leaves that part byte for byte. */
export interface Change {
  readonly id: string;
  readonly claim: StoredClaim;
  /** Basis points by slot. */
  readonly shares: BySlot<number> | 'keep';
  readonly preview: Preview | null | 'keep';
}

export interface SlotShares {
  readonly bySlot: BySlot<number>;
  /** To upstreams that are no slot, in basis points. */
  readonly unknownBp: number;
}

export function seatOf(route: JsonObject): Seat | null {
  const handlers = entriesOf(route['handle']);
  const direct = handlers.find(([, handler]) => isProxy(handler));
  if (direct !== undefined) return { index: direct[0], inner: null, proxy: direct[1] };
  for (const [index, handler] of handlers) {
    if (handler['handler'] !== 'subroute') continue;
    // In our subroute the preview has a matcher and the split has none.
    const inner = entriesOf(handler['routes']).find(
      ([, item]) => item['match'] === undefined && proxyOf(item) !== null,
    );
    const proxy = inner === undefined ? null : proxyOf(inner[1]);
    if (inner !== undefined && proxy !== null) return { index, inner: inner[0], proxy };
  }
  return null;
}

export function dialsOf(route: JsonObject): readonly string[] {
  return upstreamsOf(seatOf(route)?.proxy).map(dialOf);
}

/** Empty for an upstream without a readable address. */
export function dialOf(upstream: JsonObject): string {
  return typeof upstream['dial'] === 'string' ? upstream['dial'] : '';
}

export function upstreamsOf(proxy: JsonObject | undefined): readonly JsonObject[] {
  return objectsOf(proxy?.['upstreams']);
}

/**
 * Accepted shares by slot. Policies without weights are taken as even (`first`: all to the first), so that a foreign
 * change shows as drift; it is an approximation.
 */
export function sharesOf(proxy: JsonObject, slots: BySlot<string>): SlotShares {
  const upstreams = upstreamsOf(proxy);
  if (upstreams.length === 0 || proxy['dynamic_upstreams'] !== undefined) {
    return { bySlot: { a: 0, b: 0 }, unknownBp: 10_000 };
  }
  const bp = toBasisPoints(rawWeights(proxy, upstreams.length));
  const of = (slot: SlotName): number =>
    upstreams.reduce((sum, upstream, at) => sum + (upstream['dial'] === slots[slot] ? (bp[at] ?? 0) : 0), 0);
  const bySlot = { a: of('a'), b: of('b') };
  return { bySlot, unknownBp: 10_000 - bySlot.a - bySlot.b };
}

/** Both slots, or one that the other can be added to; nothing else, nothing twice. */
export function canSplit(proxy: JsonObject, slots: BySlot<string>): boolean {
  const dials = upstreamsOf(proxy).map((upstream) => upstream['dial']);
  const known = dials.every((dial) => slotNames.some((slot) => slots[slot] === dial));
  return known && dials.length > 0 && new Set(dials).size === dials.length && proxy['dynamic_upstreams'] === undefined;
}

export function policyOf(proxy: JsonObject): JsonObject | null {
  const balancing = proxy['load_balancing'];
  const policy = isObject(balancing) ? balancing['selection_policy'] : undefined;
  return isObject(policy) ? policy : null;
}

function rawWeights(proxy: JsonObject, count: number): readonly number[] {
  const even = Array.from({ length: count }, () => 1);
  const first = even.map((_, at) => (at === 0 ? 1 : 0));
  const policy = policyOf(proxy);
  if (count === 1 || policy?.['policy'] === 'first') return first;
  if (policy?.['policy'] !== 'weighted_round_robin') return even;
  const weights = Array.isArray(policy['weights']) ? (policy['weights'] as readonly JsonValue[]) : [];
  if (weights.length < 2) return first;
  return even.map((_, at) => {
    const weight = weights[at];
    return typeof weight === 'number' && weight > 0 ? weight : 0;
  });
}

/** The slot that preview requests reach now, or `null`. */
export function previewSlot(route: JsonObject, slots: BySlot<string>, id: string): SlotName | null {
  const seat = seatOf(route);
  if (seat === null || seat.inner === null) return null;
  const handler = objectAt(route['handle'], seat.index);
  const preview = objectsOf(handler?.['routes']).find((item) => item['@id'] === previewId(id));
  const dial = upstreamsOf((preview && proxyOf(preview)) ?? undefined)[0]?.['dial'];
  return slotNames.find((slot) => slots[slot] === dial) ?? null;
}

/** The whole route after a change. Everything that is not ours stays as it was. */
export function compose(route: JsonObject, seat: Seat, slots: BySlot<string>, change: Change): JsonObject {
  const proxy = change.shares === 'keep' ? seat.proxy : splitProxy(seat.proxy, slots, change.shares);
  const handle = withItem(route['handle'], seat.index, seated(route, seat, proxy, slots, change));
  // An id that the operator gave stays: the route is then found by its claim.
  return { ...route, '@id': route['@id'] ?? change.id, handle: withClaim(handle, change.claim) };
}

function seated(route: JsonObject, seat: Seat, proxy: JsonObject, slots: BySlot<string>, change: Change): JsonValue {
  const preview =
    change.preview === 'keep' || change.preview === null ? [] : [previewRoute(proxy, slots, change.preview, change.id)];
  if (seat.inner === null) {
    return preview.length === 0 ? proxy : { handler: 'subroute', routes: [...preview, { handle: [proxy] }] };
  }
  const subroute = objectAt(route['handle'], seat.index) ?? {};
  const split = objectAt(subroute['routes'], seat.inner) ?? {};
  const at = entriesOf(split['handle']).find(([, handler]) => isProxy(handler))?.[0] ?? 0;
  const routes = withItem(subroute['routes'], seat.inner, { ...split, handle: withItem(split['handle'], at, proxy) });
  if (change.preview === 'keep') return { ...subroute, routes };
  const others = routes.filter((item) => !isObject(item) || item['@id'] !== previewId(change.id));
  return { ...subroute, routes: [...preview, ...others] };
}

function splitProxy(proxy: JsonObject, slots: BySlot<string>, shares: BySlot<number>): JsonObject {
  const present = upstreamsOf(proxy);
  const absent = slotNames.filter((slot) => !present.some((upstream) => upstream['dial'] === slots[slot]));
  const upstreams = [...present, ...absent.map((slot) => ({ dial: slots[slot] }))];
  const reduced = reduce(shares);
  // What is no slot, or a slot a second time, gets nothing.
  const weights = upstreams.map((upstream, at) => {
    const slot = slotNames.find((name) => slots[name] === upstream['dial']);
    const isFirst = upstreams.findIndex((other) => other['dial'] === upstream['dial']) === at;
    return slot !== undefined && isFirst ? reduced[slot] : 0;
  });
  const balancing = isObject(proxy['load_balancing']) ? proxy['load_balancing'] : {};
  return {
    ...proxy,
    upstreams,
    load_balancing: { ...balancing, selection_policy: { policy: 'weighted_round_robin', weights } },
  };
}

/** A copy of the split proxy to one slot, so that headers, transport and the like are the same for testers. */
function previewRoute(split: JsonObject, slots: BySlot<string>, preview: Preview, id: string): JsonObject {
  const proxy = Object.fromEntries(Object.entries(split).filter(([key]) => key !== 'load_balancing'));
  const upstream = upstreamsOf(split).find((item) => item['dial'] === slots[preview.slot]);
  return {
    '@id': previewId(id),
    match: [{ header: { [preview.header]: [preview.value] } }],
    handle: [withoutIds({ ...proxy, upstreams: [upstream ?? { dial: slots[preview.slot] }] })],
    terminal: true,
  };
}

/** Caddy refuses a configuration in which an id stands twice. */
function withoutIds(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(withoutIds);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== '@id')
      .map(([key, item]) => [key, withoutIds(item)]),
  );
}

export function previewId(id: string): string {
  return `${id}-preview`;
}

/** The id of a preview route, of whichever route that a rollout manages. */
export function isPreviewId(id: unknown): boolean {
  return typeof id === 'string' && id.startsWith(routeId('')) && id.endsWith(previewId(''));
}

function proxyOf(route: JsonObject): JsonObject | null {
  return objectsOf(route['handle']).find(isProxy) ?? null;
}

function isProxy(handler: JsonObject): boolean {
  return handler['handler'] === 'reverse_proxy';
}

function objectAt(list: JsonValue | undefined, index: number): JsonObject | undefined {
  return entriesOf(list).find(([at]) => at === index)?.[1];
}
