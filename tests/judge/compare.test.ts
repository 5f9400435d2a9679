import { describe, expect, it } from 'vitest';
import { judge } from '../../judge/judge.ts';
import { compare, only, pollAt, series, value } from './fixtures.ts';

const verdictOf = (criterion: ReturnType<typeof compare>, canary: number, baseline: number | null) =>
  only(series(criterion, [value(canary, baseline)]));

describe('a comparison', () => {
  it('is clean at exactly the factor and fails above it, naming both numbers (T-18a, b)', () => {
    expect(verdictOf(compare(), 0.8, 0.4)).toMatchObject({ verdict: 'pass', sentence: 'canary 0.8 ≤ 2 × stable 0.4' });
    expect(verdictOf(compare(), 0.801, 0.4)).toMatchObject({
      verdict: 'fail',
      sentence: 'canary 0.801 > 2 × stable 0.4',
      limit: '> 2x stable',
      baseline: 0.4,
    });
  });

  it('counts equality with float dust as equality', () => {
    const tenPercent = compare({ breach: { op: '>', factor: 1.1 } });
    expect(verdictOf(tenPercent, 0.11, 0.1)).toMatchObject({ verdict: 'pass' });
    expect(verdictOf(tenPercent, 0.1101, 0.1)).toMatchObject({ verdict: 'fail' });
  });

  it('is inconclusive without a baseline, and with one of zero and no floor (T-18c, d)', () => {
    expect(verdictOf(compare(), 0.8, null)).toMatchObject({
      verdict: 'inconclusive',
      sentence: 'no baseline from stable',
    });
    expect(verdictOf(compare({ floor: 1 }), 0.8, null)).toMatchObject({ verdict: 'inconclusive' });
    expect(verdictOf(compare(), 0.8, 0)).toMatchObject({ verdict: 'inconclusive', breached: false });
    expect(verdictOf(compare(), 0.8, Number.NaN)).toMatchObject({ verdict: 'inconclusive', baseline: null });
    expect(verdictOf(compare(), 0.8, 1e308)).toMatchObject({ verdict: 'inconclusive' });
  });

  it('uses the floor where the baseline is smaller (T-25)', () => {
    const errors = compare({ breach: { op: '>', factor: 1.5 }, floor: 0.001 });
    expect(verdictOf(errors, 0.0012, 0)).toMatchObject({ verdict: 'pass' });
    expect(verdictOf(errors, 0.0016, 0)).toMatchObject({
      verdict: 'fail',
      sentence: 'canary 0.0016 > 1.5 × floor 0.001',
      limit: '> 1.5x stable, at least 0.001',
    });
    expect(verdictOf(errors, 0.0151, 0.01)).toMatchObject({ verdict: 'fail' });
    expect(verdictOf(errors, 0.015, 0.01)).toMatchObject({ verdict: 'pass' });
  });

  it('goes on with the last good baseline once stable serves nobody', () => {
    const good = judge([compare()], pollAt(0, { latency: value(0.5, 0.4) }), {});
    const lost = judge([compare()], pollAt(30_000, { latency: value(0.5, Number.NaN) }), good.memory);
    const gone = { stableServes: false };
    const bad = judge([compare()], pollAt(60_000, { latency: value(0.81, 7) }, gone), lost.memory);
    expect(only(bad.findings)).toMatchObject({ verdict: 'fail', baseline: 0.4 });
    expect(only(judge([compare()], pollAt(0, { latency: value(0.5, 0.4) }, gone), {}).findings)).toMatchObject({
      verdict: 'inconclusive',
    });
  });

  it('does not replace a live stable without data by an old baseline', () => {
    const good = judge([compare()], pollAt(0, { latency: value(0.5, 0.4) }), {});
    const lost = judge([compare()], pollAt(30_000, { latency: value(0.5, null) }), good.memory);
    expect(only(lost.findings).verdict).toBe('inconclusive');
  });

  it('is no-data when the canary has no number, whatever the baseline', () => {
    expect(verdictOf(compare(), Number.NaN, 0.4)).toMatchObject({ verdict: 'no-data', baseline: 0.4 });
  });
});
