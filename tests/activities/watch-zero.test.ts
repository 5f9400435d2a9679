import { describe, expect, it } from 'vitest';
import type { Claim, Reading } from '../../plan/target.ts';
import type { ProviderError } from '../../providers/errors.ts';
import { attempt, away, claim, minute, order, planned, second, step, t0, watched } from './scripted.ts';

const zero = (over: Partial<Claim> = {}) => claim({ kind: 'back' }, 0, { fence: 9, ...over });
const input = { goal: { kind: 'zero' }, clock: 'stopped', segmentMs: 5 * minute } as const;
const since = (seconds: number, then: Reading | ProviderError) => (at: number) =>
  at < t0 + seconds * second ? planned(zero()) : then;

describe('the watch of a release that was taken back to zero', () => {
  it('goes on to the end of its segment while nobody touches it, and asks no metrics', async () => {
    const { answer, afterMs, asked } = await watched({ script: { reading: () => planned(zero()) }, input });
    expect([answer.kind, afterMs]).toEqual(['segment-end', 5 * minute]);
    expect(asked).toEqual([]);
    expect(answer.checkpoint).toMatchObject({ stage: { kind: 'back' }, observed: { acceptedBp: 0 } });
  });

  it.each([
    ['under our claim', planned(zero(), 2_500)],
    ['with an old configuration that came back', planned(claim(step(1), 2_500, { fence: 5 }))],
    ['under the claim of somebody else', planned(zero({ rollout: 'rollout/production/other' }), 2_500)],
    ['without any claim', planned(null, 2_500)],
    ['after the claim was given back', planned(zero({ released: true }), 2_500)],
  ])('tells at once of traffic that somebody gives it %s', async (_, reading) => {
    const { answer, afterMs } = await watched({ script: { reading: since(20, reading) }, input, everyMs: minute });
    expect(answer).toMatchObject({ kind: 'drift', direction: 'above', plannedBp: 0, acceptedBp: 2_500 });
    expect(afterMs).toBe(20 * second);
  });

  it('tells again of the same weight when it was taken back in between, unseen', async () => {
    const first = await watched({ script: { reading: since(20, planned(zero(), 2_500)) }, input });
    const next = (reading: Reading) => {
      const one = attempt({
        script: { reading: () => reading },
        input: { ...input, checkpoint: first.answer.checkpoint },
      });
      return one.clock.runUntil(one.report, t0 + 60 * minute).then(() => one.report);
    };
    expect((await next(planned(zero(), 2_500))).kind).toBe('segment-end');
    expect(await next(planned(zero({ fence: 10 }), 2_500))).toMatchObject({ kind: 'drift', acceptedBp: 2_500 });
  });

  it('says so when the target cannot be asked', async () => {
    const { answer } = await watched({ script: { reading: since(20, away()) }, input });
    expect(answer).toMatchObject({ kind: 'way-back', sentence: expect.stringContaining('does not answer') as string });
  });
});

describe('the watch of a release that is deployed and has no traffic yet', () => {
  const keep = { goal: { kind: 'keep', stage: { kind: 'deployed' }, passing: [] }, segmentMs: 2 * minute } as const;
  const deployed = claim({ kind: 'deployed' }, 0);

  it('tells of traffic that somebody gives it', async () => {
    const { answer } = await watched({ script: { reading: () => planned(deployed, 100) }, input: keep });
    expect(answer).toMatchObject({ kind: 'drift', direction: 'above', plannedBp: 0, acceptedBp: 100 });
  });

  it('stops nobody because the target is away for a while', async () => {
    const { answer } = await watched({ script: { reading: () => away() }, input: keep });
    expect(answer.kind).toBe('segment-end');
  });

  it('is a claim of the order all the same', async () => {
    const taken = { ...deployed, rollout: 'rollout/production/other' };
    const { answer } = await watched({ script: { reading: () => planned(taken) }, input: keep });
    expect(answer).toMatchObject({ kind: 'fenced' });
    expect(order.rollout).not.toBe(taken.rollout);
  });
});
