import { ActivityCancellationDetails } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import type { WatchCheckpoint } from '../../activities/contract.ts';
import { advance, fitted, latest } from '../../activities/watch-checkpoint.ts';
import {
  atStep0,
  attempt,
  away,
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
  type Given,
} from './scripted.ts';
import { createVirtualClock } from './virtual-clock.ts';

/** Kills the worker again and again: each attempt lives for a while, then nobody looks for a while, then the next one goes on. */
async function crashing(given: Given, lives: readonly { readonly livesMs: number; readonly deadMs: number }[]) {
  const clock = createVirtualClock(t0);
  let left: unknown;
  for (const { livesMs, deadMs } of lives) {
    const killed = attempt(given, createVirtualClock(clock.now()), left);
    const how = await killed.clock.runUntil(killed.report, clock.now() + livesMs);
    if (how === 'settled')
      return { answer: await killed.report, afterMs: killed.clock.now() - t0, asked: killed.asked };
    left = killed.heartbeats.at(-1)?.details;
    clock.jumpTo(killed.clock.now() + deadMs);
  }
  const last = attempt(given, clock, left);
  await clock.runUntil(last.report, t0 + 60 * 60 * minute);
  return { answer: await last.report, afterMs: clock.now() - t0, asked: last.asked };
}

describe('a worker that is killed', () => {
  const given = { script: {}, bake: stepPlan(30 * minute, 60 * minute) };

  it('neither stops nor hastens the bake clock', async () => {
    for (const lives of [
      [{ livesMs: 10 * minute, deadMs: 7 * minute }],
      [{ livesMs: 61 * second, deadMs: 9 * second }],
      Array.from({ length: 60 }, () => ({ livesMs: 11 * second, deadMs: 17 * second })),
    ]) {
      const { answer, afterMs } = await crashing(given, lives);
      expect([answer.kind, afterMs, answer.checkpoint.validMs]).toEqual(['clean', 30 * minute, 30 * minute]);
    }
  });

  it('ends the bake as soon as it is back when its end fell into the gap', async () => {
    const { answer, afterMs } = await crashing(given, [{ livesMs: 29 * minute, deadMs: 5 * minute }]);
    expect([answer.kind, afterMs, answer.checkpoint.validMs]).toEqual(['clean', 34 * minute, 34 * minute]);
  });

  it('sees a breach that began and ended while nobody looked', async () => {
    const sample = (_c: string, _l: string, at: number) =>
      value(at >= t0 + 12 * minute && at < t0 + 14 * minute ? 1 : 0);
    const lives = [{ livesMs: 10 * minute, deadMs: 7 * minute }];
    const criteria = [limit('errors', { forMs: minute })];
    const { answer } = await crashing({ ...given, script: { sample }, criteria }, lives);
    expect(answer).toMatchObject({ kind: 'fail', finding: { at: t0 + 13 * minute, breachedMs: minute } });
    const longer = [limit('errors', { forMs: 2 * minute })];
    expect((await crashing({ ...given, script: { sample }, criteria: longer }, lives)).answer.kind).toBe('clean');
  });

  it('goes on with a breach across the gap as if it had looked', async () => {
    const sample = (_c: string, _l: string, at: number) => value(at >= t0 + 9 * minute ? 1 : 0);
    const criteria = [limit('errors', { forMs: 5 * minute })];
    const { answer } = await crashing({ ...given, script: { sample }, criteria }, [
      { livesMs: 10 * minute, deadMs: 2 * minute },
    ]);
    expect(answer).toMatchObject({ kind: 'fail', finding: { at: t0 + 14 * minute } });
  });

  it('counts the gap as time without data when there was none', async () => {
    const sample = (_c: string, _l: string, at: number) =>
      at > t0 + 10 * minute && at < t0 + 17 * minute ? nothing : value(0);
    const { answer, afterMs } = await crashing({ ...given, script: { sample } }, [
      { livesMs: 10 * minute, deadMs: 7 * minute },
    ]);
    expect([answer.kind, afterMs]).toEqual(['clean', 37 * minute]);
  });

  it('asks about a break of many hours in a bounded number of points', async () => {
    const lives = [{ livesMs: minute, deadMs: 20 * 60 * minute }];
    const { asked, answer } = await crashing({ ...given, bake: stepPlan(10 * 60 * minute), everyMs: second }, lives);
    expect(asked.length).toBe(241);
    expect(answer.checkpoint.validMs).toBe(20 * 60 * minute + minute);
  });

  it('does not ask about each moment of a break while the metrics are away', async () => {
    const script = { ping: () => away(), sample: () => nothing };
    const { asked } = await crashing({ ...given, script, bake: stepPlan(minute) }, [
      { livesMs: minute, deadMs: 10 * minute },
    ]);
    expect(asked.length).toBe(1);
  });

  it('judges the rest of the old stage and then the new one when a shift fell into the gap', async () => {
    const reading = (at: number) =>
      at < t0 + 12 * minute ? atStep0() : planned(claim(step(1), 2_500, { since: t0 + 12 * minute, fence: 7 }));
    const { answer, afterMs } = await crashing({ ...given, script: { reading } }, [
      { livesMs: 10 * minute, deadMs: 5 * minute },
    ]);
    expect([answer.kind, afterMs]).toEqual(['clean', 42 * minute]);
    const bad = (_c: string, _l: string, at: number) => value(at === t0 + 11 * minute ? 1 : 0);
    const failed = await crashing({ ...given, script: { reading, sample: bad } }, [
      { livesMs: 10 * minute, deadMs: 5 * minute },
    ]);
    expect(failed.answer).toMatchObject({ kind: 'fail', checkpoint: { stage: step(0) } });
  });
});

describe('heartbeats', () => {
  it('come at once and at least every third of their time-out, however long a poll takes', async () => {
    const reading = (at: number) => (at > t0 + 10 * second ? 'silence' : atStep0());
    const one = attempt({
      script: { reading },
      everyMs: 30 * second,
      bake: stepPlan(30 * minute),
      input: { segmentMs: 2 * minute },
    });
    await one.clock.runUntil(one.report);
    const times = one.heartbeats.map(({ at }) => at);
    expect(times[0]).toBe(t0);
    expect(Math.max(...times.slice(1).map((at, index) => at - (times[index] ?? 0)))).toBeLessThan(1_700);
  });

  it('begin with a sentence that reads like a verdict', async () => {
    const { heartbeats } = await watched({ script: {} });
    const details = heartbeats.at(-1)?.details;
    expect(Object.keys(details ?? {})[0]).toBe('summary');
    expect(details?.summary).toMatch(/^PASS at 5%: errors 0% ≤ 1%, bake \d+s of 1m$/);
  });

  it('stay under 8 KB with twenty criteria that have much to say', async () => {
    const criteria = Array.from({ length: 20 }, (_, index) =>
      limit(`a-criterion-with-a-long-name-${String(index)}`, { forMs: 4 * minute }),
    );
    const query = (id: string) => id.replaceAll('-', '_');
    const long = criteria.map((criterion) => ({ ...criterion, query: `${query(criterion.id)}{{{track}}}` }));
    const sample = (name: string, _l: string, at: number) =>
      name.endsWith('3') ? ({ kind: 'no-data', reason: 'x'.repeat(300) } as const) : value(at / 7e9);
    const { heartbeats, answer } = await watched({ script: { sample }, criteria: long, bake: stepPlan(20 * minute) });
    expect(answer.kind).toBe('fail');
    for (const { details } of heartbeats) expect(Buffer.byteLength(JSON.stringify(details))).toBeLessThan(8_192);
    expect(answer.checkpoint.findings).toHaveLength(20);
    expect(answer.kind === 'fail' && answer.finding.sentence).toMatch(/^canary .* for 4m of 4m$/);
  });

  it('lose the sentences of good criteria before those of bad ones', () => {
    const finding = (breached: boolean) => ({
      breached,
      verdict: 'pass',
      sentence: 'y'.repeat(200),
      limit: 'z'.repeat(20),
    });
    const big = {
      findings: [...Array.from({ length: 40 }, () => finding(false)), finding(true)],
      judge: {},
    } as unknown as WatchCheckpoint;
    const small = fitted(big);
    expect(Buffer.byteLength(JSON.stringify(small))).toBeLessThan(8_000);
    expect(small.findings.map(({ sentence }) => sentence.length)).toEqual([...Array<number>(40).fill(100), 200]);
  });
});

describe('the end of an attempt', () => {
  it('comes promptly when the workflow cancels, with the checkpoint', async () => {
    const one = attempt({ script: {}, bake: stepPlan(30 * minute) });
    await one.clock.runUntil(one.report, t0 + 95 * second);
    one.env.cancel();
    await one.clock.runUntil(one.report);
    expect(one.clock.now()).toBe(t0 + 95 * second);
    expect(await one.report).toMatchObject({
      kind: 'stopped',
      checkpoint: { validMs: 90 * second, lastPollAt: t0 + 90 * second },
    });
  });

  it('comes promptly also while a poll is under way', async () => {
    const one = attempt({ script: { reading: () => 'silence' } });
    await one.clock.runUntil(one.report, t0 + second);
    one.env.cancel();
    await one.clock.runUntil(one.report);
    expect(await one.report).toMatchObject({ kind: 'stopped' });
    expect(one.clock.now()).toBe(t0 + second);
  });

  it('is an error when the worker shuts down, after a last heartbeat, so that it is tried again elsewhere', async () => {
    const one = attempt({ script: {}, bake: stepPlan(30 * minute) });
    await one.clock.runUntil(one.report, t0 + 95 * second);
    one.env.cancel('WORKER_SHUTDOWN', new ActivityCancellationDetails({ workerShutdown: true }));
    await one.clock.runUntil(one.report);
    await expect(one.report).rejects.toThrow();
    expect(one.heartbeats.at(-1)).toMatchObject({ at: t0 + 95 * second, details: { lastPollAt: t0 + 90 * second } });
  });

  it('comes with the segment, and the next one keeps to the grid', async () => {
    const given = { script: {}, bake: stepPlan(30 * minute), input: { segmentMs: 95 * second } };
    const first = await watched(given);
    expect([first.answer.kind, first.afterMs]).toEqual(['segment-end', 95 * second]);
    const next = attempt(
      { ...given, input: { checkpoint: first.answer.checkpoint, segmentMs: 30 * minute } },
      first.clock,
    );
    await next.clock.runUntil(next.report);
    expect(next.asked[0]?.at).toBe(t0 + 105 * second);
    expect(await next.report).toMatchObject({ kind: 'clean', checkpoint: { validMs: 30 * minute } });
  });
});

describe('the bake clock', () => {
  it('takes a break longer than two intervals for no valid time', async () => {
    const { answer } = await watched({ script: {} });
    const moment = { everyMs: 10 * second, clock: 'running', findings: [], troubles: [] } as const;
    const at = t0 + minute;
    expect(advance(answer.checkpoint, { ...moment, at: at + 20 * second }).validMs).toBe(80 * second);
    expect(advance(answer.checkpoint, { ...moment, at: at + 21 * second })).toMatchObject({
      validMs: minute,
      elapsedMs: 81 * second,
    });
    expect(advance(answer.checkpoint, { ...moment, at: at - second })).toMatchObject({
      validMs: minute,
      lastPollAt: at,
    });
  });
});

describe('what the last attempt left behind', () => {
  it('counts when it is newer than what the workflow knows, and when it is readable', async () => {
    const { answer, heartbeats } = await watched({ script: {} });
    const old = heartbeats[3]?.details ?? null;
    expect(latest(old, answer.checkpoint)).toBe(answer.checkpoint);
    expect(latest(answer.checkpoint, old)).toBe(answer.checkpoint);
    expect(latest(null, old)).toBe(old);
    for (const nonsense of [undefined, null, 7, 'x', {}, { summary: 'x' }, []]) expect(latest(old, nonsense)).toBe(old);
  });
});
