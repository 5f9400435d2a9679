import { describe, expect, test } from 'vitest';
import { readClaim, writtenClaim } from '../../../../providers/targets/http/claim.ts';
import type { Find } from '../../../../providers/targets/http/connection.ts';
import { found } from '../../../../providers/targets/http/find.ts';
import { canary, json, orderOf, stable } from './given.ts';

const place = { each: '$', digest: '$.digest', label: null, image: null, weight: '$.weight', ready: null };
const list: Find = { unit: 'percent', places: [{ ...place, each: '$.on[*]' }], claim: null, version: null };
const shares = (find: Find, answer: unknown) =>
  found(find, json(200, answer)).places.map(({ digest, bp }) => [digest, bp]);

describe('weights in an answer', () => {
  test.each([
    ['percent', [75, 25]],
    ['percent', ['75.0', '25']],
    ['basis-points', [7500, 2500]],
    ['fraction', [0.75, 0.25]],
  ] as const)('are read in %s', (unit, [a, b]) => {
    const answer = {
      on: [
        { digest: 'a', weight: a },
        { digest: 'b', weight: b },
      ],
    };
    expect(shares({ ...list, unit }, answer)).toEqual([
      ['a', 7500],
      ['b', 2500],
    ]);
  });

  test('a single share leaves the rest to the other', () => {
    const places = [
      { ...place, digest: '$.stable', weight: 'rest' },
      { ...place, digest: '$.canary', weight: '$.percent' },
    ];
    expect(shares({ ...list, places }, { stable: 'a', canary: 'b', percent: 5 })).toEqual([
      ['a', 9500],
      ['b', 500],
    ]);
    expect(shares({ ...list, places }, { stable: 'a', canary: null, percent: 0 })).toEqual([
      ['a', 10_000],
      [null, 0],
    ]);
  });

  test('what rounding leaves goes to the largest, and nothing at all is nothing', () => {
    const thirds = { on: ['a', 'b', 'c'].map((digest) => ({ digest, weight: 33.333 })) };
    expect(shares(list, thirds).reduce((sum, [, bp]) => sum + Number(bp), 0)).toBe(10_000);
    expect(shares(list, { on: [] })).toEqual([]);
    expect(shares(list, { on: [{ digest: 'a', weight: 0 }] })).toEqual([['a', 0]]);
  });

  test.each([
    [{ on: [{ digest: 'a' }] }, /no weight at/],
    [{ on: [{ digest: 'a', weight: 'many' }] }, /no weight at/],
    [
      {
        on: [
          { digest: 'a', weight: -5 },
          { digest: 'b', weight: 105 },
        ],
      },
      /no share in percent/,
    ],
    [
      {
        on: [
          { digest: 'a', weight: 50 },
          { digest: 'b', weight: 25 },
        ],
      },
      /add up to 75 %/,
    ],
  ])('%j is no reading', (answer, why) => {
    expect(() => shares(list, answer)).toThrow(why);
  });

  test('an answer that is no JSON is that of something in between', () => {
    const page = { status: 200, headers: {}, body: '<html>' };
    expect(() => found(list, page)).toThrow(expect.objectContaining({ code: 'unreachable' }));
  });
});

describe('the stored claim', () => {
  const claim = { ...orderOf(7), stage: { kind: 'step', index: 1 }, canaryBp: 500, since: 5, released: false } as const;

  test('comes back as it was, in one word of letters and digits', () => {
    const text = writtenClaim(claim);
    expect(text).toMatch(/^[\w.-]+$/);
    expect(text.length).toBeLessThan(3_000);
    expect(readClaim(text)).toEqual({ kind: 'claim', claim });
  });

  test('may be absent, and what others wrote is no claim', () => {
    expect([undefined, null, ''].map(readClaim)).toEqual(Array(3).fill({ kind: 'none' }));
    const broken = writtenClaim({ ...claim, canaryBp: 10_001 });
    const others = [
      'call Bob before you touch this',
      'sluice1.%%%',
      `${writtenClaim(claim)}x`.slice(0, 60),
      broken,
      7,
      { a: 1 },
    ];
    expect(others.map(readClaim)).toEqual(Array(others.length).fill({ kind: 'foreign' }));
  });

  test('names both releases, so that whoever finds it knows the way back', () => {
    expect(readClaim(writtenClaim(claim))).toMatchObject({ claim: { stable, canary } });
  });
});
