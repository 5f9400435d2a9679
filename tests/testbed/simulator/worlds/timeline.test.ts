import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Moment } from '../../../../spec/world-time.ts';
import { holds, isWithin, nextAfter, steady, timeOf, valueAt } from '../../../../testbed/simulator/worlds/timeline.ts';

const at = (ms: number): Moment => ({ kind: 'at', ms });
const from = (weightBp: number, afterMs = 0): Moment => ({ kind: 'from', weightBp, afterMs });
const history = (reached: Readonly<Record<number, number>> = {}) => ({
  began: 1_000,
  reached: (bp: number) => reached[bp] ?? null,
});

describe('a timeline', () => {
  it('holds each value until the next, and says since when', () => {
    const timeline = {
      first: 'x',
      points: [
        { when: at(10), value: 'y' },
        { when: at(20), value: 'z' },
      ],
    };
    const seen = [999, 1_009, 1_010, 1_019, 1_020].map((moment) => holds(timeline, moment, history()));
    expect(seen.map(({ value }) => value)).toEqual(['x', 'x', 'y', 'y', 'z']);
    expect(seen.at(-1)?.since).toBe(1_020);
  });

  it('waits for a weight as long as nobody had it', () => {
    const timeline = { first: 0, points: [{ when: from(2_500, 30), value: 1 }] };
    expect(valueAt(timeline, 9_999, history())).toBe(0);
    expect([1_129, 1_130].map((moment) => valueAt(timeline, moment, history({ 2_500: 1_100 })))).toEqual([0, 1]);
  });

  it('goes by time, not by the order of writing; of two at once the later written holds', () => {
    const points = [
      { when: at(20), value: 'z' },
      { when: at(10), value: 'y' },
      { when: from(100), value: 'w' },
    ];
    expect(valueAt({ first: 'x', points }, 1_030, history({ 100: 1_020 }))).toBe('w');
    expect(valueAt({ first: 'x', points }, 1_015, history())).toBe('y');
  });

  it('has a next change, however near, and none after the last', () => {
    const moments = [at(10), from(100, 5), at(11), from(500)];
    const next = (moment: number) => nextAfter(moments, moment, history({ 100: 1_020 }));
    expect([1_000, 1_009, 1_010, 1_011, 1_025].map(next)).toEqual([1_010, 1_010, 1_011, 1_025, Infinity]);
  });

  it('changes at no other moment than those it names', () => {
    const moment = fc.oneof(
      fc.record({ kind: fc.constant('at' as const), ms: fc.nat(500) }),
      fc.record({ kind: fc.constant('from' as const), weightBp: fc.constantFrom(100, 500), afterMs: fc.nat(200) }),
    );
    fc.assert(
      fc.property(fc.array(fc.record({ when: moment, value: fc.nat(9) })), fc.nat(600), (points, offset) => {
        const timeline = { first: -1, points };
        const now = history({ 100: 1_050 });
        const begin = 1_000 + offset;
        const next = nextAfter(
          points.map(({ when }) => when),
          begin,
          now,
        );
        const until = Math.min(next - 1, 2_000);
        expect(valueAt(timeline, until, now)).toBe(valueAt(timeline, begin, now));
      }),
    );
  });
});

describe('a span', () => {
  it('lasts from its beginning for its time; without either it has none', () => {
    const within = (moment: number, span: Parameters<typeof isWithin>[0]) =>
      isWithin(span, moment, history({ 100: 1_050 }));
    const short = { from: at(10), forMs: 5 };
    expect([1_009, 1_010, 1_014, 1_015].map((moment) => within(moment, short))).toEqual([false, true, true, false]);
    expect(within(5, { from: null, forMs: null })).toBe(true);
    expect([1_004, 1_005].map((moment) => within(moment, { from: null, forMs: 5 }))).toEqual([true, false]);
    expect([1_049, 1_050, 9_999].map((moment) => within(moment, { from: from(100), forMs: null }))).toEqual([
      false,
      true,
      true,
    ]);
    expect(within(9_999, { from: from(500), forMs: null })).toBe(false);
  });
});

it('a steady timeline never changes', () => {
  expect(holds(steady(7), 123_456, history())).toEqual({ value: 7, since: 1_000 });
  expect(timeOf(from(1), history())).toBeNull();
});
