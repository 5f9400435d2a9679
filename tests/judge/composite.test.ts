import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { combined, type PartState } from '../../judge/composite.ts';
import { judge } from '../../judge/judge.ts';
import type { JudgeMemory, Sample } from '../../judge/verdict.ts';
import type { Criterion } from '../../plan/criteria.ts';
import { composite, limit, minute, nothing, only, pollAt, value } from './fixtures.ts';

const [good, bad] = [value(0), value(1)];
const leaf = (id: string, over: Parameters<typeof limit>[0] = {}) => limit({ id, ...over });
const ab = (kind: 'all-of' | 'any-of', over = {}) => composite(kind, [leaf('a'), leaf('b')], over);

function verdictOf(criterion: Criterion, samples: Readonly<Record<string, Sample>>) {
  return only(judge([criterion], pollAt(0, samples), {}).findings);
}

describe('a composite', () => {
  it.each<readonly [string, Sample, Sample, string, string]>([
    ['both bad', bad, bad, 'fail', 'fail'],
    ['one bad, one good', bad, good, 'pass', 'fail'],
    ['both good', good, good, 'pass', 'pass'],
    ['one bad, one without data', bad, nothing, 'no-data', 'fail'],
    ['one good, one without data', good, nothing, 'pass', 'no-data'],
    ['none with data', nothing, nothing, 'no-data', 'no-data'],
  ])('of %s parts is what the known ones decide', (_, a, b, allOf, anyOf) => {
    for (const samples of [
      { a, b },
      { a: b, b: a },
    ]) {
      expect(verdictOf(ab('all-of'), samples).verdict).toBe(allOf);
      expect(verdictOf(ab('any-of'), samples).verdict).toBe(anyOf);
    }
  });

  it('says how each part is, and what is needed', () => {
    expect(verdictOf(ab('all-of'), { a: bad, b: nothing }).sentence).toBe(
      'no data: 1 of 2 bad, all are needed: a bad (100% > 0.5%); b no data (the result is empty)',
    );
    expect(verdictOf(ab('any-of'), { a: bad, b: good })).toMatchObject({
      sentence: '1 of 2 bad, one is enough: a bad (100% > 0.5%); b good (0% ≤ 0.5%)',
      limit: 'any of a, b',
      value: 1,
    });
  });

  it('has a time of its own, which gaps neither reset nor satisfy', () => {
    const criterion = ab('all-of', { forMs: minute });
    const seen = [bad, bad, nothing, bad, bad].reduce<{ memory: JudgeMemory; verdicts: string[] }>(
      ({ memory, verdicts }, b, index) => {
        const judged = judge([criterion], pollAt(index * 30_000, { a: bad, b }), memory);
        return { memory: judged.memory, verdicts: [...verdicts, only(judged.findings).verdict] };
      },
      { memory: {}, verdicts: [] },
    );
    expect(seen.verdicts).toEqual(['inconclusive', 'inconclusive', 'no-data', 'inconclusive', 'fail']);
  });

  it('waits for parts that are bad, but not long enough', () => {
    const slow = composite('all-of', [leaf('a', { forMs: minute }), leaf('b')]);
    expect(verdictOf(slow, { a: bad, b: bad }).verdict).toBe('inconclusive');
    expect(verdictOf(slow, { a: bad, b: good }).verdict).toBe('pass');
  });

  it('sees what it refers to as soon as that is breached, or only once it has failed', () => {
    const errors = leaf('errors', { forMs: minute });
    const about = (phase: 'failed' | 'breached') =>
      composite('all-of', [{ kind: 'ref', criterion: 'errors', phase }, leaf('circuit')]);
    const whole = (phase: 'failed' | 'breached', over = {}) =>
      judge([errors, about(phase)], pollAt(0, { errors: bad, circuit: bad }, over), {}).findings[1];
    expect(whole('failed')?.verdict).toBe('inconclusive');
    expect(whole('breached')?.verdict).toBe('fail');
    const warming = judge(
      [{ ...errors, warmUpMs: minute }, about('breached')],
      pollAt(0, { errors: bad, circuit: bad }),
      {},
    );
    expect(warming.findings[1]?.verdict).toBe('inconclusive');
  });

  it('is undecided about what nobody judged', () => {
    const dangling = composite('any-of', [{ kind: 'ref', criterion: 'gone', phase: 'failed' }, leaf('a')]);
    expect(verdictOf(dangling, { a: good }).verdict).toBe('inconclusive');
    expect(verdictOf(dangling, { a: bad }).verdict).toBe('fail');
  });

  it('nests, and fails as the seed wants it: breaker open and something degraded (T-19)', () => {
    const degraded = composite('any-of', [{ kind: 'ref', criterion: 'latency', phase: 'breached' }, leaf('chat')], {
      id: 'degraded',
    });
    const plan = [leaf('latency'), composite('all-of', [leaf('circuit'), degraded])];
    const verdict = (latency: Sample, chat: Sample, circuit: Sample) =>
      judge(plan, pollAt(0, { latency, chat, circuit }), {}).findings.at(-1)?.verdict;
    expect(verdict(good, good, bad)).toBe('pass');
    expect(verdict(good, bad, good)).toBe('pass');
    expect(verdict(good, bad, bad)).toBe('fail');
    expect(verdict(bad, nothing, bad)).toBe('fail');
    expect(verdict(good, nothing, bad)).toBe('no-data');
  });
});

// ── Missing data never decides ───────────────────────────────────────────────────────────────────────────────────────

type Tree =
  { readonly leaf: 'good' | 'bad' | 'gone' } | { readonly kind: 'all-of' | 'any-of'; readonly parts: readonly Tree[] };

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({ leaf: fc.constantFrom('good', 'bad', 'gone') }),
    fc.record({
      kind: fc.constantFrom('all-of', 'any-of'),
      parts: fc.array(tie('tree'), { minLength: 1, maxLength: 4 }),
    }),
  ),
}));

/** The tree as criteria with numbered ids, and what is said about each leaf. */
function planted(root: Tree) {
  const samples: Record<string, Sample> = {};
  let count = 0;
  const grow = (one: Tree): Criterion => {
    const id = `c${String((count += 1))}`;
    if ('parts' in one) return composite(one.kind, one.parts.map(grow), { id });
    samples[id] = { good, bad, gone: nothing }[one.leaf];
    return leaf(id);
  };
  return { criterion: grow(root), samples };
}

/** What plain logic says where everything is known. */
function isBad(one: Tree, gone: 'good' | 'bad'): boolean {
  if ('leaf' in one) return (one.leaf === 'gone' ? gone : one.leaf) === 'bad';
  return one.kind === 'all-of'
    ? one.parts.every((part) => isBad(part, gone))
    : one.parts.some((part) => isBad(part, gone));
}

describe('whatever a composite is made of', () => {
  // Both kinds are monotone: if it is the same with all missing parts good and with all of them bad, it is so in between.
  test.prop([tree], { numRuns: 500 })('it passes or fails exactly when no missing part could change that', (root) => {
    const { criterion, samples } = planted(root);
    const [best, worst] = [isBad(root, 'good'), isBad(root, 'bad')];
    const expected = best === worst ? (best ? 'fail' : 'pass') : 'no-data';
    expect(verdictOf(criterion, samples).verdict).toBe(expected);
  });

  const anyState = fc.constantFrom<PartState>('good', 'bad', 'no-data', 'undecided', 'idle');
  test.prop([fc.constantFrom('all-of', 'any-of'), fc.array(anyState, { maxLength: 6 }), fc.nat()])(
    'the order of its parts, and how often one says the same, is nothing to it',
    (kind, states, turn) => {
      const cut = states.length === 0 ? 0 : turn % states.length;
      expect(combined(kind, [...states.slice(cut), ...states, ...states.slice(0, cut)])).toBe(combined(kind, states));
    },
  );
});
