import { describe, expect, it } from 'vitest';
import type { Claim, Reading } from '../../plan/target.ts';
import {
  attempt,
  atStep0,
  away,
  claim,
  minute,
  planned,
  second,
  step,
  stepPlan,
  t0,
  value,
  watched,
  type Given,
} from './scripted.ts';

const bake = stepPlan(30 * minute);
const later = (at: number, seconds: number) => at >= t0 + seconds * second;

/** The activity again with what the last one left behind, for a while; what it says about the same trouble. */
async function again(given: Given, first: Awaited<ReturnType<typeof watched>>) {
  const next = attempt(
    { ...given, input: { ...given.input, checkpoint: first.answer.checkpoint, segmentMs: minute } },
    first.clock,
  );
  await next.clock.runUntil(next.report, t0 + 60 * minute);
  return next.report;
}

describe('a weight that somebody else changed', () => {
  it('is told with its direction, once while it lasts', async () => {
    const reading = (at: number) => planned(claim(step(0), 500), later(at, 30) ? 100 : 500);
    const given = { script: { reading }, bake };
    const below = await watched(given);
    expect(below.answer).toMatchObject({ kind: 'drift', direction: 'below', plannedBp: 500, acceptedBp: 100 });
    expect(below.afterMs).toBe(30 * second);
    expect((await again(given, below)).kind).toBe('segment-end');
  });

  it('is above plan when it left nobody any: users get errors until it is put back', async () => {
    const reading = (at: number) => {
      const sound = planned(claim(step(0), 500), 500);
      return later(at, 30) ? { ...sound, shares: [], unknownBp: 10_000, outage: true as const } : sound;
    };
    const { answer } = await watched({ script: { reading }, bake });
    expect(answer).toMatchObject({ kind: 'drift', direction: 'above', plannedBp: 500, acceptedBp: 0, outage: true });
  });

  it('is told again when it was put right and happens again', async () => {
    const foreign = (at: number) => (later(at, 30) && !later(at, 45)) || later(at, 60);
    const given = {
      script: { reading: (at: number) => planned(claim(step(0), 500), foreign(at) ? 9_000 : 500) },
      bake,
    };
    const first = await watched(given);
    expect(first.answer).toMatchObject({ kind: 'drift', direction: 'above', acceptedBp: 9_000 });
    const second_ = await again(given, first);
    expect(second_).toMatchObject({ kind: 'drift', direction: 'above' });
    expect((second_.checkpoint.lastPollAt ?? 0) - t0).toBe(60 * second);
  });

  it('does not let the bake end, however long it lasts', async () => {
    const reading = () => planned(claim(step(0), 500), 100);
    const given = { script: { reading }, bake: stepPlan(20 * second) };
    const report = await again(given, await watched(given));
    expect(report).toMatchObject({ kind: 'segment-end', checkpoint: { validMs: 0 } });
  });

  it('is drift too when the claim is gone: the proxy was restarted', async () => {
    const gone = (bp: number) => (at: number) => (later(at, 30) ? planned(null, bp) : atStep0());
    expect((await watched({ script: { reading: gone(0) }, bake })).answer).toMatchObject({
      kind: 'drift',
      direction: 'below',
      plannedBp: 500,
      acceptedBp: 0,
      forgotten: true,
    });
    expect((await watched({ script: { reading: gone(500) }, bake })).answer).toMatchObject({
      kind: 'drift',
      direction: 'below',
    });
    expect((await watched({ script: { reading: gone(800) }, bake })).answer).toMatchObject({
      kind: 'drift',
      direction: 'above',
    });
  });

  it('is drift when an old configuration came back with its old claim', async () => {
    const reading = (at: number) =>
      later(at, 30) ? planned(claim(step(0), 500, { fence: 5 })) : planned(claim(step(1), 2_500, { fence: 8 }));
    const { answer } = await watched({ script: { reading }, bake });
    expect(answer).toMatchObject({
      kind: 'drift',
      direction: 'below',
      plannedBp: 2_500,
      acceptedBp: 500,
      checkpoint: { stage: step(1) },
    });
  });
});

describe('a claim that is not ours', () => {
  const cases: [string, Claim, RegExp][] = [
    [
      'another rollout',
      claim(step(0), 500, { rollout: 'rollout/production/other', fence: 9 }),
      /held by rollout\/production\/other, run run-1 \(fence 9\)/,
    ],
    ['another run', claim(step(0), 500, { run: 'run-2' }), /held by .*run run-2/],
    ['a released one', claim({ kind: 'promoted' }, 500, { released: true }), /released/],
    [
      'traffic taken back from outside',
      claim({ kind: 'back' }, 0, { fence: 9 }),
      /taken back from outside this rollout \(fence 9\)/,
    ],
  ];

  it.each(cases)('ends our say: %s', async (_, foreign, sentence) => {
    const reading = (at: number) => (later(at, 30) ? planned(foreign) : atStep0());
    const { answer, afterMs } = await watched({
      script: { reading, sample: (_c, _l, at) => value(later(at, 30) ? 1 : 0) },
      bake,
    });
    expect(answer).toMatchObject({ kind: 'fenced', sentence: expect.stringMatching(sentence) as string });
    expect(afterMs).toBe(30 * second);
  });

  it('is not one with a larger fence of our own: the next shift', async () => {
    const reading = (at: number) => planned(claim(step(0), 500, { fence: later(at, 30) ? 12 : 5 }));
    const { answer } = await watched({ script: { reading }, bake: stepPlan(minute) });
    expect(answer).toMatchObject({ kind: 'clean', checkpoint: { fence: 12 } });
  });
});

describe('the way back', () => {
  it('is closed when the target stays away for three polls and fifteen seconds', async () => {
    const reading = (at: number) => (later(at, 30) ? away() : atStep0());
    const slow = await watched({ script: { reading }, bake });
    expect(slow.answer).toMatchObject({
      kind: 'way-back',
      sentence: 'the target does not answer: ask: connection refused',
    });
    expect(slow.afterMs).toBe(50 * second);
    const quick = await watched({ script: { reading }, bake, everyMs: second });
    expect(quick.afterMs).toBe(45 * second);
    const rare = await watched({ script: { reading }, bake, everyMs: 30 * second });
    expect(rare.afterMs).toBe(90 * second);
  });

  it('is told as closed once while it lasts', async () => {
    const given = { script: { reading: (at: number) => (later(at, 30) ? away() : atStep0()) }, bake };
    expect((await again(given, await watched(given))).kind).toBe('segment-end');
  });

  it('is not closed by a flicker', async () => {
    const reading = (at: number) => (later(at, 30) && !later(at, 50) ? away() : atStep0());
    expect((await watched({ script: { reading }, bake: stepPlan(2 * minute) })).answer.kind).toBe('clean');
  });

  it('is closed when stable is not ready while the canary serves', async () => {
    const reading = (at: number) => planned(claim(step(0), 500), 500, !later(at, 30));
    const { answer, afterMs } = await watched({ script: { reading }, bake });
    expect(answer).toMatchObject({ kind: 'way-back', sentence: 'stable v1 is not ready (a: stopped)' });
    expect(afterMs).toBe(50 * second);
  });

  it('is closed at once when somebody else gave stable another release, which no weight puts right', async () => {
    const stableChanged = "stable's Deployment was changed by somebody else: web has v2, not v1";
    const reading = (at: number) =>
      later(at, 30) ? { ...planned(claim(step(0), 500), 10_000), stableChanged } : atStep0();
    const { answer, afterMs } = await watched({ script: { reading }, bake });
    expect(answer).toMatchObject({ kind: 'way-back', sentence: stableChanged });
    expect(afterMs).toBe(30 * second);
  });

  it('is told as changed at once when somebody edited what pods are made from, and hides nothing else', async () => {
    const edited =
      "the canary's Deployment was changed by somebody else: the template of web has more than another image";
    const at500 = { ...planned(claim(step(0), 500), 500), edited };
    const { answer, afterMs } = await watched({
      script: { reading: (at) => (later(at, 30) ? at500 : atStep0()) },
      bake,
    });
    expect(answer).toMatchObject({ kind: 'way-back', sentence: edited, changed: true });
    expect(afterMs).toBe(30 * second);
    const more = { ...planned(claim(step(0), 500), 2_000), edited };
    const drifted = await watched({ script: { reading: (at) => (later(at, 30) ? more : atStep0()) }, bake });
    expect(drifted.answer).toMatchObject({ kind: 'drift', direction: 'above', acceptedBp: 2_000 });
  });

  it('does not matter to a criterion: metrics are judged while the target is away', async () => {
    const reading = (at: number) => (later(at, 30) ? away() : atStep0());
    const { answer, afterMs } = await watched({
      script: { reading, sample: (_c, _l, at) => value(later(at, 40) ? 1 : 0) },
      bake,
    });
    expect([answer.kind, afterMs]).toEqual(['fail', 40 * second]);
  });

  it('that hangs delays a verdict by three seconds at most', async () => {
    const reading = (at: number) => (later(at, 30) ? 'silence' : atStep0());
    const { answer, afterMs } = await watched({
      script: { reading, sample: (_c, _l, at) => value(later(at, 30) ? 1 : 0) },
      bake,
    });
    expect([answer.kind, afterMs]).toEqual(['fail', 33 * second]);
  });

  it('must be open for a bake to end: a weight counts when it was read back', async () => {
    const reading = (at: number) => (later(at, 55) && !later(at, 75) ? away() : atStep0());
    const { answer, afterMs } = await watched({ script: { reading }, bake: stepPlan(minute) });
    expect([answer.kind, afterMs]).toEqual(['clean', 80 * second]);
  });
});

describe('a release that is down while users meet it', () => {
  const down = (reading: Reading, places = 'b'): Reading => ({
    ...reading,
    instances: reading.instances.map((place) => {
      return places.includes(place.name) ? { ...place, ready: false, detail: 'failed: ended by SIGKILL' } : place;
    }),
  });

  it('goes back after three polls and fifteen seconds, paused or not', async () => {
    const reading = (at: number) => (later(at, 30) ? down(atStep0()) : atStep0());
    for (const clock of ['running', 'stopped'] as const) {
      const { answer, afterMs } = await watched({ script: { reading }, bake, input: { clock } });
      expect(answer).toMatchObject({ kind: 'unready', sentence: 'v2 is not ready (b: failed: ended by SIGKILL)' });
      expect(afterMs).toBe(50 * second);
    }
  });

  it('bakes no time and does not end its bake, and a flicker does no more than that', async () => {
    const reading = (at: number) => (later(at, 55) && !later(at, 65) ? down(atStep0()) : atStep0());
    const { answer, afterMs } = await watched({ script: { reading }, bake: stepPlan(minute) });
    expect([answer.kind, afterMs]).toEqual(['clean', 80 * second]);
  });

  it('is a matter for a person where stable is down too', async () => {
    const { answer } = await watched({ script: { reading: () => down(atStep0(), 'ab') }, bake });
    expect(answer).toMatchObject({ kind: 'way-back' });
  });

  it('is nobody’s matter before there is traffic', async () => {
    const reading = () => down(planned(claim({ kind: 'deployed' }, 0)));
    const { answer } = await watched({ script: { reading }, bake, input: { segmentMs: 5 * minute } });
    expect(answer.kind).toBe('segment-end');
  });
});
