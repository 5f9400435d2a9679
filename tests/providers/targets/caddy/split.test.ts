import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../providers/targets/caddy/json.ts';
import {
  canSplit,
  type Change,
  compose,
  previewSlot,
  seatOf,
  sharesOf,
} from '../../../../providers/targets/caddy/split.ts';
import { claim, proxy, slots, weighted } from './given.ts';

const both = [slots.a, slots.b];
const preview = { header: 'x-sluice-preview', value: 'canary', slot: 'b' } as const;

function changed(route: JsonObject, change: Partial<Change>): JsonObject {
  const seat = seatOf(route);
  if (seat === null) throw new Error('no proxy');
  return compose(route, seat, slots, { id: 'sluice-web', claim, shares: 'keep', preview: 'keep', ...change });
}

function bySlot(route: JsonObject): { a: number; b: number } | undefined {
  const seat = seatOf(route);
  return seat === null ? undefined : sharesOf(seat.proxy, slots).bySlot;
}

describe('accepted shares', () => {
  it.each<[string, JsonObject, number, number, number]>([
    ['by weight', proxy(both, weighted(99, 1)), 9900, 100, 0],
    ['by weight whatever the order', proxy([slots.b, slots.a], weighted(99, 1)), 100, 9900, 0],
    ['all to a single upstream', proxy([slots.b]), 0, 10_000, 0],
    ['all to the first when the weights are too few', proxy(both, weighted(5)), 10_000, 0, 0],
    ['none to one without a weight', proxy([...both, '127.0.0.1:1'], weighted(3, 1)), 7500, 2500, 0],
    ['even without weights', proxy(both), 5000, 5000, 0],
    [
      'all to the first by that policy',
      proxy(both, { load_balancing: { selection_policy: { policy: 'first' } } }),
      10_000,
      0,
      0,
    ],
    ['partly to nobody we know', proxy([slots.a, '127.0.0.1:1'], weighted(3, 1)), 7500, 0, 2500],
    ['to nobody we know where they are looked up', proxy(both, { dynamic_upstreams: { source: 'srv' } }), 0, 0, 10_000],
    ['to nobody we know where there are none', proxy([]), 0, 0, 10_000],
    ['with nonsense for a weight as nothing', proxy(both, weighted('many', 1)), 0, 10_000, 0],
  ])('are read %s', (_, handler, a, b, unknownBp) => {
    expect(sharesOf(handler, slots)).toEqual({ bySlot: { a, b }, unknownBp });
  });
});

describe('what can be split', () => {
  it('is a proxy with one or both slots and nothing else', () => {
    for (const dials of [[slots.a], [slots.b], both]) expect(canSplit(proxy(dials), slots)).toBe(true);
    for (const dials of [[], ['127.0.0.1:1'], [slots.a, '127.0.0.1:1'], [slots.a, slots.a]]) {
      expect(canSplit(proxy(dials), slots)).toBe(false);
    }
    expect(canSplit(proxy([slots.a], { dynamic_upstreams: {} }), slots)).toBe(false);
  });
});

describe('the route after a change', () => {
  const user: JsonObject = {
    match: [{ host: ['web.example'] }],
    handle: [{ handler: 'encode' }, proxy([slots.b], { flush_interval: -1, load_balancing: { retries: 0 } })],
    terminal: true,
  };

  it('has both slots, reduced weights, our id and the claim; all else stays', () => {
    const route = changed(user, { shares: { a: 100, b: 9900 }, preview: null });
    expect(route).toMatchObject({ '@id': 'sluice-web', match: user['match'], terminal: true });
    const [vars, encode, handler] = route['handle'] as JsonObject[];
    expect(vars).toMatchObject({ handler: 'vars', sluice: { fence: 7 } });
    expect(encode).toEqual({ handler: 'encode' });
    expect(handler).toEqual({
      handler: 'reverse_proxy',
      flush_interval: -1,
      upstreams: [{ dial: slots.b }, { dial: slots.a }],
      load_balancing: { retries: 0, selection_policy: { policy: 'weighted_round_robin', weights: [99, 1] } },
    });
  });

  it('keeps options of upstreams that were there', () => {
    const route = { handle: [{ handler: 'reverse_proxy', upstreams: [{ dial: slots.a, extra: 1 }] }] };
    const [, handler] = changed(route, { shares: { a: 10_000, b: 0 } })['handle'] as JsonObject[];
    expect(handler?.['upstreams']).toEqual([{ dial: slots.a, extra: 1 }, { dial: slots.b }]);
  });

  it('gives foreign and doubled upstreams nothing', () => {
    const route = { handle: [proxy([slots.a, '127.0.0.1:1', slots.a, slots.b], weighted(1, 1, 1, 1))] };
    const after = changed(route, { shares: { a: 9500, b: 500 } });
    expect(seatOf(after)?.proxy).toMatchObject(weighted(19, 0, 0, 1));
  });

  it('gets, moves and loses a preview without touching the split', () => {
    const shown = changed(user, { shares: { a: 100, b: 9900 }, preview });
    expect(previewSlot(shown, slots, 'sluice-web')).toBe('b');
    expect(bySlot(shown)).toEqual({ a: 100, b: 9900 });
    const moved = changed(shown, { preview: { ...preview, slot: 'a' } });
    expect(previewSlot(moved, slots, 'sluice-web')).toBe('a');
    expect(JSON.stringify(moved).match(/sluice-web-preview/g)).toHaveLength(1);
    const hidden = changed(moved, { shares: { a: 0, b: 10_000 }, preview: null });
    expect(previewSlot(hidden, slots, 'sluice-web')).toBeNull();
    expect(JSON.stringify(hidden)).not.toContain(preview.header);
    expect(bySlot(hidden)).toEqual({ a: 0, b: 10_000 });
  });

  it('differs in nothing but the claim when all else is kept', () => {
    const shown = changed(user, { shares: { a: 100, b: 9900 }, preview });
    const later = changed(shown, { claim: { ...claim, fence: 8 } });
    expect(JSON.stringify(later).replace('"fence":8', '"fence":7')).toBe(JSON.stringify(shown));
  });

  it('does not repeat ids of the operator in the preview: Caddy would refuse the configuration', () => {
    const route = { handle: [proxy([slots.a], { '@id': 'mine', transport: { protocol: 'http', '@id': 'theirs' } })] };
    const text = JSON.stringify(changed(route, { shares: { a: 10_000, b: 0 }, preview }));
    expect([text.match(/"mine"/g)?.length, text.match(/"theirs"/g)?.length]).toEqual([1, 1]);
  });

  it('keeps what somebody put beside our split', () => {
    const shown = changed(user, { shares: { a: 100, b: 9900 }, preview });
    const [vars, encode, subroute] = shown['handle'] as JsonObject[];
    const extra = { match: [{ path: ['/robots.txt'] }], handle: [{ handler: 'static_response' }] };
    const routes = [extra, ...(subroute?.['routes'] as JsonObject[])];
    const theirs = { ...shown, handle: [vars ?? {}, encode ?? {}, { ...subroute, routes }] };
    const after = changed(theirs, { shares: { a: 0, b: 10_000 }, preview: null });
    expect(JSON.stringify(after)).toContain('/robots.txt');
    expect(bySlot(after)).toEqual({ a: 0, b: 10_000 });
  });
});
