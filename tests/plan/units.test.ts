import { describe, expect, test } from 'vitest';
import { formatBp, formatDuration, formatElapsed, formatShare, formatTime } from '../../plan/units.ts';

describe('units', () => {
  test.each([
    [0, '0s'],
    [500, '500ms'],
    [90_000, '1m30s'],
    [5_400_000, '1h30m'],
    [259_200_000, '3d'],
    [1_500, '1s500ms'],
  ])('a duration of %i ms is written %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test.each([
    [0, '0s'],
    [849.7, '849ms'],
    [1_250, '1.2s'],
    [59_999, '59s'],
    [125_348, '2m5s'],
    [11_545_000, '3h12m'],
    [187_300_000, '2d4h'],
  ])('a measured time of %f ms is rounded down to %s', (ms, text) => {
    expect(formatElapsed(ms)).toBe(text);
  });

  test('weights are written without rounding and shares with two decimals', () => {
    expect([1, 50, 100, 1234, 10_000].map(formatBp)).toEqual(['0.01%', '0.5%', '1%', '12.34%', '100%']);
    expect([0, 0.010_07, 0.25, 1].map(formatShare)).toEqual(['0%', '1.01%', '25%', '100%']);
  });

  test('moments are written in UTC to the second', () => {
    expect(formatTime(Date.UTC(2026, 10, 22, 9, 5, 7, 999))).toBe('2026-11-22T09:05:07Z');
  });
});
