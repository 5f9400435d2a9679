import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { limitInWords } from '../../judge/sentences.ts';
import { isClean } from '../../judge/verdict.ts';
import { compare, limit, minute, nothing, series, value } from './fixtures.ts';

const banded = limit({ clear: { op: '<', value: 0.003, unit: '%' } });

describe('a clear threshold', () => {
  it('keeps a breach going in the band below it, until it is really over', () => {
    const findings = series(
      banded,
      [0.004, 0.006, 0.004, 0.003, 0.0029, 0.004].map((number) => value(number)),
    );
    expect(findings.map(({ verdict }) => verdict)).toEqual(['pass', 'fail', 'fail', 'fail', 'pass', 'pass']);
    expect(findings[2]?.sentence).toBe('canary 0.4% ≥ 0.3%, so not clear again');
    expect(limitInWords(banded)).toBe('> 0.5% until < 0.3%');
  });

  it('lets time in the band count towards a `for`', () => {
    const sustained = { ...banded, forMs: minute };
    const findings = series(sustained, [value(0.006), value(0.004), value(0.004)]);
    expect(findings.map(({ verdict }) => verdict)).toEqual(['inconclusive', 'inconclusive', 'fail']);
  });

  it('is still to be reached after a gap', () => {
    const findings = series(banded, [value(0.006), nothing, value(0.004)]);
    expect(findings.map(({ verdict }) => verdict)).toEqual(['fail', 'no-data', 'fail']);
  });

  it('is not needed for what was seen while nothing counted', () => {
    const warm = { ...banded, warmUpMs: 45_000 };
    expect(series(warm, [value(0.006), value(0.006), value(0.004)], {}).map(({ verdict }) => verdict)).toEqual([
      'inconclusive',
      'inconclusive',
      'pass',
    ]);
  });

  it('of a comparison goes with the baseline', () => {
    const criterion = compare({ clear: { op: '<', factor: 1.5 } });
    const findings = series(criterion, [value(0.9, 0.4), value(0.7, 0.4), value(0.59, 0.4), value(0.7, 0.4)]);
    expect(findings.map(({ verdict }) => verdict)).toEqual(['fail', 'fail', 'pass', 'pass']);
    expect(findings[1]?.sentence).toBe('canary 0.7 ≥ 1.5 × stable 0.4, so not clear again');
    expect(limitInWords(criterion)).toBe('> 2x stable until < 1.5x');
  });

  test.prop([fc.array(fc.constantFrom(0, 0.002, 0.004, 0.006, null), { minLength: 1, maxLength: 30 })])(
    'only ever makes a criterion stricter',
    (numbers) => {
      const samples = numbers.map((number) => (number === null ? nothing : value(number)));
      const [loose, strict] = [series(limit(), samples), series(banded, samples)];
      strict.forEach((finding, index) => {
        if (isClean(finding)) expect(loose[index]).toMatchObject({ verdict: 'pass' });
        if (samples[index] === nothing) expect(finding.verdict).toBe('no-data');
      });
    },
  );
});
