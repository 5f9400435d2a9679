import { describe, expect, it } from 'vitest';
import {
  away,
  claim,
  limit,
  minute,
  planned,
  scheduledSmoke,
  second,
  t0,
  value,
  watched,
  type Given,
} from './scripted.ts';

const promoted = { reading: () => planned(claim({ kind: 'promoted' }, 10_000)) };
const criteria = [limit('errors', { when: 'always' }), limit('canary-only'), limit('later', { when: 'watch' })];

function after(given: Partial<Given> & Pick<Given, 'script'>) {
  return watched({ criteria, ...given, script: { ...promoted, ...given.script } });
}

describe('the watch after promotion', () => {
  it('is over exactly when its time has passed, with the criteria of the watch judged', async () => {
    const { answer, afterMs } = await after({ script: {}, everyMs: 45 * second });
    expect([answer.kind, afterMs]).toEqual(['watched', 10 * minute]);
    expect(answer.checkpoint.findings.map(({ criterion }) => criterion)).toEqual(['errors', 'later']);
    expect(answer.checkpoint.summary).toBe('PASS after promotion: errors 0% ≤ 1%, watched 10m of 10m');
  });

  it('goes on until it is clean when it is not at its end', async () => {
    const until = t0 + 12 * minute;
    const sample = (_c: string, _l: string, at: number) => value(at < until ? 1 : 0);
    const { answer, afterMs } = await after({
      script: { sample },
      criteria: [limit('errors', { when: 'watch', forMs: 60 * minute })],
    });
    expect([answer.kind, afterMs]).toEqual(['watched', 12 * minute]);
  });

  it('can still turn back', async () => {
    const sample = (criterion: string) => value(criterion === 'later' ? 1 : 0);
    expect((await after({ script: { sample } })).answer).toMatchObject({
      kind: 'fail',
      finding: { criterion: 'later' },
    });
  });
});

describe('scheduled smoke', () => {
  it('runs at its times until its time is over', async () => {
    const { answer, smokeRuns } = await after({
      script: {},
      input: { scheduled: scheduledSmoke({ forMs: 4 * minute }) },
    });
    expect(answer.kind).toBe('watched');
    expect(smokeRuns.map(({ from }) => (from - t0) / minute)).toEqual([1, 2, 3, 4]);
    expect(answer.checkpoint.scheduledSmoke).toMatchObject({
      runs: 4,
      failuresInARow: 0,
      last: { suite: 'full', aim: 'public', passed: true, sentence: '1 request passed' },
    });
  });

  it('turns back after so many failures in a row, and not before', async () => {
    const { answer, smokeRuns } = await after({
      script: { smoke: (at) => at === t0 + 2 * minute },
      input: { scheduled: scheduledSmoke() },
    });
    expect(smokeRuns.map(({ from }) => (from - t0) / minute)).toEqual([1, 2, 3, 4, 5]);
    expect(answer).toMatchObject({
      kind: 'smoke',
      sentence: 'smoke full failed 3 times in a row: health: expected 2xx, got 500',
    });
  });

  it('never runs twice at a time, does not make up for missed runs and does not hold up polls', async () => {
    const clockTurns: (() => void)[] = [];
    const smoke = (at: number) =>
      at === t0 + minute ? new Promise<boolean>((resolve) => clockTurns.push(() => resolve(true))) : true;
    const sample = (_c: string, _l: string, at: number) => {
      if (at >= t0 + 3.5 * minute) clockTurns.splice(0).forEach((turn) => turn());
      return value(0);
    };
    const { smokeRuns, asked } = await after({ script: { smoke, sample }, input: { scheduled: scheduledSmoke() } });
    expect(smokeRuns.map(({ from }) => (from - t0) / second)).toEqual([60, 210, 240, 300, 360, 420, 480, 540, 600]);
    expect(asked.filter(({ criterion }) => criterion === 'errors')).toHaveLength(61);
  });

  it('that finds no way to its aim says nothing about the release', async () => {
    const scheduled = scheduledSmoke();
    if (scheduled === null) throw new Error('never');
    const nowhere = { ...scheduled, suite: { ...scheduled.suite, publicUrl: null } };
    const { answer, smokeRuns } = await after({ script: {}, input: { scheduled: nowhere } });
    expect([answer.kind, smokeRuns]).toEqual(['watched', []]);
  });

  it('is not run while a step bakes: the smoke of the step speaks for it', async () => {
    const { smokeRuns } = await watched({ script: {}, input: { scheduled: scheduledSmoke({ everyMs: second }) } });
    expect(smokeRuns).toEqual([]);
  });

  it('goes on while the target is away', async () => {
    const reading = (at: number) => (at < t0 + 30 * second ? promoted.reading() : away());
    const { smokeRuns } = await after({
      script: { reading },
      input: { scheduled: scheduledSmoke({ everyMs: 10 * second }) },
    });
    expect(smokeRuns.length).toBeGreaterThan(3);
  });
});
