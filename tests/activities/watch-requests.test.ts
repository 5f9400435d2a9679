import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { requestsBetween, valuesOf } from '../../activities/watch-requests.ts';
import type { CounterSeries } from '../../providers/ports.ts';
import { atStep0, away, claim, limit, minute, planned, second, step, stepPlan, t0, watched } from './scripted.ts';

const series = (name: string, value: number, track = 'v2'): CounterSeries => ({ series: name, track, value, at: 0 });

describe('requests between two readings', () => {
  it('are integer deltas by track, over all series of a track', () => {
    const before = valuesOf([series('a', 10), series('b', 5), series('c', 1_000, 'v1')]);
    const now = [series('a', 13), series('b', 5), series('c', 1_100, 'v1')];
    expect(Object.fromEntries(requestsBetween(before, now))).toEqual({ v1: 100, v2: 3 });
  });

  it('count from zero where a counter was reset or a series began', () => {
    const before = valuesOf([series('a', 10)]);
    expect(requestsBetween(before, [series('a', 4), series('new', 3)]).get('v2')).toBe(7);
  });

  it('are none when nothing was there before: what came before the first look is not known', () => {
    expect(requestsBetween(new Map(), [series('a', 4_000)]).size).toBe(0);
  });

  test.prop([fc.array(fc.nat(1_000), { minLength: 2, maxLength: 30 })])(
    'are never negative, whatever resets',
    (values) => {
      for (let i = 1; i < values.length; i += 1) {
        const requests = requestsBetween(valuesOf([series('a', values[i - 1] ?? 0)]), [series('a', values[i] ?? 0)]);
        expect(requests.get('v2')).toBeGreaterThanOrEqual(0);
      }
    },
  );
});

describe('the watch', () => {
  /** 10 requests a second for stable, 1 for the canary, for a long time already. */
  const steady = (at: number) => [
    series('s', 10 * Math.floor((at - t0) / second) + 90_000, 'v1'),
    series('c', Math.floor((at - t0) / second) + 50),
  ];

  it('observes the canary’s share since the stage began, up to the lag', async () => {
    const { answer } = await watched({ script: { counters: steady }, requests: 'hits', lagMs: 4 * second });
    expect(answer.checkpoint.observed).toEqual({
      requestedBp: 500,
      acceptedBp: 500,
      canaryRequests: 56,
      totalRequests: 616,
      share: 56 / 616,
      countedTo: t0 + 56 * second,
    });
  });

  it('waits with its verdict until the canary has answered enough requests', async () => {
    const sample = () => ({ kind: 'value', value: 1, baseline: null }) as const;
    const { answer, afterMs } = await watched({
      script: { counters: steady, sample },
      requests: 'hits',
      criteria: [limit('errors', { minSamples: 25 })],
    });
    expect([answer.kind, afterMs]).toEqual(['fail', 30 * second]);
  });

  it('counts what it missed while the counters could not be read', async () => {
    const counters = (at: number) => (at > t0 + 15 * second && at < t0 + 45 * second ? away() : steady(at));
    const { answer } = await watched({ script: { counters }, requests: 'hits' });
    expect(answer.checkpoint.observed.canaryRequests).toBe(60);
  });

  it('knows nothing about requests without a selector, without an answer, or when both releases share one label', async () => {
    const unknown = { canaryRequests: null, totalRequests: null, share: null };
    expect((await watched({ script: { counters: steady } })).answer.checkpoint.observed).toMatchObject(unknown);
    expect(
      (await watched({ script: { counters: () => away() }, requests: 'hits' })).answer.checkpoint.observed,
    ).toMatchObject(unknown);
  });

  it('counts each stage from its own beginning', async () => {
    const reading = (at: number) =>
      at < t0 + 30 * second ? atStep0() : planned(claim(step(1), 2_500, { since: t0 + 25 * second, fence: 7 }));
    const { answer } = await watched({
      script: { reading, counters: steady },
      requests: 'hits',
      bake: stepPlan(minute),
    });
    expect(answer.checkpoint.observed).toMatchObject({ requestedBp: 2_500, canaryRequests: 60, totalRequests: 660 });
  });

  it('counts on after a restart from where it was', async () => {
    const given = { script: { counters: steady }, requests: 'hits', bake: stepPlan(2 * minute) };
    const first = await watched({ ...given, input: { segmentMs: 35 * second } });
    expect(first.answer.checkpoint.observed.canaryRequests).toBe(35);
    const then = await watched({
      ...given,
      script: { ...given.script },
      input: { checkpoint: first.answer.checkpoint },
    });
    expect(then.answer.checkpoint.observed.canaryRequests).toBe(120);
  });
});
