import { describe, expect, it } from 'vitest';
import { advance, enter, firstCheckpoint } from '../../activities/watch-checkpoint.ts';
import type { WatchInput } from '../../activities/contract.ts';

const stage = { kind: 'step', index: 0 } as const;
const input = { goal: { kind: 'bake' } } as WatchInput;
const poll = (at: number) => ({ at, everyMs: 10_000, clock: 'running', findings: [], troubles: [] }) as const;

describe('the clock of a stage', () => {
  it('does not begin before a poll that still saw the stage before: the write was long under way', () => {
    const before = { ...advance(firstCheckpoint(input, 0), poll(20_000)), lastPollAt: 20_000 };
    const entered = enter(before, { stage, since: 12_000, plannedBp: 100 });
    expect(advance(entered, poll(30_000))).toMatchObject({ validMs: 10_000, elapsedMs: 10_000 });
  });

  it('begins with the write when no poll came in between', () => {
    const before = { ...advance(firstCheckpoint(input, 0), poll(20_000)), lastPollAt: 20_000 };
    const entered = enter(before, { stage, since: 24_000, plannedBp: 100 });
    expect(advance(entered, poll(30_000))).toMatchObject({ validMs: 6_000, elapsedMs: 6_000 });
  });
});
