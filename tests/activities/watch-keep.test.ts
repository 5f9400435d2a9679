import { describe, expect, it } from 'vitest';
import type { WatchInput } from '../../activities/contract.ts';
import {
  atStep0,
  claim,
  limit,
  minute,
  nothing,
  planned,
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
    expect(answer).toMatchObject({ kind: 'worse', left: ['errors'] });
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
    expect(answer).toMatchObject({ kind: 'worse', left: ['errors'] });
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
