import { describe, expect, it } from 'vitest';
import { outcomeOf, type EndFacts } from '../../testbed/demo/ending.ts';
import { runDemo } from '../../testbed/demo/run.ts';
import { complaints, type Ended, type Summary } from '../../testbed/demo/summary.ts';

describe('the outcome that the target shows', () => {
  const facts = (configured: string | null, answered: readonly string[], wasExposed = true): EndFacts => ({
    configured,
    answered,
    wasExposed,
  });

  it.each([
    ['completed', facts('v2', ['v2'])],
    ['rolled-back', facts('v1', ['v1'])],
    ['aborted', facts('v1', ['v1'], false)],
    ['unclear', facts('v2', ['v1'])],
    ['unclear', facts('v2', ['v1', 'v2'])],
    ['unclear', facts(null, ['v1'])],
    ['unclear', facts('v1', [])],
  ] as const)('is %s', (outcome, shown) => {
    expect(outcomeOf(shown)).toBe(outcome);
  });
});

describe('the summary', () => {
  const end = (outcome: Ended['outcome'], saysItself: Ended['saysItself'] = 'completed'): Ended => ({
    outcome,
    saysItself,
    reason: null,
  });
  const step = (requestedBp: number) => ({ requestedBp, acceptedBp: requestedBp, observedShare: 0, requests: 1 });
  const ladder = [100, 500, 2_500, 10_000];
  const summary: Summary = {
    good: { ...end('completed'), steps: ladder.map(step), historyEvents: 200, seconds: 40 },
    bad: {
      ...end('rolled-back', 'rolled-back'),
      badStartedAt: 'then',
      badVisibleAt: 'then',
      zeroConfirmedAt: 'then',
      secondsFromVisibleToZero: 1,
      canaryRequestsAfterZero: 0,
    },
    rejected: { ...end('rolled-back', 'rolled-back'), weightsSeenByProxy: [100, 500, 0] },
    crash: { ...end('completed'), weightsSeenByProxy: ladder, violations: [], killedAt: 'then', progressAt: 'then' },
  };

  it('has nothing to complain about when all four ended as they should', () => {
    expect(complaints(summary)).toEqual([]);
  });

  it('does not believe a rollout that the target contradicts', () => {
    expect(complaints({ ...summary, crash: { ...summary.crash, outcome: 'unclear' } })).toEqual([
      'crash says completed, the target shows unclear',
      'crash ended unclear: ',
    ]);
  });
});

describe('the demo', () => {
  const played = async (run: () => Promise<readonly string[]>) => {
    const said: string[] = [];
    const keep = async () => void said.push('kept');
    return { code: await runDemo({ run, keep, say: (line) => void said.push(line) }), said };
  };

  it('leaves everything running when it is told to, and ends with 0 when all is well', async () => {
    expect(await played(async () => [])).toEqual({ code: 0, said: ['kept'] });
    expect(await played(async () => ['bad ended completed'])).toEqual({
      code: 1,
      said: ['WRONG: bad ended completed', 'kept'],
    });
  });

  it('leaves everything running too when it breaks in the middle', async () => {
    const { code, said } = await played(async () => Promise.reject(new Error('a rollout is missing')));
    expect([code, said.at(-1)]).toEqual([1, 'kept']);
    expect(said[0]).toContain('a rollout is missing');
  });
});
