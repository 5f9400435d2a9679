import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { formatPair, limitInWords } from '../../judge/sentences.ts';
import { holds, opposite } from '../../judge/comparison.ts';
import { formatNumber } from '../../plan/units.ts';
import { compare, limit } from './fixtures.ts';

describe('the judge’s words', () => {
  it('write numbers in the unit of the spec', () => {
    expect(formatNumber(0.006, '%')).toBe('0.6%');
    expect(formatNumber(0.8014, 'ms')).toBe('801ms');
    expect(formatNumber(2, 's')).toBe('2s');
    expect(formatNumber(0.000_123_456, null)).toBe('0.000123');
  });

  it('never show two different numbers as the same', () => {
    expect(formatPair(0.005_000_4, 0.005, '%')).toEqual(['0.50004%', '0.5%']);
    expect(formatPair(0.005, 0.005, '%')).toEqual(['0.5%', '0.5%']);
  });

  it('name the bad condition as the spec wrote it', () => {
    expect(limitInWords(limit())).toBe('> 0.5%');
    expect(limitInWords(limit({ breach: { op: '>=', value: 500 } }))).toBe('>= 500');
    expect(limitInWords(compare({ breach: { op: '>', factor: 1.1 } }))).toBe('> 1.1x stable');
  });

  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  test.prop([fc.constantFrom('>', '>=', '<', '<=', '==', '!='), number, number])(
    'say the opposite exactly when the condition does not hold',
    (op, a, b) => {
      expect(holds(opposite(op), a, b)).toBe(!holds(op, a, b));
    },
  );
});
