import { describe, expect, it } from 'vitest';
import type { OffSwitch, WatchInput } from '../../activities/contract.ts';
import { limit, minute, nothing, second, stepPlan, t0, value, watched } from './scripted.ts';

const flips = limit('circuit', { do: 'flip:smart-mode' });
const broken = () => value(1);
const off = (over: Partial<OffSwitch> = {}): Pick<WatchInput, 'off'> => ({
  off: [{ id: 'smart-mode', rejudgeAt: t0 + 2 * minute, stillBad: 'rollback', ...over }],
});
const longBake = stepPlan(10 * minute, 20 * minute);

describe('a criterion that turns a kill switch off', () => {
  it('asks for it as soon as it fails, and does not go back', async () => {
    const { answer, afterMs } = await watched({ script: { sample: broken }, criteria: [flips] });
    expect([answer.kind, afterMs]).toEqual(['flip', 0]);
    expect(answer).toMatchObject({ finding: { criterion: 'circuit', do: 'flip:smart-mode', verdict: 'fail' } });
  });

  it('asks for nothing without data, and keeps the bake from ending', async () => {
    const { answer } = await watched({ script: { sample: () => nothing }, criteria: [flips] });
    expect(answer).toMatchObject({ kind: 'hold', reason: expect.stringMatching(/^no valid data/) as string });
  });

  it('asks once: while the switch is being turned off, and until its last word, the bake just goes on', async () => {
    const turning = { script: { sample: broken }, criteria: [flips], bake: stepPlan(minute, 3 * minute) };
    const { answer, afterMs } = await watched({ ...turning, input: off({ rejudgeAt: null }) });
    expect([answer.kind, afterMs]).toEqual(['hold', 3 * minute]); // at its maximum, as any bake that is not clean
  });

  it.each([
    ['rollback', 'fail'],
    ['hold', 'hold'],
  ] as const)('has its last word when it still fails then: %s', async (stillBad, kind) => {
    const given = { script: { sample: broken }, criteria: [flips], bake: longBake, input: off({ stillBad }) };
    const { answer, afterMs } = await watched(given);
    expect([answer.kind, afterMs]).toEqual([kind, 2 * minute]);
  });

  it('has it later too, when it fails again', async () => {
    const again = (_: string, __: string, at: number) => value(at >= t0 + 5 * minute ? 1 : 0);
    const { answer, afterMs } = await watched({
      script: { sample: again },
      criteria: [flips],
      bake: longBake,
      input: off(),
    });
    expect([answer.kind, afterMs]).toEqual(['fail', 5 * minute]);
  });

  it('lets the bake end when it has become good', async () => {
    const good = (_: string, __: string, at: number) => value(at >= t0 + 30 * second ? 0 : 1);
    const { answer, afterMs } = await watched({
      script: { sample: good },
      criteria: [flips],
      bake: longBake,
      input: off(),
    });
    expect([answer.kind, afterMs]).toEqual(['clean', 10 * minute]);
  });

  it('goes back at once by another criterion that says so', async () => {
    const { answer } = await watched({ script: { sample: broken }, criteria: [flips, limit('errors')] });
    expect(answer).toMatchObject({ kind: 'fail', finding: { criterion: 'errors' } });
  });
});
