import { describe, expect, it } from 'vitest';
import { isClean } from '../../judge/verdict.ts';
import { weighLimit } from '../../judge/limit.ts';
import { lasting, limit, minute, nothing, only, series, value } from './fixtures.ts';
import { judge } from '../../judge/judge.ts';
import { pollAt } from './fixtures.ts';

const sustained = limit({ forMs: 5 * minute });
const verdicts = (findings: readonly { verdict: string }[]) => findings.map((finding) => finding.verdict);

describe('a limit', () => {
  it('is strict where it is written strict', () => {
    expect(weighLimit(limit(), value(0.005))).toMatchObject({ breached: false });
    expect(weighLimit(limit({ breach: { op: '>=', value: 0.01 } }), value(0.01))).toMatchObject({ breached: true });
    expect(weighLimit(limit({ breach: { op: '<', value: 3 } }), value(3))).toMatchObject({ breached: false });
    expect(weighLimit(limit({ breach: { op: '!=', value: 1 } }), value(1))).toMatchObject({ breached: false });
  });

  it('does not take float dust for a breach', () => {
    const threshold = limit({ breach: { op: '>', value: 0.3 } });
    expect(weighLimit(threshold, value(0.1 + 0.2))).toMatchObject({ breached: false });
    expect(weighLimit(threshold, value(0.300_001))).toMatchObject({ breached: true });
  });

  it('fails at the first breach when nothing has to last', () => {
    expect(only(series(limit(), [value(0.006)]))).toMatchObject({ verdict: 'fail', breached: true, breachedMs: 0 });
  });

  it('does not fail on two breaches of 4m30s with a clean sample in between (T-17a)', () => {
    const burst = lasting(4.5 * minute, value(0.006));
    const findings = series(sustained, [...burst, value(0.001), ...burst, value(0.001)]);
    expect(verdicts(findings)).not.toContain('fail');
    expect(findings.at(-2)).toMatchObject({ verdict: 'inconclusive', breached: true, breachedMs: 4.5 * minute });
  });

  it('is clean for ever at exactly the threshold (T-17b)', () => {
    expect(series(sustained, lasting(60 * minute, value(0.005))).every(isClean)).toBe(true);
  });

  it('fails after five minutes of breach, saying so with numbers (T-17c)', () => {
    const findings = series(sustained, lasting(5 * minute, value(0.006)));
    expect(verdicts(findings)).toEqual([...Array<string>(10).fill('inconclusive'), 'fail']);
    expect(findings.at(-1)).toMatchObject({
      sentence: 'canary 0.6% > 0.5% for 5m of 5m',
      limit: '> 0.5%',
      value: 0.006,
      breachedMs: 5 * minute,
    });
    expect(findings.at(5)?.sentence).toBe('canary 0.6% > 0.5% for 2m30s of 5m, not long enough to fail');
  });

  it('is not clean while breached, and clean again with the next good sample (T-17d)', () => {
    const findings = series(sustained, [value(0.001), ...lasting(2 * minute, value(0.006)), value(0.001)]);
    expect(findings.map(isClean)).toEqual([true, false, false, false, false, false, true]);
  });

  it('reads success criteria as their negation: 1.0 % and 2.0 s breach `< 1%` and `< 2s` (T-21)', () => {
    const errors = limit({ breach: { op: '>=', value: 0.01, unit: '%' } });
    const latency = limit({ breach: { op: '>=', value: 2, unit: 's' } });
    expect(only(series(errors, [value(0.01)]))).toMatchObject({ verdict: 'fail', sentence: 'canary 1% ≥ 1%' });
    expect(only(series(latency, [value(2)]))).toMatchObject({ verdict: 'fail', sentence: 'canary 2s ≥ 2s' });
  });

  it('is no-data for an empty result and for numbers that are none (T-26)', () => {
    for (const sample of [nothing, value(Number.NaN), value(Infinity), value(-Infinity)]) {
      const finding = only(series(limit(), [sample]));
      expect(finding).toMatchObject({ verdict: 'no-data', breached: false, value: null });
      expect(finding.sentence).toMatch(/^no data: /);
    }
  });

  it('lets a single missing poll neither reset nor advance the breach', () => {
    const findings = series(sustained, [...lasting(2 * minute, value(0.006)), nothing, value(0.006), value(0.006)]);
    expect(findings.map((finding) => finding.breachedMs / minute)).toEqual([0, 0.5, 1, 1.5, 2, 2, 2, 2.5]);
  });

  it('does not count time between polls further apart than two intervals', () => {
    const first = judge([sustained], pollAt(0, { errors: value(1) }), {});
    const near = judge([sustained], pollAt(60_000, { errors: value(1) }), first.memory);
    const far = judge([sustained], pollAt(60_001, { errors: value(1) }), first.memory);
    expect(only(near.findings).breachedMs).toBe(60_000);
    expect(only(far.findings).breachedMs).toBe(0);
  });
});
