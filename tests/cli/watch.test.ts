import { describe, expect, test } from 'vitest';
import { fitted } from '../../cli/render/fit.ts';
import { noHistory, remembered } from '../../cli/render/history.ts';
import { unpainted } from '../../cli/render/paint.ts';
import { marksFor } from '../../cli/render/sparkline.ts';
import { renderWatch } from '../../cli/render/watch.ts';
import type { Explanation, Status } from '../../plan/status.ts';
import { explanation, finding, noon, request, status, steps, weights } from './statuses.ts';

const minute = 60_000;

function picture(
  shown: Status,
  more: { explanation?: Explanation | null; trouble?: string; width?: number } = {},
): string {
  const { explanation: given = explanation, trouble = null, width = 100 } = more;
  return `\n${renderWatch({ status: shown, explanation: given, trouble, now: noon, width, paint: unpainted })}\n`;
}

describe('the live picture', () => {
  test('shows ladder, three weights, bake clock and verdicts while baking', () => {
    const findings = [
      finding(),
      finding({ criterion: 'latency', breached: true, sentence: '2.3x > 2x stable for 12s of 5m' }),
      finding({ criterion: 'queue', verdict: 'no-data', sentence: 'no data: the query returned nothing' }),
      finding({ criterion: 'checkout', verdict: 'inconclusive', sentence: '12 of 50 requests so far' }),
    ];
    expect(picture(status({ findings }))).toMatchInlineSnapshot(`
      "
      web in production  v2 (sha256:222222222222) over v1 (sha256:111111111111)
      baking for 12m10s, asked for by ana 43m ago

        ladder    ✓ 1%  ›  ● 5%  ›  ○ 25%  ›  ○ 100%
        weight    requested 5%   accepted 5%   observed 4.97% (3,012 requests)
        bake      ██████░░░░░░░░░│░░░░░░░░░░░░░░  12m10s valid, needs 30m, at most 1h
                  clean so far
        criteria  ✓ errors    0.1% ≤ 1%
                  ! latency   2.3x > 2x stable for 12s of 5m
                  ? queue     no data: the query returned nothing
                  ~ checkout  12 of 50 requests so far
        waiting   for a clean bake at 5%, since 12m10s ago
                  otherwise: it goes on when clean after 30m, and holds after 1h
                  earliest finish in 1h18m, as of 2m ago
      "
    `);
  });

  test('names who is awaited at a gate, until when, and what happens otherwise', () => {
    const decisions = [
      { person: 'ana', kind: 'approve', roles: ['sre'], at: noon - 3 * minute, reason: null, void: null },
      {
        person: 'ben',
        kind: 'approve',
        roles: ['qa'],
        at: noon - 5 * minute,
        reason: 'looks fine',
        void: 'evidence got worse',
      },
    ];
    const waiting: Explanation = {
      waitingFor: '1 of qa at gate wide@25%',
      since: noon - 8 * minute,
      unblock: ['1 of qa: sluice approve production/web wide@25%'],
      otherwise: 'gate wide@25% expires 2026-11-22T15:52:00Z, then: rollback',
      earliestFinish: null,
      restMs: 0,
      at: noon,
    };
    const shown = status({
      phase: 'awaiting-approval',
      requests: [request({ decisions, missing: '1 of qa', evidenceRevision: 2 })],
    });
    expect(picture(shown, { explanation: waiting })).toMatchInlineSnapshot(`
      "
      web in production  v2 (sha256:222222222222) over v1 (sha256:111111111111)
      awaiting-approval for 12m10s, asked for by ana 43m ago

        ladder    ✓ 1%  ›  ● 5%  ›  ○ 25%  ›  ○ 100%
        weight    requested 5%   accepted 5%   observed 4.97% (3,012 requests)
        bake      ██████░░░░░░░░░│░░░░░░░░░░░░░░  12m10s valid, needs 30m, at most 1h
                  clean so far
        criteria  ✓ errors  0.1% ≤ 1%
        gate      wide@25% waits for 1 of qa; expires in 3h52m, then rollback (evidence 2)
                  ✓ ana (sre) approved 3m ago
                  - ben (qa) approved 5m ago: looks fine; does not count: evidence got worse
        waiting   for 1 of qa at gate wide@25%, since 8m ago
                  can be unblocked by: 1 of qa: sluice approve production/web wide@25%
                  otherwise: gate wide@25% expires 2026-11-22T15:52:00Z, then: rollback
      "
    `);
  });

  test('says who holds it, until when, and what then', () => {
    const held = {
      by: 'the bake',
      reason: 'not clean after 1h: latency inconclusive',
      since: noon - 2 * minute,
      until: noon + 22 * 60 * minute,
      then: 'rollback',
    };
    const bake = {
      state: 'held' as const,
      validMs: 55 * minute,
      elapsedMs: 60 * minute,
      minMs: 30 * minute,
      maxMs: 60 * minute,
      summary: 'latency inconclusive',
      at: noon,
    };
    expect(picture(status({ phase: 'held', held, bake, reason: held.reason }), { explanation: null }))
      .toMatchInlineSnapshot(`
        "
        web in production  v2 (sha256:222222222222) over v1 (sha256:111111111111)
        held for 12m10s, asked for by ana 43m ago

          ladder    ✓ 1%  ›  ● 5%  ›  ○ 25%  ›  ○ 100%
          weight    requested 5%   accepted 5%   observed 4.97% (3,012 requests)
          bake      ███████████████████████████░░░
                    55m valid and 5m without data, needs 30m, at most 1h  (held)
                    latency inconclusive
          criteria  ✓ errors  0.1% ≤ 1%
          held      by the bake 2m ago: not clean after 1h: latency inconclusive; in 22h: rollback
        "
      `);
  });

  test('shows a pause with its receipt, and messages that changed nothing', () => {
    const paused = { by: 'ana', reason: 'slow logins', since: noon - minute, until: null, then: 'waits for resume' };
    const receipts = [
      {
        id: 1,
        message: 'pause' as const,
        by: 'ana',
        reason: 'slow logins',
        at: noon - minute,
        fromBp: 500,
        state: 'confirmed' as const,
        detail: 'stays at 5%',
      },
    ];
    const ignored = [
      { at: noon - 2 * minute, message: 'decide', by: 'eve', reason: 'no gate nosuch in this plan; there are: go' },
    ];
    expect(picture(status({ phase: 'paused', paused, receipts, ignored }), { explanation: null }))
      .toMatchInlineSnapshot(`
        "
        web in production  v2 (sha256:222222222222) over v1 (sha256:111111111111)
        paused for 12m10s, asked for by ana 43m ago

          ladder    ✓ 1%  ›  ● 5%  ›  ○ 25%  ›  ○ 100%
          weight    requested 5%   accepted 5%   observed 4.97% (3,012 requests)
          bake      ██████░░░░░░░░░│░░░░░░░░░░░░░░  12m10s valid, needs 30m, at most 1h
                    clean so far
          criteria  ✓ errors  0.1% ≤ 1%
          paused    by ana 1m ago: slow logins; waits for resume
          messages  decide by eve ignored: no gate nosuch in this plan; there are: go (2m ago)
                    pause by ana at 5% confirmed: stays at 5% (1m ago)
        "
      `);
  });

  test('shows why it goes back', () => {
    const shown = status({
      phase: 'rolling-back',
      phaseSince: noon - 400,
      reason: 'criterion errors failed: 3.1% > 1% for 2s',
      weights: { requestedBp: 0, acceptedBp: 0, observedShare: null, observedRequests: null },
      bake: null,
      findings: [finding({ verdict: 'fail', breached: true, sentence: '3.1% > 1% for 2s' })],
    });
    expect(picture(shown, { explanation: null })).toMatchInlineSnapshot(`
      "
      web in production  v2 (sha256:222222222222) over v1 (sha256:111111111111)
      rolling-back for 400ms, asked for by ana 43m ago

        ladder    ● 0% (stable)  ›  ✓ 1%  ›  ✗ 5%  ›  ○ 25%  ›  ○ 100%
        weight    requested 0%   accepted 0%   observed no longer
        criteria  ✗ errors  3.1% > 1% for 2s
        reason    criterion errors failed: 3.1% > 1% for 2s
      "
    `);
  });

  test('says that it is on its way to 0 % until that is accepted, and stays there once it has ended', () => {
    const back = { phase: 'rolling-back', bake: null } as const;
    const ladderOf = (shown: Status) => /ladder +(.*)/.exec(picture(shown))?.[1];
    expect(ladderOf(status(back))).toBe('← 0% (stable)  ›  ✓ 1%  ›  ✗ 5%  ›  ○ 25%  ›  ○ 100%');
    const ended = status({ phase: 'ended', outcome: 'rolled-back', bake: null, weights: weights(0, null, null) });
    expect(ladderOf(ended)).toBe('● 0% (stable)  ›  ✓ 1%  ›  ✗ 5%  ›  ○ 25%  ›  ○ 100%');
  });

  test('expects an observed share while one may still come, and no more once it has gone back', () => {
    const blind = { weights: weights(0, null, null), bake: null } as const;
    const observed = (shown: Status) => /observed (.*)/.exec(picture(shown))?.[1];
    expect(observed(status({ ...blind, phase: 'shifting' }))).toBe('not yet');
    expect(observed(status({ ...blind, phase: 'rolling-back' }))).toBe('no longer');
    expect(observed(status({ ...blind, phase: 'ended', outcome: 'rolled-back' }))).toBe('no longer');
    expect(observed(status({ ...blind, phase: 'ended', outcome: 'aborted' }))).toBe('never');
  });

  test('says of a clean bake what it needed, and no more what it may take', () => {
    const clean = { ...status().bake, state: 'clean', validMs: 31 * minute, elapsedMs: 31 * minute, summary: '' };
    const shown = picture(status({ bake: clean as NonNullable<Status['bake']> }));
    expect(shown).toContain('31m valid, needed 30m  (clean)');
    expect(shown).not.toContain('at most');
  });

  test('has ladder and weights at its top and warnings at its end, also of a long story on a small terminal', () => {
    const decisions = [{ person: 'ana', kind: 'approve', roles: ['sre'], at: noon - minute, reason: null, void: null }];
    const shown = status({
      findings: ['errors', 'latency', 'queue'].map((criterion) => finding({ criterion })),
      requests: [
        ...['go', 'wide@5%', 'wide@10%'].map((gate) => request({ gate, state: 'closed', decisions })),
        request({ missing: '1 of qa' }),
      ],
      smoke: ['basic', 'login'].map((suite) => ({ suite, aim: 'canary', passed: true, sentence: 'passed', at: noon })),
      warnings: ['a warning that is long enough to need more than one line of a terminal with eighty columns'],
    });
    const whole = picture(shown, { trouble: 'no worker answers', width: 80 }).slice(1, -1);
    const lines = fitted(whole, { width: 80, height: 24 }).split('\n');
    expect(lines).toHaveLength(23);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    const at = (words: string) => lines.findIndex((line) => line.includes(words));
    expect([at('trouble'), at('ladder'), at('weight')]).toEqual([2, 4, 5]);
    expect(at('waits for 1 of qa')).toBeGreaterThan(at('criteria'));
    expect(at('waiting')).toBeGreaterThan(at('waits for 1 of qa'));
    expect(at('more lines: a taller window shows them')).toBe(22);
    expect(at('warnings')).toBe(-1);
  });

  test('lists all problems of a refusal', () => {
    const shown = status({
      phase: 'ended',
      outcome: 'refused',
      phaseSince: noon - 1_000,
      stable: null,
      step: -1,
      steps: steps(-1),
      weights: weights(0, null, null),
      bake: null,
      findings: [],
      problems: ['role qa has no member', 'route "web" is claimed by rollout/production/shop, which is running'],
    });
    expect(picture(shown, { explanation: null })).toMatchInlineSnapshot(`
      "
      web in production  v2 (sha256:222222222222)
      refused 1s ago, asked for by ana 43m ago

        ladder    ○ 1%  ›  ○ 5%  ›  ○ 25%  ›  ○ 100%
        weight    requested 0%   accepted 0%   observed never
        problems  role qa has no member
                  route "web" is claimed by rollout/production/shop, which is running
      "
    `);
  });

  test('shows the end of a completed rollout', () => {
    const shown = status({
      phase: 'ended',
      outcome: 'completed',
      phaseSince: noon - minute,
      step: 4,
      steps: steps(4),
      weights: weights(10_000, 1, 90_211),
      bake: null,
      smoke: [{ suite: 'basic', aim: 'public', passed: true, sentence: '3 requests passed', at: noon - minute }],
    });
    expect(picture(shown, { explanation: null })).toMatchInlineSnapshot(`
      "
      web in production  v2 (sha256:222222222222) over v1 (sha256:111111111111)
      completed 1m ago, asked for by ana 43m ago

        ladder    ✓ 1%  ›  ✓ 5%  ›  ✓ 25%  ›  ✓ 100%
        weight    requested 100%   accepted 100%   observed 100% (90,211 requests)
        criteria  ✓ errors  0.1% ≤ 1%
        smoke     ✓ basic at public: 3 requests passed
      "
    `);
  });

  test('keeps the last picture and says so while no worker answers', () => {
    const trouble = 'no worker answers on task queue "sluice": nobody polls it';
    expect(picture(status(), { trouble })).toContain(`  trouble   ${trouble}`);
  });

  test('wraps sentences to the width of the terminal', () => {
    const sentence = 'canary 7 errors in 2,980 requests, stable 31 in 297,400: 22x, rollback needs 10x';
    const shown = status({ findings: [finding({ sentence })], warnings: [sentence], bake: null });
    const lines = picture(shown, { width: 60, explanation: null }).split('\n').slice(5);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
    expect(lines.join(' ').replace(/\s+/g, ' ')).toContain(sentence);
  });

  test('lets no control character of a stranger reach the terminal', () => {
    const hostile = '\u001b[2J\u001b]0;owned\u0007fine\u202e\nsecond line';
    const shown = status({
      requester: hostile,
      warnings: [hostile],
      findings: [finding({ sentence: hostile })],
      ignored: [{ at: noon, message: hostile, by: hostile, reason: hostile }],
    });
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    expect(picture(shown).replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
  });
});

describe('sparklines', () => {
  const limit = '> 1%';
  const long = 'canary 0.6% > 0.5% for 1m of 5m, not long enough to fail';
  /** The picture after as many polls as values, each drawn twice. */
  const watched = (width: number, env: Record<string, string> = {}) => {
    const values = [0, 0.002, 0.004, null, 0.006, 0.008, 0.01, 0.02];
    const polls = values.map((value, index) => {
      const at = noon + index * 15_000;
      return status({
        weights: weights(500, index / 160, 3_012),
        bake: null,
        findings: [
          finding({ at, limit, value, verdict: value === null ? 'no-data' : 'pass', sentence: '0.1% ≤ 1%' }),
          finding({ at, limit, value, criterion: 'latency', sentence: long }),
          finding({ at, limit, value: null, criterion: 'queue', verdict: 'no-data', sentence: 'no data: nothing' }),
        ],
      });
    });
    const history = polls.flatMap((poll) => [poll, poll]).reduce(remembered, noHistory);
    const last = polls.at(-1) ?? status();
    const shown = { status: last, explanation: null, trouble: null, now: noon, width, paint: unpainted };
    return {
      without: renderWatch(shown),
      with: renderWatch({ ...shown, course: { history, marks: marksFor(env) } }),
    };
  };

  test('stand beside the weight and each criterion with numbers', () => {
    expect(`\n${watched(140).with}\n`).toMatchInlineSnapshot(`
      "
      web in production  v2 (sha256:222222222222) over v1 (sha256:111111111111)
      baking for 12m10s, asked for by ana 43m ago

        ladder    ✓ 1%  ›  ● 5%  ›  ○ 25%  ›  ○ 100%
        weight    requested 5%   accepted 5%   observed 4.38% (3,012 requests)  ▁▂▃▄▅▆▇█
        criteria  ✓ errors   0.1% ≤ 1%                                                 ▁▂▃·▅▆██
                  ✓ latency  canary 0.6% > 0.5% for 1m of 5m, not long enough to fail  ▁▂▃·▅▆██
                  ? queue    no data: nothing
      "
    `);
  });

  test('give way to words on 80 columns, and take no line', () => {
    const pictures = watched(80);
    expect(`\n${pictures.with}\n`).toMatchInlineSnapshot(`
      "
      web in production  v2 (sha256:222222222222) over v1 (sha256:111111111111)
      baking for 12m10s, asked for by ana 43m ago

        ladder    ✓ 1%  ›  ● 5%  ›  ○ 25%  ›  ○ 100%
        weight    requested 5%   accepted 5%   observed 4.38% (3,012 requests)  ▃▄▅▆▇█
        criteria  ✓ errors   0.1% ≤ 1%         ▁▂▃·▅▆██
                  ✓ latency  canary 0.6% > 0.5% for 1m of 5m, not long enough to fail
                  ? queue    no data: nothing
      "
    `);
    for (const width of [40, 60, 80, 81, 90, 100, 120, 200]) {
      const { with: drawn, without } = watched(width);
      const lines = drawn.split('\n');
      expect(lines, String(width)).toHaveLength(without.split('\n').length);
      for (const [index, line] of without.split('\n').entries()) expect(lines[index]?.startsWith(line)).toBe(true);
      const longer = lines.filter((line, index) => line !== without.split('\n')[index]);
      expect(Math.max(0, ...longer.map((line) => line.length))).toBeLessThanOrEqual(width);
    }
    expect(fitted(pictures.with, { width: 80, height: 24 })).toBe(pictures.with);
  });

  test('have six cells or more, or none', () => {
    for (let width = 60; width <= 110; width += 1) {
      const { with: drawn, without } = watched(width);
      const before = without.split('\n');
      const grown = drawn.split('\n').map((line, index) => line.slice(before[index]?.length).trimStart().length);
      const tooShort = grown.filter((cells) => cells > 0 && cells < 6);
      expect(tooShort, String(width)).toEqual([]);
    }
  });

  test('are ASCII on a terminal that is not UTF-8', () => {
    expect(watched(140, { LC_ALL: 'C' }).with).toContain(`${long}  .:- =+##`);
  });
});
