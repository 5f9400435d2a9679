import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { limitInWords } from '../../judge/sentences.ts';
import type { Sample } from '../../judge/verdict.ts';
import { alert, firing, minute, nothing, only, series, value } from './fixtures.ts';

describe('an alert', () => {
  it('that fires is bad, and is named (T-24)', () => {
    expect(only(series(alert(), [firing('HighErrors', 'DiskFull')]))).toMatchObject({
      verdict: 'fail',
      value: 2,
      sentence: '2 alerts fire: HighErrors, DiskFull',
      limit: 'fires {severity="critical"}',
    });
    expect(limitInWords(alert({ matchers: [{ label: 'alertname', op: '=~', value: 'Web.+' }] }))).toBe(
      'fires {alertname=~"Web.+"}',
    );
  });

  it('that does not fire is good where a rule could have raised it', () => {
    const [finding] = series(alert(), [firing()]);
    expect(finding).toMatchObject({ verdict: 'pass', value: 0, sentence: 'no alert fires, 2 rules could raise one' });
  });

  it('may have to fire for a while', () => {
    const findings = series(alert({ forMs: minute }), [firing('A'), firing('A'), firing('A'), firing()]);
    expect(findings.map(({ verdict }) => verdict)).toEqual(['inconclusive', 'inconclusive', 'fail', 'pass']);
    expect(findings[1]?.sentence).toBe('1 alert fires for 30s of 1m, not long enough to fail: A');
  });

  it.each<readonly [string, Sample]>([
    ['nobody could say', nothing],
    ['a number came instead', value(0)],
    ['no rule could raise it', { kind: 'alerts', firing: 0, names: [], rules: 0 }],
    ['the count is none', { kind: 'alerts', firing: Number.NaN, names: [], rules: 1 }],
  ])('is no-data where %s (I7)', (_, sample) => {
    expect(only(series(alert(), [sample])).verdict).toBe('no-data');
  });

  test.prop([fc.array(fc.string(), { maxLength: 4 }), fc.nat(5), fc.nat(5)])(
    'is judged without a throw and in few words, whatever its names are',
    (names, count, rules) => {
      const { verdict, sentence } = only(series(alert(), [{ kind: 'alerts', firing: count, names, rules }]));
      expect(verdict).toBe(count > 0 ? 'fail' : rules > 0 ? 'pass' : 'no-data');
      expect(sentence.length).toBeLessThan(300);
    },
  );
});
