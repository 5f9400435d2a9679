import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { cycleOf, reduce, toBasisPoints } from '../../../../providers/targets/caddy/weights.ts';

describe('weights', () => {
  it('are reduced, so that the canary never gets a needless burst', () => {
    expect(reduce({ a: 9900, b: 100 })).toEqual({ a: 99, b: 1 });
    expect(reduce({ a: 2500, b: 7500 })).toEqual({ a: 1, b: 3 });
    expect(reduce({ a: 10_000, b: 0 })).toEqual({ a: 1, b: 0 });
    expect(reduce({ a: 0, b: 10_000 })).toEqual({ a: 0, b: 1 });
    expect([cycleOf(100), cycleOf(0), cycleOf(3333)]).toEqual([100, 1, 10_000]);
  });

  test.prop([fc.integer({ min: 0, max: 10_000 })])('say exactly the share they came from', (bp) => {
    const { a, b } = reduce({ a: 10_000 - bp, b: bp });
    expect(toBasisPoints([a, b])).toEqual([10_000 - bp, bp]);
    expect(a + b).toBe(cycleOf(bp));
  });

  test.prop([fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 5 })])(
    'of anybody are 10,000 basis points in all, each within one of its exact share',
    (weights) => {
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const shares = toBasisPoints(weights);
      expect(shares.reduce((sum, bp) => sum + bp, 0)).toBe(total === 0 ? 0 : 10_000);
      for (const [index, weight] of weights.entries()) {
        expect(Math.abs((shares[index] ?? 0) - (total === 0 ? 0 : (weight * 10_000) / total))).toBeLessThan(1);
      }
    },
  );
});
