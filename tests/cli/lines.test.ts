import { describe, expect, test } from 'vitest';
import { reportOf, CliError } from '../../cli/errors.ts';
import { signalLine } from '../../cli/hand-typed.ts';
import { renderDescribed, renderExplanation, renderList, renderTimeline } from '../../cli/render/answers.ts';
import { renderChanges, type Seen } from '../../cli/render/changes.ts';
import { renderEvidence } from '../../cli/render/evidence.ts';
import { unpainted } from '../../cli/render/paint.ts';
import { renderStarted } from '../../cli/render/started.ts';
import { ClientError, type Described, type ListRow } from '../../client/index.ts';
import type { Explanation } from '../../plan/status.ts';
import type { TimelineEvent } from '../../plan/timeline.ts';
import { explanation, finding, noon, request, status, weights } from './statuses.ts';

const minute = 60_000;
const framed = (text: string) => `\n${text}\n`;

describe('plain lines where there is no terminal', () => {
  const events: readonly TimelineEvent[] = [
    { at: noon - 3_000, code: 'started', text: 'started by ana' },
    { at: noon - 2_000, code: 'shifted', text: 'shifted to 1%' },
    { at: noon - 1_000, code: 'confirmed', text: '1% confirmed' },
  ];
  const seen = (change: Partial<Seen> = {}): Seen => ({
    at: noon,
    status: status(),
    timeline: events,
    trouble: null,
    ...change,
  });

  test('begin with everything that has happened', () => {
    expect(framed(renderChanges(null, seen()).join('\n'))).toMatchInlineSnapshot(`
      "
      2026-11-22T11:59:57Z  started by ana
      2026-11-22T11:59:58Z  shifted to 1%
      2026-11-22T11:59:59Z  1% confirmed
      2026-11-22T12:00:00Z  errors pass: 0.1% ≤ 1%
      2026-11-22T12:00:00Z  requested 5%, observed 4.97% (3,012 requests)
      "
    `);
  });

  test('are silent while nothing changes but the numbers', () => {
    const later = status({
      weights: weights(500, 0.0503, 3_999),
      findings: [finding({ value: 0.002, at: noon + 1_000 })],
    });
    expect(renderChanges(seen(), seen({ at: noon + 1_000, status: later }))).toEqual([]);
  });

  test('tell each new event and each verdict that changed, once', () => {
    const more: readonly TimelineEvent[] = [...events, { at: noon, code: 'verdict', text: 'criterion errors failed' }];
    const failing = status({ findings: [finding({ verdict: 'fail', breached: true, sentence: '3.1% > 1% for 2s' })] });
    const after = seen({ status: failing, timeline: more });
    expect(renderChanges(seen(), after)).toEqual([
      '2026-11-22T12:00:00Z  criterion errors failed',
      '2026-11-22T12:00:00Z  errors fail: 3.1% > 1% for 2s',
    ]);
    expect(renderChanges(after, after)).toEqual([]);
  });

  test('stand in the order of time, however late a verdict is heard', () => {
    const early = finding({ criterion: 'latency', at: noon - 2_500 });
    expect(
      renderChanges(null, seen({ status: status({ findings: [early], weights: weights(500, null, null) }) })),
    ).toEqual([
      '2026-11-22T11:59:57Z  started by ana',
      '2026-11-22T11:59:57Z  latency pass: 0.1% ≤ 1%',
      '2026-11-22T11:59:58Z  shifted to 1%',
      '2026-11-22T11:59:59Z  1% confirmed',
    ]);
    const late = status({ findings: [finding(), { ...early, verdict: 'no-data', sentence: 'the result is empty' }] });
    expect(renderChanges(seen(), seen({ at: noon + 2_000, status: late }))).toEqual([
      '2026-11-22T12:00:02Z  latency no-data: the result is empty',
    ]);
  });

  test('lose no event when the oldest ones have been dropped', () => {
    const bounded: readonly TimelineEvent[] = [...events.slice(2), { at: noon, code: 'smoke', text: 'smoke passed' }];
    expect(renderChanges(seen(), seen({ timeline: bounded }))).toEqual(['2026-11-22T12:00:00Z  smoke passed']);
    const beyond: readonly TimelineEvent[] = [{ at: noon + 1, code: 'smoke', text: 'smoke passed' }];
    expect(renderChanges(seen(), seen({ timeline: beyond }))).toEqual(['2026-11-22T12:00:00Z  smoke passed']);
  });

  test('say when nobody answers and when somebody does again', () => {
    const silent = seen({ trouble: 'no worker answers' });
    expect(renderChanges(seen(), silent)).toEqual(['2026-11-22T12:00:00Z  no worker answers']);
    expect(renderChanges(silent, silent)).toEqual([]);
    expect(renderChanges(silent, seen())).toEqual(['2026-11-22T12:00:00Z  answers again']);
  });
});

describe('answers', () => {
  const row: ListRow = {
    rollout: 'rollout/production/web',
    run: 'run-1',
    service: 'web',
    environment: 'production',
    state: 'baking',
    label: 'v2',
    percent: 5,
    requester: 'ana',
    startedAt: noon - 43 * minute,
    closedAt: null,
    execution: 'RUNNING',
  };

  test('list rollouts, and tell one that Temporal ended from one that ended', () => {
    const rows: readonly ListRow[] = [
      row,
      {
        ...row,
        rollout: 'rollout/production/shop',
        state: 'completed',
        percent: 100,
        execution: 'COMPLETED',
        closedAt: noon - minute,
      },
      { ...row, rollout: 'rollout/staging/web', execution: 'TERMINATED', closedAt: noon - minute, requester: null },
    ];
    expect(framed(renderList(rows, noon, unpainted))).toMatchInlineSnapshot(`
      "
      ROLLOUT          STATE                    %    RELEASE  REQUESTER  STARTED  TOOK  RUN
      production/web   baking                   5    v2       ana        43m ago        run-1
      production/shop  completed                100  v2       ana        43m ago  42m   run-1
      staging/web      terminated while baking  5    v2                  43m ago  42m   run-1
      "
    `);
    expect(renderList([], noon, unpainted)).toBe('no rollouts');
  });

  test('explain what is waited for', () => {
    expect(framed(renderExplanation(explanation, noon, 100))).toMatchInlineSnapshot(`
      "
      waiting for  a clean bake at 5%
      since        2026-11-22T11:47:50Z (12m10s ago)
      otherwise    it goes on when clean after 30m, and holds after 1h
      finish       at the earliest 2026-11-22T13:18:00Z (in 1h18m)
      as of        2026-11-22T11:58:00Z (2m ago)
      "
    `);
  });

  test('explain a rollout that has ended by what ended it', () => {
    const over: Explanation = {
      ...{ ...explanation, earliestFinish: null, otherwise: 'nothing more happens' },
      waitingFor: 'nothing: it ended rolled-back: criterion errors failed: 3.1% > 1%',
      ended: { outcome: 'rolled-back', because: ['criterion errors failed: 3.1% > 1%'] },
    };
    expect(framed(renderExplanation(over, noon, 100))).toMatchInlineSnapshot(`
      "
      ended    rolled-back 2026-11-22T11:47:50Z (12m10s ago)
      because  criterion errors failed: 3.1% > 1%
      then     nothing more happens
      "
    `);
  });

  test('explain a refusal by its problems, each by itself and no wider than the terminal', () => {
    const problems = [
      "Caddy's admin API cannot be read: GET http://127.0.0.1:2019: connection refused",
      'role qa has no member',
    ];
    const refused: Explanation = {
      ...{ ...explanation, earliestFinish: null, otherwise: 'nothing more happens' },
      waitingFor: `nothing: it ended refused: ${problems.join('; ')}`,
      ended: { outcome: 'refused', because: problems },
    };
    expect(framed(renderExplanation(refused, noon, 60))).toMatchInlineSnapshot(`
      "
      ended    refused 2026-11-22T11:47:50Z (12m10s ago)
      because  ✗ Caddy's admin API cannot be read: GET
               http://127.0.0.1:2019: connection refused
               ✗ role qa has no member
      then     nothing more happens
      "
    `);
    const { ended, ...old } = refused;
    expect(ended).toBeDefined();
    const lines = renderExplanation(old, noon, 60).split('\n');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(60);
  });

  test('show the timeline in columns', () => {
    const events: readonly TimelineEvent[] = [
      { at: noon, code: 'started', text: 'started by ana' },
      { at: noon + 1_000, code: 'gate-opened', text: 'gate go waits for 1 of sre' },
    ];
    expect(framed(renderTimeline(events))).toMatchInlineSnapshot(`
      "
      2026-11-22T12:00:00Z  started      started by ana
      2026-11-22T12:00:01Z  gate-opened  gate go waits for 1 of sre
      "
    `);
  });

  test('fall back on what the server knows when no worker answers', () => {
    const described: Described = {
      rollout: 'rollout/production/web',
      run: 'run-1',
      chain: 'run-1',
      taskQueue: 'sluice',
      pinnedTo: null,
      execution: 'RUNNING',
      open: true,
      startedAt: noon - 43 * minute,
      closedAt: null,
      service: 'web',
      environment: 'production',
      state: 'baking',
      label: 'v2',
      percent: 5,
      release: status().release,
      planDigest: status().planDigest,
      requester: 'ana',
      historyEvents: 71,
      watch: null,
      watchAt: null,
      activities: [{ type: 'watch', attempt: 3, lastFailure: 'activity Heartbeat timeout' }],
      taskWaitingSince: null,
      taskAttempt: 0,
    };
    expect(framed(renderDescribed(described, 'no worker answers', noon, unpainted))).toMatchInlineSnapshot(`
      "
      production/web
        state      baking at 5 %
        release    v2 sha256:2222222222222222222222222222222222222222222222222222222222222222
        asked for  by ana 43m ago
        running    watch, attempt 3, last failure: activity Heartbeat timeout
      no worker answers
      This is what the Temporal server knows; the rollout itself could not be asked.
      "
    `);
  });

  test('show an approver what will be signed', () => {
    const shown = status({ phase: 'awaiting-approval', requests: [request()] });
    const picture = { status: shown, request: request(), now: noon, width: 100 };
    expect(framed(renderEvidence(picture, unpainted))).toMatchInlineSnapshot(`
      "
      web in production: gate wide@25%
        release   v2 (sha256:222222222222) from registry.example/web
        stable    v1 (sha256:111111111111)
        ladder    ✓ 1%  ›  ● 5%  ›  ○ 25%  ›  ○ 100%
        weight    requested 5%   accepted 5%   observed 4.97% (3,012 requests)
        criteria  ✓ errors  0.1% ≤ 1%
        gate      wide@25% waits for 1 of sre; expires in 3h52m, then rollback (evidence 1)
        plan      sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd
        evidence  sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee (revision 1)
      "
    `);
  });

  test('say right after the start who is awaited, or why it was refused', () => {
    const { rollout, planDigest } = status();
    const waiting = status({
      phase: 'awaiting-approval',
      requests: [request({ gate: 'go' })],
      warnings: ['ben is the only qa'],
    });
    expect(framed(renderStarted({ rollout, planDigest, status: waiting }))).toMatchInlineSnapshot(`
      "
      production/web started: awaiting-approval
        plan sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd
        ! ben is the only qa
        gate go waits for 1 of sre: sluice approve production/web go
        follow it with: sluice watch production/web
      "
    `);
    const refused = status({ phase: 'ended', outcome: 'refused', problems: ['role qa has no member'] });
    expect(renderStarted({ rollout, planDigest, status: refused })).toBe(
      'production/web refused:\n  ✗ role qa has no member',
    );
  });
});

describe('errors', () => {
  test('of the client keep their facts and get their exit code', () => {
    const { exit, text, json } = reportOf(new ClientError({ code: 'not-found', what: 'rollout/production/web' }));
    expect(exit).toBe('not-found');
    expect(text).toBe('sluice: there is no rollout production/web');
    expect(json.error).toMatchObject({ code: 'not-found', exitCode: 9, what: 'rollout/production/web' });
  });

  test('of a service that is taken say how to go on', () => {
    const none = { release: null, state: null, requester: null, startedAt: null };
    const running = new ClientError({ code: 'already-running', rollout: 'rollout/production/web', ...none });
    expect(framed(reportOf(running).text)).toMatchInlineSnapshot(`
      "
      sluice: production/web is already running
        follow it with: sluice watch production/web
        stop it with: sluice abort production/web
        let it make room for this release: the same line with --replace
      "
    `);
    expect(reportOf(running).json.error).toMatchObject({ exitCode: 8, rollout: 'rollout/production/web' });
  });

  test('of ours show no stack, bugs do', () => {
    expect(reportOf(new CliError('usage', 'no\u001b[2J good')).text).toBe('sluice: no [2J good');
    expect(reportOf(new TypeError('bug')).text).toContain('    at ');
    expect(reportOf(new TypeError('bug')).exit).toBe('internal');
  });
});

test('the line for Temporal’s own command survives a POSIX shell', () => {
  const connection = { address: '127.0.0.1:7233', namespace: undefined, profile: undefined, taskQueue: 'sluice' };
  expect(signalLine(connection, 'rollout/production/web', 'decide', { reason: "it's $(bad)" })).toMatchInlineSnapshot(
    `"temporal workflow signal --address 127.0.0.1:7233 --workflow-id rollout/production/web --name decide --input '{"reason":"it'\\''s $(bad)"}'"`,
  );
});
