import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { judge } from '../../judge/judge.ts';
import { isClean, type JudgeMemory, type Poll, type NumberSample } from '../../judge/verdict.ts';
import { compare, lasting, limit, minute, nothing, only, pollAt, series, value } from './fixtures.ts';

describe('the judge', () => {
  it('says nothing about criteria that are not armed in this stage', () => {
    const criteria = [limit({ id: 'a', when: 'watch' }), limit({ id: 'b', when: 'always' }), limit({ id: 'c' })];
    const ids = (stage: Poll['stage']) =>
      judge(criteria, pollAt(0, {}, { stage }), {}).findings.map((f) => f.criterion);
    expect(ids('canary')).toEqual(['b', 'c']);
    expect(ids('watch')).toEqual(['a', 'b']);
  });

  it('asks for enough requests before it says anything, also before it rolls back', () => {
    const criterion = limit({ minSamples: 20 });
    const at = (canaryRequests: number | null, number: number) =>
      only(series(criterion, [value(number)], { canaryRequests }));
    expect(at(19, 1)).toMatchObject({ verdict: 'inconclusive', breached: true });
    expect(at(19, 1).sentence).toBe('canary 100% > 0.5%, but only 19 requests, 20 needed');
    expect(at(null, 0)).toMatchObject({ verdict: 'inconclusive', breached: false });
    expect(at(null, 0).sentence).toBe('canary 0% ≤ 0.5%, but the number of its requests is unknown, 20 needed');
    expect(at(20, 1).verdict).toBe('fail');
    expect(at(20, 0).verdict).toBe('pass');
  });

  it('ignores what it sees while a changed weight warms up', () => {
    const criterion = limit({ warmUpMs: minute });
    const early = judge([criterion], pollAt(45_000, { errors: value(1) }), {});
    expect(only(early.findings)).toMatchObject({ verdict: 'inconclusive', breachedMs: 0 });
    expect(only(early.findings).sentence).toBe(
      'canary 100% > 0.5%, ignored for another 15s after the change of weight',
    );
    expect(only(judge([criterion], pollAt(minute, { errors: value(1) }), early.memory).findings).verdict).toBe('fail');
  });

  it('does not let warm-up time count towards a `for`', () => {
    const criterion = limit({ warmUpMs: 2 * minute, forMs: minute });
    const findings = lasting(3 * minute, value(1)).map((sample, index) => ({ sample, at: index * 30_000 }));
    let memory: JudgeMemory = {};
    const verdicts = findings.map(({ sample, at }) => {
      const judged = judge([criterion], pollAt(at, { errors: sample }), memory);
      memory = judged.memory;
      return only(judged.findings).verdict;
    });
    expect(verdicts).toEqual([...Array<string>(6).fill('inconclusive'), 'fail']);
  });

  it('is no-data for a criterion that nobody asked', () => {
    expect(only(judge([limit()], pollAt(0, {}), {}).findings)).toMatchObject({ verdict: 'no-data' });
  });

  it('is not confused by criteria named like properties of every object', () => {
    const judged = judge([limit({ id: 'constructor' })], pollAt(0, { constructor: value(1) }), {});
    expect(only(judged.findings).verdict).toBe('fail');
    expect(only(judge([limit({ id: 'constructor' })], pollAt(0, {}), {}).findings).verdict).toBe('no-data');
  });
});

const anyNumber = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Infinity, -Infinity, -0, 5e-324, 1.7e308, -1e308));
const anySample: fc.Arbitrary<NumberSample> = fc.oneof(
  fc.record({
    kind: fc.constant('value' as const),
    value: anyNumber,
    baseline: fc.option(anyNumber),
  }),
  fc.constant(nothing),
);
const op = fc.constantFrom('>', '>=', '<', '<=', '==', '!=');
const anyCriterion = fc.oneof(
  fc
    .record({ op, number: fc.double({ noNaN: true, noDefaultInfinity: true }), forMs: fc.nat(600_000) })
    .map((c) => limit({ id: 'x', breach: { op: c.op, value: c.number }, forMs: c.forMs })),
  fc
    .record({
      op,
      number: fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
      floor: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    .map((c) => compare({ id: 'x', breach: { op: c.op, factor: c.number }, floor: c.floor, forMs: 60_000 })),
);

describe('for every series of samples', () => {
  test.prop([anyCriterion, fc.array(anySample, { maxLength: 30 })])(
    'the judge gives one plain finding',
    (criterion, samples) => {
      for (const finding of series(criterion, samples)) {
        expect(JSON.parse(JSON.stringify(finding))).toEqual({
          ...finding,
          ...(Object.is(finding.value, -0) ? { value: 0 } : {}),
          ...(Object.is(finding.baseline, -0) ? { baseline: 0 } : {}),
        });
        expect(finding.sentence.length).toBeLessThan(200);
      }
    },
  );

  test.prop([anyCriterion, anySample])('what is not a finite number is neither pass nor fail', (criterion, sample) => {
    const finding = only(series(criterion, [sample]));
    if (sample.kind === 'no-data' || !Number.isFinite(sample.value)) expect(finding.verdict).toBe('no-data');
  });

  test.prop([fc.array(fc.constantFrom('bad', 'gone'), { minLength: 1, maxLength: 60 })])(
    'gaps neither reset a breach nor satisfy its time',
    (kinds) => {
      const findings = series(
        limit({ forMs: 5 * minute }),
        kinds.map((kind) => (kind === 'bad' ? value(1) : nothing)),
      );
      let badTime = 0;
      kinds.forEach((kind, index) => {
        if (kind === 'bad' && kinds[index - 1] === 'bad') badTime += 30_000;
        const expected = kind === 'gone' ? 'no-data' : badTime >= 5 * minute ? 'fail' : 'inconclusive';
        expect(findings[index]).toMatchObject({ verdict: expected, breachedMs: badTime });
      });
    },
  );

  test.prop([fc.array(anySample, { minLength: 1, maxLength: 20 })])(
    'a finding that is clean is one with data',
    (samples) => {
      for (const finding of series(compare({ forMs: minute }), samples)) {
        if (isClean(finding)) expect(finding.value).not.toBeNull();
      }
    },
  );

  it('keeps a memory that survives JSON', () => {
    const judged = judge([limit(), compare()], pollAt(0, { errors: value(1), latency: value(1, 0.4) }), {});
    expect(JSON.parse(JSON.stringify(judged.memory))).toEqual(judged.memory);
  });
});
