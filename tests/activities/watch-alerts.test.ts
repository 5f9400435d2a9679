import { describe, expect, it } from 'vitest';
import type { AlertSample } from '../../judge/verdict.ts';
import type { Criterion } from '../../plan/criteria.ts';
import { attempt, common, limit, minute, nothing, second, stepPlan, t0, value, watched } from './scripted.ts';
import { createVirtualClock } from './virtual-clock.ts';

const red: Criterion = {
  ...common,
  id: 'red',
  kind: 'alert',
  matchers: [{ label: 'release', op: '=', value: '{{release}}' }],
};
const quiet: AlertSample = { kind: 'alerts', firing: 0, names: [], rules: 1 };
const fires: AlertSample = { kind: 'alerts', firing: 1, names: ['HighErrors'], rules: 1 };

describe('a watch over alerts', () => {
  it('takes the release back at the first poll at which one fires', async () => {
    const alerts = (about: string, at: number) => (about === 'v2' && at >= t0 + 25 * second ? fires : quiet);
    const { answer, afterMs } = await watched({ script: { alerts }, criteria: [red] });
    expect(afterMs).toBe(30 * second);
    expect(answer).toMatchObject({
      kind: 'fail',
      finding: { criterion: 'red', value: 1, sentence: '1 alert fires: HighErrors' },
    });
  });

  it('finishes a bake without any, and none on which nobody can tell', async () => {
    expect((await watched({ script: { alerts: () => quiet }, criteria: [red] })).answer.kind).toBe('clean');
    const { answer } = await watched({ script: { alerts: () => nothing }, criteria: [red] });
    expect(answer).toMatchObject({ kind: 'hold', checkpoint: { validMs: 0 } });
  });

  it('sees one that fired and was over while no worker looked', async () => {
    const alerts = (_about: string, at: number) => (at >= t0 + 12 * minute && at < t0 + 13 * minute ? fires : quiet);
    const given = { script: { alerts }, criteria: [red], bake: stepPlan(30 * minute, 60 * minute) };
    const killed = attempt(given);
    await killed.clock.runUntil(killed.report, t0 + 10 * minute);
    const next = attempt(given, createVirtualClock(t0 + 17 * minute), killed.heartbeats.at(-1)?.details);
    await next.clock.runUntil(next.report, t0 + 18 * minute);
    expect(await next.report).toMatchObject({ kind: 'fail', finding: { at: t0 + 12 * minute } });
  });

  it('has nothing to say about them while the metrics are not connected', async () => {
    const { answer } = await watched({ script: { alerts: () => quiet, connected: false }, criteria: [red] });
    expect(answer.kind).toBe('hold');
    expect(answer.checkpoint.findings[0]).toMatchObject({ verdict: 'no-data' });
  });
});

describe('a watch over a composite', () => {
  const parts = [limit('circuit'), limit('chat')].map((criterion) => ({ kind: 'criterion', criterion }) as const);
  const whole: Criterion = { ...common, id: 'whole', kind: 'all-of', parts };

  it('asks for its parts and fails when all of them are bad', async () => {
    const sample = (id: string, _label: string, at: number) =>
      value(id === 'circuit' || at >= t0 + 25 * second ? 1 : 0);
    const { answer, asked, afterMs } = await watched({ script: { sample }, criteria: [whole] });
    expect([...new Set(asked.map(({ criterion }) => criterion))]).toEqual(['circuit', 'chat']);
    expect([answer.kind, afterMs]).toEqual(['fail', 30 * second]);
    expect(answer.checkpoint.findings.map(({ criterion }) => criterion)).toEqual(['whole']);
  });

  it('lets no bake end on a part that is missing, unless another one is good', async () => {
    const given = (circuit: number) => ({
      script: { sample: (id: string) => (id === 'circuit' ? value(circuit) : nothing) },
      criteria: [whole],
    });
    expect((await watched(given(1))).answer).toMatchObject({ kind: 'hold', checkpoint: { validMs: 0 } });
    expect((await watched(given(0))).answer.kind).toBe('clean');
  });
});

describe('a watch over what counts only at some hours', () => {
  /** t0 is a Friday, 8 o’clock in UTC. */
  const window = { days: ['fri'], fromMs: 8 * 60 * minute + 40 * second, toMs: 9 * 60 * minute } as const;
  const hourly = limit('errors', { onlyIf: { calendar: { timezone: 'UTC', windows: [window] } } });

  it('is held up by nothing outside of them, and by everything inside', async () => {
    expect(new Date(t0).toUTCString()).toBe('Fri, 15 Jan 2027 08:00:00 GMT');
    const before = await watched({
      script: { sample: () => nothing },
      criteria: [hourly],
      bake: stepPlan(30 * second),
    });
    expect([before.answer.kind, before.afterMs]).toEqual(['clean', 30 * second]);
    expect(before.answer.checkpoint.findings[0]).toMatchObject({ idle: true });
    expect(before.answer.checkpoint.summary).toMatch(/^WATCHING at 5%/);
    const within = await watched({ script: { sample: () => value(1) }, criteria: [hourly] });
    expect([within.answer.kind, within.afterMs]).toEqual(['fail', 40 * second]);
  });

  it('does not void what people were shown when the hours are over', async () => {
    const evening = limit('errors', {
      onlyIf: { calendar: { timezone: 'UTC', windows: [{ ...window, fromMs: 0, toMs: window.fromMs }] } },
    });
    const keep = { goal: { kind: 'keep', stage: { kind: 'step', index: 0 }, passing: ['errors'] } } as const;
    const given = { script: {}, criteria: [evening], input: { ...keep, segmentMs: 5 * minute } };
    expect((await watched(given)).answer.kind).toBe('segment-end');
  });
});
