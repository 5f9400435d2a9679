import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultLadder, inexpressible, ladderFaults } from '../../plan/weights.ts';

const weight = fc.integer({ min: 0, max: 10_000 });

describe('a ladder', () => {
  test('by default rises from 1 to 100 %', () => {
    expect(defaultLadder).toEqual([100, 500, 2500, 10_000]);
    expect(ladderFaults(defaultLadder)).toEqual([]);
  });

  test('without faults never falls, never stands still, starts above zero and ends at 100 %', () => {
    fc.assert(
      fc.property(fc.array(weight, { minLength: 1, maxLength: 8 }), (weights) => {
        const rises = weights.every((bp, index) => bp > (weights[index - 1] ?? 0));
        const isGood = rises && weights.at(-1) === 10_000;
        expect(ladderFaults(weights).length === 0).toBe(isGood);
      }),
    );
  });

  test('made of any distinct weights in order has no faults', () => {
    const ladder = fc
      .uniqueArray(fc.integer({ min: 1, max: 9_999 }), { maxLength: 10 })
      .map((weights) => [...weights.toSorted((a, b) => a - b), 10_000]);
    fc.assert(
      fc.property(ladder, (weights) => {
        expect(ladderFaults(weights)).toEqual([]);
      }),
    );
  });

  test('is told each fault at its step, and a step that could not be read is left out', () => {
    expect(ladderFaults([2500, 500, null, 2500, 9000])).toEqual([
      { index: 1, message: '5% does not rise above 25% before it', expected: 'weights in ascending order' },
      { index: 3, message: '25% does not rise above 25% before it', expected: 'weights in ascending order' },
      { index: 4, message: 'the last step is 90%', expected: '100%' },
    ]);
    expect(ladderFaults([100, null])).toEqual([]);
    expect(ladderFaults([0, 10_000])).toMatchObject([{ index: 0, message: 'a step of 0% moves nothing' }]);
  });

  test('must be multiples of what the target can express', () => {
    expect(inexpressible(defaultLadder, 1)).toEqual([]);
    expect(inexpressible(defaultLadder, 2500)).toMatchObject([
      { index: 0, message: 'the target cannot express 1%', expected: 'a multiple of 25%' },
      { index: 1 },
    ]);
  });
});
