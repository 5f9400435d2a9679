import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { BakeStatus, Status } from '../../plan/status.ts';
import type { ScenarioName } from '../../testbed/demo/stage.ts';
import { outcomeOf, type EndFacts } from '../../testbed/demo/ending.ts';
import { runDemo } from '../../testbed/demo/run.ts';
import { unpainted } from '../../cli/render/paint.ts';
import { headline, renderStage } from '../../testbed/demo/picture.ts';
import { finding, request, status, weights } from '../cli/statuses.ts';
import { complaints, renderSummary, type Ended, type Summary } from '../../testbed/demo/summary.ts';

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

  it('is a table as wide as the terminal, with short times and every weight that the proxy saw', () => {
    const shown = renderSummary(
      {
        ...summary,
        rejected: { ...summary.rejected, reason: `quinn rejected gate wide@25%: ${'not ready '.repeat(12)}` },
        crash: { ...summary.crash, killedAt: '2026-11-22T12:00:00.100Z', progressAt: '2026-11-22T12:00:01.940Z' },
      },
      80,
    );
    const lines = stripVTControlCharacters(shown).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBe(80);
    expect(shown).toContain('weights 1%, 5%, 0%');
    expect(shown).toContain('killed at 12:00:00 UTC, went on 1.8 s later');
    expect(shown).not.toMatch(/\d\dT\d\d/);
  });

  it('does not believe a rollout that the target contradicts', () => {
    expect(complaints({ ...summary, crash: { ...summary.crash, outcome: 'unclear' } })).toEqual([
      'crash says completed, the target shows unclear',
      'crash ended unclear: ',
    ]);
  });
});

describe('the live view of the demo', () => {
  const wide = request({ gate: 'wide@25%', missing: '1 of qa' });
  const stage = (...states: readonly [ScenarioName, Status][]) => `\n${renderStage(new Map(states), unpainted)}\n`;

  it('shows one that bakes, one that waits and one that has ended', () => {
    const bake = { ...(status().bake as BakeStatus), validMs: 3_200, minMs: 8_000 };
    const back = {
      phase: 'ended',
      outcome: 'rolled-back',
      reason: 'quinn said no',
      weights: weights(0, null, null),
    } as const;
    expect(
      stage(
        ['good', status({ bake, findings: [finding()] })],
        ['bad', status({ phase: 'awaiting-approval', requests: [wide] })],
        ['rejected', status(back)],
      ),
    ).toMatchInlineSnapshot(`
      "
      good      baking
                ✓ 1%  ›  ● 5%  ›  ○ 25%  ›  ○ 100%
                requested 5%, accepted 5%, observed 4.97%
                ██████░░░░░░░░░░ bake 3.2s of 8s
                errors pass: 0.1% ≤ 1%
      bad       awaiting-approval
                ✓ 1%  ›  ● 5%  ›  ○ 25%  ›  ○ 100%
                requested 5%, accepted 5%, observed 4.97%
                errors pass: 0.1% ≤ 1%
                wide@25% awaits 1 of qa
      rejected  rolled-back (quinn said no)
                ● 0% (stable)  ›  ✓ 1%  ›  ✗ 5%  ›  ○ 25%  ›  ○ 100%
      "
    `);
  });

  it('says the same in one line where there is no terminal', () => {
    expect(headline('bad', status({ phase: 'awaiting-approval', requests: [wide] }))).toMatchInlineSnapshot(
      `"bad       awaiting-approval: requested 5%, accepted 5%, observed 4.97%, wide@25% awaits 1 of qa"`,
    );
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
