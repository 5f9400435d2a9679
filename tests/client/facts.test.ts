import Long from 'long';
import { describe, expect, test } from 'vitest';
import type { WatchCheckpoint } from '../../activities/contract.ts';
import { readMemo } from '../../client/attributes.ts';
import { ClientError, type ClientFacts } from '../../client/errors.ts';
import { inDays } from '../../client/doctor.ts';
import { explainedAt } from '../../client/explanation.ts';
import { withHeartbeat } from '../../client/heartbeat.ts';
import { queryOf } from '../../client/list.ts';
import { aliveAt } from '../../client/pollers.ts';
import { connectionChecks, type Heard } from '../../client/roll-call.ts';
import type { Explanation } from '../../plan/status.ts';
import { explanation, finding, noon, status, weights } from '../cli/statuses.ts';

const checkpoint: WatchCheckpoint = {
  summary: 'errors pass',
  stage: { kind: 'step', index: 1 },
  stageSince: noon - 60_000,
  validMs: 800_000,
  elapsedMs: 810_000,
  lastPollAt: noon + 5_000,
  judge: {},
  findings: [finding({ at: noon + 5_000, sentence: '0.2% ≤ 1%' })],
  observed: {
    requestedBp: 500,
    acceptedBp: 500,
    share: 0.051,
    canaryRequests: 4_000,
    totalRequests: 80_000,
    countedTo: null,
  },
  scheduledSmoke: { runs: 0, failuresInARow: 0, last: null },
  fence: 7,
  troubles: [],
  heldAt: null,
};

describe('the heartbeat of the watch', () => {
  test('brings verdicts, shares and bake clock up to date', () => {
    const live = withHeartbeat(status(), checkpoint, noon + 5_000);
    expect(live.findings).toEqual(checkpoint.findings);
    expect(live.weights).toEqual(weights(500, 0.051, 4_000));
    expect(live.steps[1]?.weights).toEqual(weights(500, 0.051, 4_000));
    expect(live.bake).toMatchObject({ validMs: 800_000, elapsedMs: 810_000, summary: 'errors pass', minMs: 1_800_000 });
  });

  test('of the step before says nothing about the weights and the bake of this one', () => {
    const before = {
      ...checkpoint,
      stage: { kind: 'step', index: 0 } as const,
      observed: { ...checkpoint.observed, requestedBp: 100 },
    };
    const live = withHeartbeat(status(), before, noon + 5_000);
    expect(live.weights).toEqual(status().weights);
    expect(live.bake).toEqual(status().bake);
    expect(live.findings).toEqual(checkpoint.findings);
  });

  test('that is older than the status changes nothing', () => {
    const old = { ...checkpoint, findings: [finding({ at: noon - 5_000, verdict: 'no-data' as const })] };
    const live = withHeartbeat(status(), old, noon - 5_000);
    expect(live.findings).toEqual(status().findings);
    expect(live.bake).toEqual(status().bake);
  });

  test('is not asked once the rollout has ended', () => {
    const ended = status({ phase: 'ended', outcome: 'completed' });
    expect(withHeartbeat(ended, checkpoint, noon + 5_000)).toBe(ended);
  });

  test('of the watch after promotion runs its own clock', () => {
    const promoted = { ...checkpoint, stage: { kind: 'promoted' } as const };
    expect(withHeartbeat(status({ phase: 'watching' }), promoted, noon + 5_000).bake?.validMs).toBe(800_000);
    expect(withHeartbeat(status({ phase: 'promoting' }), promoted, noon + 5_000).bake).toEqual(status().bake);
  });
});

describe('the earliest finish', () => {
  test('at an open gate is as far away as the bakes that are left, however long nobody answers', () => {
    const asked: Explanation = { ...explanation, earliestFinish: noon + 60_000, restMs: 60_000, at: noon };
    expect(explainedAt(asked, noon).earliestFinish).toBe(noon + 60_000);
    expect(explainedAt(asked, noon + 3_600_000).earliestFinish).toBe(noon + 3_660_000);
  });

  test('of a bake that goes on as it should does not move', () => {
    const baking: Explanation = { ...explanation, earliestFinish: noon + 600_000, restMs: 60_000, at: noon };
    expect(explainedAt(baking, noon + 300_000).earliestFinish).toBe(noon + 600_000);
  });

  test('is unknown where the rollout knows none, and taken as it is from a worker that tells no rest', () => {
    expect(explainedAt({ ...explanation, earliestFinish: null }, noon)).toMatchObject({ earliestFinish: null });
    const old = { ...explanation, restMs: undefined } as unknown as Explanation;
    expect(explainedAt(old, noon).earliestFinish).toBe(explanation.earliestFinish);
  });
});

describe('workers', () => {
  const seen = (identity: string, secondsAgo: number) => ({
    identity,
    lastAccessTime: { seconds: Long.fromNumber(noon / 1_000 - secondsAgo), nanos: 0 },
  });

  test('that have not polled for more than a minute are gone', () => {
    expect(aliveAt([seen('b', 59), seen('dead', 75), seen('a', 0), seen('a', 3)], noon)).toEqual(['a', 'b']);
    expect(aliveAt([{ identity: 'never' }], noon)).toEqual([]);
  });

  test('that see the same are told once, those that do not each for itself', () => {
    const checks = (detail: string, ok = true) => [
      { what: 'directory', ok: true, detail: 'read' },
      { what: 'edge', ok, detail },
    ];
    const alike = [
      { worker: 'a', checks: checks('answers') },
      { worker: 'b', checks: checks('answers') },
    ];
    expect(connectionChecks(alike)).toEqual(checks('answers'));
    const [a] = alike;
    expect(connectionChecks([a as Heard, { worker: 'b', checks: checks('refused', false) }])).toEqual([
      { what: 'directory', ok: true, detail: 'read' },
      { what: 'edge, from a', ok: true, detail: 'answers' },
      { what: 'edge, from b', ok: false, detail: 'refused' },
    ]);
  });
});

test.each([
  [86_400, '1 day'],
  [259_200, '3 days'],
  [216_000, '2.5 days'],
])('%i seconds of keeping are %s', (seconds, text) => {
  expect(inDays(seconds)).toBe(text);
});

describe('list queries', () => {
  test('name only what is asked', () => {
    expect(queryOf({})).toBe("WorkflowType IN ('rollout', 'revert') AND ExecutionStatus != 'ContinuedAsNew'");
    expect(queryOf({ service: 'web', open: true })).toContain("RolloutService = 'web' AND ExecutionStatus = 'Running'");
  });

  test('cannot be widened by a value', () => {
    expect(() => queryOf({ service: "x' OR RolloutEnv = 'y" })).toThrow(ClientError);
    expect(() => queryOf({ state: 'x\\' })).toThrow(ClientError);
  });
});

test('a memo that is not as start writes it is no release', () => {
  expect(readMemo({ release: { digest: 1 }, requester: ['x'] })).toEqual({
    release: null,
    planDigest: null,
    requester: null,
  });
  expect(readMemo(undefined)).toEqual({ release: null, planDigest: null, requester: null });
});

const sentences: readonly [ClientFacts, string][] = [
  [
    {
      code: 'already-running',
      rollout: 'rollout/p/web',
      release: 'v2',
      state: 'baking at 5%',
      requester: 'ana',
      startedAt: noon,
    },
    'p/web is already running with release v2, baking at 5%, started by ana',
  ],
  [
    { code: 'already-running', rollout: 'rollout/p/web', release: null, state: null, requester: null, startedAt: null },
    'p/web is already running',
  ],
  [
    { code: 'finished', rollout: 'rollout/p/web', outcome: 'rolled-back', closedAt: noon },
    'p/web has already finished: rolled-back',
  ],
  [
    { code: 'timed-out', doing: 'approve go', updateId: 'u1' },
    'approve go: not confirmed in time; it may still be applied. Send it again with --update-id u1 to learn the answer without applying it twice',
  ],
  [
    {
      code: 'setup-missing',
      namespace: 'default',
      missing: ['RolloutEnv'],
      wrong: [{ name: 'RolloutPercent', expected: 'INT', found: 'TEXT' }],
    },
    'namespace "default": search attributes not registered: RolloutEnv; search attribute RolloutPercent has type TEXT, needs INT; remove it or use another namespace',
  ],
];

test.each(sentences)('%j is one sentence', (facts, sentence) => {
  expect(new ClientError(facts).message).toBe(sentence);
});
