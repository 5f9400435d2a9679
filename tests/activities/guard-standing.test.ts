import { describe, expect, it } from 'vitest';
import type { GuardMemory, Suspect } from '../../activities/contract.ts';
import {
  bounded,
  dueOf,
  type GuardLimits,
  mayRevert,
  suspectOf,
  wake,
  withRevert,
  wordsFor,
} from '../../activities/guard-standing.ts';
import type { Standstill } from '../../plan/orphan.ts';
import type { RunFacts } from '../../providers/ports.ts';

const limits: GuardLimits = { everyMs: 5_000, pageAfterMs: 120_000, revertAfterMs: 600_000 };
const minute = 60_000;
const untaken = (since: number): Standstill => ({ kind: 'untaken', since, task: 'workflow task' });
const failing: Standstill = { kind: 'failing', attempts: 4, why: 'no such activity' };

const facts = (standstill: Standstill | null): RunFacts => ({
  ...{ rollout: 'rollout/p/web', run: 'r1', ended: false, state: 'baking', standstill },
});
const suspect = (standstill: Standstill, since: number): Suspect => ({
  ...{ rollout: 'rollout/p/web', run: 'r1', standstill, since, told: 'nothing' },
});
const remembering = (more: Partial<GuardMemory>): GuardMemory => ({ ...wake(null, 0, limits), ...more });

describe('how long a run has stood', () => {
  it('is told from its own task, but only as long as the guardian has been looking', () => {
    expect(suspectOf(facts(untaken(3 * minute)), remembering({ lookingSince: minute }), 9 * minute)).toMatchObject({
      since: 3 * minute,
    });
    expect(suspectOf(facts(untaken(minute)), remembering({ lookingSince: 7 * minute }), 9 * minute)).toMatchObject({
      since: 7 * minute,
    });
    expect(suspectOf(facts(failing), remembering({}), 9 * minute)).toMatchObject({ since: 9 * minute });
  });

  it('goes on while the same thing lasts, and begins anew with another task', () => {
    const memory = remembering({ suspects: [suspect(untaken(minute), minute)] });
    expect(suspectOf(facts(untaken(minute)), memory, 9 * minute)?.since).toBe(minute);
    expect(suspectOf(facts(untaken(8 * minute)), memory, 9 * minute)?.since).toBe(8 * minute);
    expect(suspectOf(facts(failing), memory, 9 * minute)?.since).toBe(9 * minute);
    expect(suspectOf(facts(null), memory, 9 * minute)).toBeNull();
  });

  it('counts no time in which nobody looked: after an outage of all workers nothing is reverted', () => {
    const before = remembering({
      lookedAt: minute,
      lookingSince: 0,
      suspects: [suspect(failing, 0)],
    });
    const after = wake(before, 61 * minute, limits);
    expect(after).toMatchObject({ lookingSince: 61 * minute, suspects: [{ since: 60 * minute }] });
    expect(dueOf(after.suspects[0] as Suspect, 61 * minute, limits)).toBe('wait');
    expect(suspectOf(facts(untaken(2 * minute)), after, 61 * minute)?.since).toBe(61 * minute);
    expect(wake(before, minute + 19_000, limits)).toBe(before);
  });

  it('pages first and reverts later', () => {
    const standing = suspect(failing, 0);
    expect([119_999, 120_000, 599_999, 600_000].map((now) => dueOf(standing, now, limits))).toEqual([
      ...['wait', 'page', 'page', 'revert'],
    ]);
  });

  it('is told in words with numbers', () => {
    expect(wordsFor(suspect(failing, 0), 10 * minute)).toBe(
      'its workflow task has been failing for 10m (attempt 4): no such activity',
    );
    expect(wordsFor(suspect(untaken(0), 0), 2 * minute)).toContain('no worker has taken its workflow task for 2m');
  });

  it('is remembered of the longest standing ones when there are too many', () => {
    const many = Array.from({ length: 300 }, (_, index) => suspect(failing, 300 - index));
    expect(bounded(many)).toHaveLength(200);
    expect(bounded(many)[0]?.since).toBe(1);
  });
});

describe('a revert that fails at once', () => {
  it('is started again ever more rarely, but within five minutes, and a day later as if for the first time', () => {
    const memory = (times: number) => remembering({ reverts: [{ rollout: 'x', times, at: 0 }] });
    expect(mayRevert(remembering({}), 'x', 0, limits)).toBe(true);
    expect(mayRevert(memory(1), 'x', 9_999, limits)).toBe(false);
    expect(mayRevert(memory(1), 'x', 10_000, limits)).toBe(true);
    expect(mayRevert(memory(4), 'x', 79_999, limits)).toBe(false);
    expect(mayRevert(memory(20), 'x', 5 * minute, limits)).toBe(true);
    expect(withRevert([{ rollout: 'x', times: 2, at: 0 }], 'x', minute)).toEqual([
      { rollout: 'x', times: 3, at: minute },
    ]);
    expect(withRevert([{ rollout: 'y', times: 2, at: 0 }], 'x', 25 * 60 * minute)).toEqual([
      { rollout: 'x', times: 1, at: 25 * 60 * minute },
    ]);
  });
});
