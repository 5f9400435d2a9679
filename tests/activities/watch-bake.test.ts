import { describe, expect, it } from 'vitest';
import type { NumberSample } from '../../judge/verdict.ts';
import {
  atStep0,
  attempt,
  claim,
  common,
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
  type Given,
} from './scripted.ts';

/** A sample that is `bad` in some stretches of seconds since the stage began, and good otherwise. */
const during = (bad: NumberSample, ...stretches: readonly (readonly [number, number])[]) => {
  return (_criterion: string, _label: string, at: number): NumberSample =>
    stretches.some(([from, to]) => at >= t0 + from * second && at < t0 + to * second) ? bad : value(0);
};

/** The activity again with what the last one left behind. */
async function goneOn(given: Given, { answer, clock }: Awaited<ReturnType<typeof watched>>) {
  const next = attempt({ ...given, input: { checkpoint: answer.checkpoint } }, clock);
  await next.clock.runUntil(next.report, t0 + 100 * minute);
  return { answer: await next.report, clock };
}

describe('a bake', () => {
  it('is clean exactly when its minimum has passed, also off the grid', async () => {
    const { answer, afterMs } = await watched({ script: {}, bake: stepPlan(65 * second, 2 * minute) });
    expect(answer.kind).toBe('clean');
    expect(afterMs).toBe(65 * second);
    expect(answer.checkpoint).toMatchObject({
      validMs: 65 * second,
      elapsedMs: 65 * second,
      lastPollAt: t0 + 65 * second,
    });
    expect(answer.checkpoint.summary).toBe('PASS at 5%: errors 0% ≤ 1%, bake 1m5s of 1m5s');
  });

  it('needs no criteria and no metrics', async () => {
    const { answer, afterMs } = await watched({ script: {}, criteria: [], input: { metrics: null } });
    expect([answer.kind, afterMs]).toEqual(['clean', minute]);
  });

  it('begins when the stage was written to the target, not when somebody began to look', async () => {
    const reading = () => planned(claim(step(0), 500, { since: t0 - 40 * second }));
    const { answer, afterMs } = await watched({ script: { reading } });
    expect([answer.kind, afterMs]).toEqual(['clean', 20 * second]);
  });

  it('asks behind now by the lag', async () => {
    const { asked } = await watched({ script: {}, lagMs: 4 * second });
    expect(asked.map(({ at, now }) => now - at)).toEqual(asked.map(() => 4 * second));
  });

  it('asks all criteria at one moment, canary and stable for a comparison', async () => {
    const compare = {
      ...common,
      id: 'latency',
      query: 'latency{{{track}}}',
      kind: 'compare',
      against: 'stable',
      breach: { op: '>', factor: 2 },
      floor: 0,
    } as const;
    const sample = (_: string, label: string) => value(label === 'v2' ? 0.9 : 0.4);
    const { answer, asked } = await watched({
      script: { sample },
      criteria: [limit('errors', { breach: { op: '>', value: 1 } }), compare],
    });
    expect(asked.map(({ criterion, label }) => `${criterion} of ${label}`)).toEqual([
      'errors of v2',
      'latency of v2',
      'latency of v1',
    ]);
    expect(answer).toMatchObject({
      kind: 'fail',
      finding: { criterion: 'latency', sentence: 'canary 0.9 > 2 × stable 0.4' },
    });
  });

  it('turns back at the very poll at which a criterion fails', async () => {
    const { answer, afterMs } = await watched({ script: { sample: during(value(0.6), [30, 40]) } });
    expect(answer).toMatchObject({
      kind: 'fail',
      finding: { criterion: 'errors', verdict: 'fail', at: t0 + 30 * second },
    });
    expect(afterMs).toBe(30 * second);
    expect(answer.checkpoint.summary).toBe('FAIL at 5%: errors 60% > 1%, bake 30s of 1m');
  });

  it('fails after a breach has lasted as long as asked (T-17c)', async () => {
    const criteria = [limit('errors', { forMs: 5 * minute })];
    const { answer, afterMs } = await watched({
      script: { sample: during(value(0.6), [0, 1_000]) },
      criteria,
      bake: stepPlan(30 * minute),
    });
    expect([answer.kind, afterMs]).toEqual(['fail', 5 * minute]);
  });

  it('does not end while a breach is not yet sustained, and ends when it is over (T-17d)', async () => {
    const criteria = [limit('errors', { forMs: 5 * minute })];
    const sample = during(value(0.6), [27 * 60, 31 * 60]);
    const { answer, afterMs } = await watched({
      script: { sample },
      criteria,
      bake: stepPlan(30 * minute, 60 * minute),
    });
    expect([answer.kind, afterMs]).toEqual(['clean', 31 * minute]);
  });

  it('is not ended or turned back by criteria that only warn or page', async () => {
    const criteria = [limit('a', { do: 'warn' }), limit('b', { do: 'page' })];
    const { answer, afterMs } = await watched({ script: { sample: () => value(1) }, criteria });
    expect([answer.kind, afterMs]).toEqual(['clean', minute]);
    expect(answer.checkpoint.findings.map(({ verdict }) => verdict)).toEqual(['fail', 'fail']);
  });

  it('does not turn back, and does not end, on what is no data', async () => {
    for (const missing of [nothing, value(Number.NaN), value(-Infinity)]) {
      const { answer } = await watched({ script: { sample: () => missing }, bake: stepPlan(minute) });
      expect(answer.kind).toBe('hold');
    }
  });

  it('does not turn back when the metrics connection is not there at all', async () => {
    const { answer } = await watched({ script: { connected: false } });
    expect(answer).toMatchObject({ kind: 'hold', reason: expect.stringContaining('no such connection') as string });
  });

  it('stops its clock while data is missing and goes on with it afterwards', async () => {
    const { answer, afterMs } = await watched({
      script: { sample: during(nothing, [20, 80]) },
      bake: stepPlan(minute),
    });
    // Data at 10 s and again at 80 s; the time in between has an end without data.
    expect(afterMs).toBe(130 * second);
    expect(answer).toMatchObject({ kind: 'clean', checkpoint: { validMs: minute, elapsedMs: 130 * second } });
  });

  it('asks a person when data stays away for its maximum, and for no less than five minutes', async () => {
    const short = await watched({ script: { sample: () => nothing }, bake: stepPlan(minute) });
    expect(short.afterMs).toBe(5 * minute);
    expect(short.answer).toMatchObject({
      kind: 'hold',
      reason: expect.stringContaining('no data: the result is empty') as string,
    });
    const given = { script: { sample: () => nothing }, bake: stepPlan(minute, 20 * minute) };
    const long = await watched(given);
    const held = await goneOn(given, long);
    expect(held.answer.kind).toBe('hold');
    expect(held.clock.now() - t0).toBe(20 * minute);
  });

  it('tells people once that nothing can be judged when data stays away for five minutes, and goes on (T-26)', async () => {
    const given = {
      script: { sample: during(nothing, [20, 900]) },
      criteria: [limit('errors'), limit('latency', { do: 'warn' })],
      bake: stepPlan(minute, 60 * minute),
    };
    const told = await watched(given);
    expect(told.answer).toMatchObject({ kind: 'blind', sentence: 'errors: no data: the result is empty' });
    expect(told.afterMs).toBe(320 * second);
    const clean = await goneOn(given, told);
    expect(clean.answer.kind).toBe('clean');
    expect(clean.clock.now() - t0).toBe(950 * second);
  });

  it('asks a person when its maximum has passed and it is not clean', async () => {
    const criteria = [limit('errors', { minSamples: 1 })];
    const { answer, afterMs } = await watched({ script: {}, criteria, bake: stepPlan(minute, 5 * minute) });
    expect(afterMs).toBe(5 * minute);
    expect(answer).toMatchObject({ kind: 'hold' });
    expect(answer.kind === 'hold' && answer.reason).toBe(
      'not clean after 5m: errors: canary 0% ≤ 1%, but the number of its requests is unknown, 1 needed',
    );
  });

  it('with one fixed time waits a minute more for what it lacks before it asks a person', async () => {
    const { afterMs } = await watched({
      script: {},
      criteria: [limit('errors', { minSamples: 1 })],
      bake: stepPlan(5 * second),
    });
    expect(afterMs).toBe(65 * second);
  });

  it('gets a whole maximum again when a person resumes it', async () => {
    const given = { script: {}, criteria: [limit('errors', { minSamples: 1 })], bake: stepPlan(minute, 5 * minute) };
    const first = await watched(given);
    const again = attempt({ ...given, input: { checkpoint: first.answer.checkpoint } }, first.clock);
    await again.clock.runUntil(again.report, t0 + 60 * minute);
    expect((await again.report).kind).toBe('hold');
    expect(again.clock.now() - t0).toBe(10 * minute);
  });

  it('asks a person at once when a criterion with that consequence fails', async () => {
    const criteria = [limit('errors', { do: 'hold' })];
    const { answer, afterMs } = await watched({ script: { sample: during(value(0.6), [20, 30]) }, criteria });
    expect(afterMs).toBe(20 * second);
    expect(answer).toMatchObject({ kind: 'hold', reason: 'criterion errors failed: canary 60% > 1%' });
  });

  it('forgets its time when the next step is reached, and bakes that one', async () => {
    const reading = (at: number) =>
      at < t0 + 30 * second ? atStep0() : planned(claim(step(1), 2_500, { since: t0 + 25 * second, fence: 7 }));
    const { answer, afterMs } = await watched({ script: { reading } });
    expect(afterMs).toBe(85 * second);
    expect(answer).toMatchObject({
      kind: 'clean',
      checkpoint: { stage: step(1), validMs: minute, observed: { requestedBp: 2_500 } },
    });
  });

  it('judges nothing and bakes nothing before there is traffic', async () => {
    const reading = (at: number) =>
      at < t0 + 30 * second
        ? planned(claim({ kind: 'deployed' }, 0))
        : planned(claim(step(0), 500, { since: t0 + 30 * second }));
    const { answer, asked, afterMs } = await watched({ script: { reading } });
    expect([answer.kind, afterMs]).toEqual(['clean', 90 * second]);
    expect(Math.min(...asked.map(({ at }) => at))).toBe(t0 + 30 * second);
  });
});

describe('a stopped clock', () => {
  it('lets no bake time pass, and judges as before', async () => {
    const input = { clock: 'stopped', segmentMs: 10 * minute } as const;
    const quiet = await watched({ script: {}, input });
    expect(quiet.answer).toMatchObject({ kind: 'segment-end', checkpoint: { validMs: 0, elapsedMs: 0 } });
    expect(quiet.afterMs).toBe(10 * minute);
    const bad = await watched({ script: { sample: during(value(0.6), [60, 70]) }, input });
    expect([bad.answer.kind, bad.afterMs]).toEqual(['fail', minute]);
  });

  it('asks nobody and ends nothing', async () => {
    const criteria = [limit('errors', { do: 'hold' })];
    const input = { clock: 'stopped', segmentMs: 10 * minute } as const;
    const { answer } = await watched({ script: { sample: () => value(1) }, criteria, input });
    expect(answer.kind).toBe('segment-end');
  });

  it('does not end a bake that has become clean meanwhile: whoever stopped it decides', async () => {
    const criteria = [limit('errors', { forMs: 60 * minute })];
    const given = { criteria, bake: stepPlan(minute, 2 * minute) };
    const held = await watched({ ...given, script: { sample: () => value(1) } });
    expect(held.answer).toMatchObject({ kind: 'hold', checkpoint: { validMs: 2 * minute } });
    const input = { checkpoint: held.answer.checkpoint, segmentMs: minute };
    const stopped = attempt({ ...given, script: {}, input: { ...input, clock: 'stopped' } }, held.clock);
    await stopped.clock.runUntil(stopped.report);
    const report = await stopped.report;
    expect(report.kind).toBe('segment-end');
    const resumed = attempt({ ...given, script: {}, input: { ...input, checkpoint: report.checkpoint } }, held.clock);
    await resumed.clock.runUntil(resumed.report);
    expect((await resumed.report).kind).toBe('clean');
  });
});
