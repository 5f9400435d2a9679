import { describe, expect, it } from 'vitest';
import type { ToldStage } from '../../activities/contract.ts';
import { attempt, minute, order, planned, second, step, stepPlan, t0, watched } from './scripted.ts';

const told = (over: Partial<ToldStage> = {}): ToldStage => ({ stage: step(0), since: t0, plannedBp: 500, ...over });
const at = (canaryBp: number) => planned(null, canaryBp);

describe('the watch of a target that stores no claim', () => {
  it('takes the stage from the rollout, and its bake ends there', async () => {
    const { answer, afterMs } = await watched({ script: { reading: () => at(500) }, input: { told: told() } });
    expect(answer).toMatchObject({ kind: 'clean', checkpoint: { stage: step(0), observed: { acceptedBp: 500 } } });
    expect(afterMs).toBe(minute);
  });

  it.each([
    [100, 'below'],
    [10_000, 'above'],
  ] as const)('tells of %i basis points that somebody else set', async (canaryBp, direction) => {
    const reading = (now: number) => at(now < t0 + 30 * second ? 500 : canaryBp);
    const { answer, afterMs } = await watched({
      script: { reading },
      input: { told: told() },
      bake: stepPlan(30 * minute),
    });
    expect(answer).toMatchObject({ kind: 'drift', direction, plannedBp: 500, acceptedBp: canaryBp });
    expect(afterMs).toBe(30 * second);
  });

  it('tells again of the same weight when the rollout has written since, unseen', async () => {
    const goal = { kind: 'zero' } as const;
    const back = told({ stage: { kind: 'back' }, plannedBp: 0 });
    const input = { goal, told: back, clock: 'stopped', segmentMs: 2 * minute } as const;
    const first = await watched({ script: { reading: () => at(2_500) }, input });
    expect(first.answer).toMatchObject({ kind: 'drift', acceptedBp: 2_500 });
    const next = (fence: number) => {
      const { checkpoint } = first.answer;
      const one = attempt({
        script: { reading: () => at(2_500) },
        input: { ...input, checkpoint, order: { ...order, fence } },
      });
      return one.clock.runUntil(one.report, t0 + 60 * minute).then(() => one.report);
    };
    expect((await next(order.fence)).kind).toBe('segment-end');
    expect(await next(order.fence + 1)).toMatchObject({ kind: 'drift', acceptedBp: 2_500 });
  });

  it('sees that stable is gone while it is needed', async () => {
    const reading = () => planned(null, 500, false);
    const { answer } = await watched({ script: { reading }, input: { told: told() }, bake: stepPlan(30 * minute) });
    expect(answer).toMatchObject({ kind: 'way-back', sentence: expect.stringContaining('v1 is not ready') as string });
  });
});
