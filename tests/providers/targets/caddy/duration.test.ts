import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../../../plan/plan.ts';
import { goDurationMs } from '../../../../providers/targets/caddy/duration.ts';

describe('a duration in Caddy', () => {
  it.each<[JsonValue | undefined, number | null]>([
    [60_000_000_000, 60_000],
    ['60s', 60_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['2d', 172_800_000],
    ['500µs', 0.5],
    ['', null],
    ['soon', null],
    ['10', null],
    ['-5s', null],
    [null, null],
    [undefined, null],
  ])('%j is %j ms', (value, ms) => {
    expect(goDurationMs(value)).toBe(ms);
  });
});
