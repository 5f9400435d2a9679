import { describe, expect, test } from 'vitest';
import { noHistory, remembered, scaleOf } from '../../cli/render/history.ts';
import { marksFor, sparkline } from '../../cli/render/sparkline.ts';
import { judge } from '../../judge/judge.ts';
import type { CompareCriterion, LimitCriterion } from '../../plan/criteria.ts';
import { finding, noon, status, weights } from './statuses.ts';

const blocks = marksFor({ LANG: 'en_US.UTF-8' });
const ascii = marksFor({ LC_ALL: 'C', LANG: 'en_US.UTF-8' });

describe('a sparkline', () => {
  test('goes from the lowest value to the highest', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 24, {}, blocks)).toBe('▁▂▃▄▅▆▇█');
    expect(sparkline([7, 3, 0, 7], 24, {}, ascii)).toBe('#-.#');
  });

  test('shows the newest where not all have room', () => {
    expect(sparkline([0, 9, 9, 0, 8], 2, {}, blocks)).toBe('▁█');
    expect(sparkline([0, 9], 0, {}, blocks)).toBe('');
  });

  test('draws full only what reaches the threshold, also when that is far away or long passed', () => {
    expect(sparkline([0, 0.5, 0.999, 1, 300], 24, { top: 1 }, blocks)).toBe('▁▄▇██');
    expect(sparkline([5, 6, 7], 24, { top: 1 }, blocks)).toBe('███');
    expect(sparkline([0.01, 0.011, 0.01], 24, { top: 1 }, blocks)).toBe('▁▁▁');
  });

  test('draws lowest what is at or below a lower threshold', () => {
    expect(sparkline([1, 0.9, 0.5, 0.2], 24, { bottom: 0.9 }, blocks)).toBe('█▁▁▁');
    expect(sparkline([0.2, 0.3], 24, { bottom: 0.9 }, blocks)).toBe('▁▁');
  });

  test('leaves a gap for what is no number, and is safe with any number', () => {
    expect(sparkline([0, null, NaN, Infinity, -Infinity, 1], 24, {}, blocks)).toBe('▁····█');
    expect(sparkline([0, null, 1], 24, {}, ascii)).toBe('. #');
    expect(sparkline([-Number.MAX_VALUE, 0, Number.MAX_VALUE], 24, {}, blocks)).toBe('▁▄█');
    expect(sparkline([3, 3, 3], 24, {}, blocks)).toBe('▁▁▁');
    expect(sparkline([0, 0, 0], 24, { top: 0 }, blocks)).toBe('▁▁▁');
  });

  test('says nothing with fewer than two numbers', () => {
    expect(sparkline([], 24, {}, blocks)).toBe('');
    expect(sparkline([null, 3, NaN], 24, {}, blocks)).toBe('');
  });

  test('is ASCII where the locale names another character set', () => {
    for (const env of [
      { LC_ALL: 'POSIX' },
      { LC_CTYPE: 'de_DE.ISO-8859-1', LANG: 'C.UTF-8' },
      { LC_ALL: '', LANG: 'C' },
    ])
      expect(marksFor(env), JSON.stringify(env)).toEqual(ascii);
    for (const env of [{}, { LANG: 'C.utf8' }, { LC_ALL: 'en_GB.UTF-8', LANG: 'C' }])
      expect(marksFor(env), JSON.stringify(env)).toEqual(blocks);
  });
});

describe('the scale', () => {
  const common = {
    id: 'x',
    query: 'q',
    do: 'rollback',
    severity: 'P0',
    when: 'always',
    forMs: 0,
    warmUpMs: 0,
    minSamples: 0,
  } as const;
  const scaleFor = (criterion: LimitCriterion | CompareCriterion, baseline: number | null) => {
    const poll = {
      at: noon,
      everyMs: 1,
      stage: 'canary',
      sinceShiftMs: 1,
      canaryRequests: 1,
      stableServes: true,
    } as const;
    const { findings } = judge([criterion], { ...poll, samples: { x: { kind: 'value', value: 0.3, baseline } } }, {});
    return findings.map(scaleOf)[0];
  };
  const limit = (breach: LimitCriterion['breach'], clear?: LimitCriterion['breach']) =>
    scaleFor({ ...common, kind: 'limit', breach, ...(clear !== undefined && { clear }) }, null);

  test('has the threshold that the judge went by, in the unit of the value', () => {
    expect(limit({ op: '>', value: 0.005, unit: '%' })).toEqual({ top: 0.005 });
    expect(limit({ op: '>=', value: 0.8, unit: 'ms' }, { op: '<', value: 0.5, unit: 'ms' })).toEqual({ top: 0.8 });
    expect(limit({ op: '>', value: 2, unit: 's' })).toEqual({ top: 2 });
    expect(limit({ op: '<', value: 1e-7 })).toEqual({ bottom: 1e-7 });
    expect(limit({ op: '!=', value: 3 })).toEqual({});
  });

  test('moves with the baseline of a comparison, down to its floor', () => {
    const compare = { ...common, kind: 'compare', against: 'stable', breach: { op: '>', factor: 2 } } as const;
    expect(scaleFor({ ...compare, floor: 0 }, 0.4)).toEqual({ top: 0.8 });
    expect(scaleFor({ ...compare, floor: 0.5, clear: { op: '<', factor: 1 } }, 0.4)).toEqual({ top: 1 });
    expect(scaleFor({ ...compare, floor: 0.5 }, null)).toEqual({});
  });

  test('is unknown for what has no threshold', () => {
    expect(scaleOf(finding({ limit: 'fires {severity="critical"}' }))).toEqual({});
    expect(scaleOf(finding({ limit: 'any of errors, latency' }))).toEqual({});
  });
});

describe('the history', () => {
  const at = (poll: number, value: number | null) =>
    status({
      weights: weights(500, value, 1),
      findings: [finding({ at: noon + poll * 1_000, value, verdict: value === null ? 'no-data' : 'pass' })],
    });
  const valuesOf = (history: typeof noHistory) => history.criteria.get('errors')?.values;

  test('takes one value for each poll, however often it is looked at, and none from an older poll', () => {
    const looks = [at(1, 0.1), at(1, 0.1), at(2, null), at(2, null), at(1, 0.1), at(3, 0.3)];
    const history = looks.reduce(remembered, noHistory);
    expect(valuesOf(history)).toEqual([0.1, null, 0.3]);
    expect(history.weight.values).toEqual([0.1, null, 0.3]);
  });

  test('keeps the last 24', () => {
    const looks = Array.from({ length: 100 }, (_, index) => at(index, index));
    const history = looks.reduce(remembered, noHistory);
    expect(valuesOf(history)).toEqual(Array.from({ length: 24 }, (_, index) => 76 + index));
    expect(history.weight.values).toHaveLength(24);
  });
});
