import { describe, expect, it } from 'vitest';
import type { WatchInput } from '../../activities/contract.ts';
import { createVirtualClock } from './virtual-clock.ts';
import {
  atStep0,
  attempt,
  claim,
  limit,
  minute,
  nothing,
  planned,
  scheduledSmoke,
  second,
  step,
  stepPlan,
  t0,
  value,
  watched,
} from './scripted.ts';

const keep = (passing: readonly string[]): Partial<WatchInput> => ({
  goal: { kind: 'keep', stage: step(0), passing },
  segmentMs: 5 * minute,
});
const bad = [limit('errors', { forMs: 60 * minute }), limit('latency')];
const from = (seconds: number, sample: ReturnType<typeof value>) => (criterion: string, _label: string, at: number) =>
  criterion === 'errors' && at >= t0 + seconds * second ? sample : value(0);

describe('keeping a stage whose bake is done', () => {
  it('goes on to the end of the segment while nothing changes', async () => {
    const { answer, afterMs } = await watched({ script: {}, criteria: bad, input: keep(['errors', 'latency']) });
    expect([answer.kind, afterMs]).toEqual(['segment-end', 5 * minute]);
    expect(answer.checkpoint.summary).toBe('PASS at 5%: errors 0% ≤ 1%, bake done');
  });

  it('says which criteria left pass, breached though not yet failed', async () => {
    const { answer, afterMs } = await watched({
      script: { sample: from(30, value(1)) },
      criteria: bad,
      input: keep(['errors', 'latency']),
    });
    expect(answer).toMatchObject({ kind: 'worse', because: 'errors left pass' });
    expect(afterMs).toBe(30 * second);
  });

  it('turns back on a failing criterion all the same', async () => {
    const { answer } = await watched({
      script: { sample: from(30, value(1)) },
      criteria: [limit('errors')],
      input: keep(['errors']),
    });
    expect(answer.kind).toBe('fail');
  });

  it('does not take one missing poll for worse, but data that stays away', async () => {
    const once = (_c: string, _l: string, at: number) => (at === t0 + 30 * second ? nothing : value(0));
    expect((await watched({ script: { sample: once }, input: keep(['errors']) })).answer.kind).toBe('segment-end');
    const { answer, afterMs } = await watched({ script: { sample: from(30, nothing) }, input: keep(['errors']) });
    expect(answer).toMatchObject({ kind: 'worse', because: 'errors left pass' });
    expect(afterMs).toBe(50 * second);
  });

  it('says nothing about criteria that did not pass when the evidence was frozen', async () => {
    const { answer } = await watched({
      script: { sample: from(30, value(1)) },
      criteria: bad,
      input: keep(['latency']),
    });
    expect(answer.kind).toBe('segment-end');
    expect((await watched({ script: {}, criteria: [], input: keep([]) })).answer.kind).toBe('segment-end');
  });

  it('leaves its scheduled smoke behind: after promotion it is due anew, also when one was just under way', async () => {
    const promotedAt = t0 + 605 * second; // five seconds after the tenth run began
    const next = planned(claim({ kind: 'promoted' }, 10_000, { since: promotedAt, fence: 7 }));
    const reading = (at: number) => (at < promotedAt ? atStep0() : next);
    const input = { ...keep(['errors']), segmentMs: 60 * minute, scheduled: scheduledSmoke(), watchMs: 5 * minute };
    const { answer, smokeRuns } = await watched({ script: { reading }, input });
    expect(answer.kind).toBe('watched');
    const after = smokeRuns.filter((run) => run.from > promotedAt);
    expect(after.map((run) => Math.round((run.from - promotedAt) / minute))).toEqual([1, 2, 3, 4, 5]);
  });

  it('becomes a bake by itself when the next stage appears', async () => {
    const next = planned(claim(step(1), 2_500, { since: t0 + 30 * second, fence: 7 }));
    const reading = (at: number) => (at < t0 + 30 * second ? atStep0() : next);
    const { answer, afterMs } = await watched({ script: { reading }, input: keep(['errors']), bake: stepPlan(minute) });
    expect(answer).toMatchObject({ kind: 'clean', checkpoint: { stage: step(1) } });
    expect(afterMs).toBe(90 * second);
  });

  it('does not bake again when the same stage is written again', async () => {
    const rewritten = planned(claim(step(0), 500, { since: t0 + 30 * second, fence: 7 }));
    const reading = (at: number) => (at < t0 + 30 * second ? atStep0() : rewritten);
    expect((await watched({ script: { reading }, input: keep(['errors']) })).answer.kind).toBe('segment-end');
  });
});

describe('scheduled smoke while people are asked', () => {
  const failsAt = (minutes: number) => (at: number) => at < t0 + minutes * minute;
  const asked = (over: Partial<WatchInput> = {}) => ({
    ...keep(['errors']),
    scheduled: scheduledSmoke(),
    ...over,
  });

  it('runs at its times on the release itself, and soon after a bake that was longer than its interval', async () => {
    const first = await watched({ script: {}, input: { ...asked(), segmentMs: 150 * second } });
    const runs = first.smokeRuns.map(({ from, baseUrl }) => [(from - t0) / minute, baseUrl]);
    expect(runs).toEqual([
      [1, 'http://canary.example'],
      [2, 'http://canary.example'],
    ]);
    const baked = await watched({ script: {}, input: { scheduled: scheduledSmoke() }, bake: stepPlan(3.5 * minute) });
    expect(baked.smokeRuns).toEqual([]);
    const opened = attempt(
      { script: {}, input: { ...asked(), checkpoint: baked.answer.checkpoint, segmentMs: 25 * second } },
      baked.clock,
    );
    await opened.clock.runUntil(opened.report, t0 + 60 * minute);
    expect(opened.smokeRuns.map(({ from }) => (from - t0) / second)).toEqual([220]);
  });

  it('that fails once turns the evidence worse, and turns nothing back yet', async () => {
    const { answer, afterMs } = await watched({ script: { smoke: failsAt(2) }, input: asked() });
    expect(answer).toMatchObject({
      kind: 'worse',
      because: 'smoke full on canary failed: health: expected 2xx, got 500',
      checkpoint: { scheduledSmoke: { failuresInARow: 1, last: { suite: 'full', passed: false } } },
    });
    expect(afterMs).toBeLessThanOrEqual(2 * minute + 10 * second);
  });

  it('keeps the stage from being clean until it passes again', async () => {
    const failing = await watched({ script: { smoke: (at) => at >= t0 + 4 * minute }, input: asked() });
    expect(failing.answer.kind).toBe('worse');
    const again = attempt(
      {
        script: { smoke: (at) => at >= t0 + 3 * minute },
        bake: stepPlan(minute, 60 * minute),
        input: { ...asked(), goal: { kind: 'bake' }, checkpoint: failing.answer.checkpoint, segmentMs: 60 * minute },
      },
      failing.clock,
    );
    await again.clock.runUntil(again.report, t0 + 60 * minute);
    expect(await again.report).toMatchObject({ kind: 'clean', checkpoint: { scheduledSmoke: { failuresInARow: 0 } } });
    expect(again.clock.now()).toBeGreaterThanOrEqual(t0 + 3 * minute);
  });

  it('says what is missing when the bake runs to its maximum meanwhile, and turns back at its limit', async () => {
    const failing = await watched({ script: { smoke: () => false }, input: asked() });
    const checkpoint = failing.answer.checkpoint;
    const goOn = async (bakeMaxMs: number) => {
      const next = attempt(
        {
          script: { smoke: () => false },
          bake: stepPlan(minute, bakeMaxMs),
          input: { ...asked(), goal: { kind: 'bake' }, checkpoint },
        },
        createVirtualClock(failing.clock.now()),
      );
      await next.clock.runUntil(next.report, t0 + 60 * minute);
      return next.report;
    };
    expect(await goOn(2 * minute)).toMatchObject({
      kind: 'hold',
      reason: expect.stringContaining('smoke full on canary failed: health') as string,
    });
    expect(await goOn(60 * minute)).toMatchObject({
      kind: 'smoke',
      sentence: 'smoke full failed 3 times in a row: health: expected 2xx, got 500',
    });
  });
});
