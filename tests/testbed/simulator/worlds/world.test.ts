import { describe, expect, it } from 'vitest';
import { shareOf } from '../../../../plan/target.ts';
import { began, canary, given, minutes, seconds } from './given.ts';

const step = (index: number) => ({ kind: 'step', index }) as const;

describe('a whole rollout by the real target', () => {
  it('goes from preflight over every weight to promotion and retirement, and the truth agrees at each', async () => {
    const { world, target, clock, order, shares } = given();
    const digests = { stable: world.stable.digest, canary: canary.digest };
    const problems = await target.preflight([100, 2_500, 10_000], canary);
    expect(problems.filter(({ level }) => level === 'problem')).toEqual([]);
    expect(await target.stable()).toEqual(world.stable);

    const place = await target.deploy(order(1));
    expect(place).toMatchObject({ name: 'b', ready: true });
    expect(clock.now() - began).toBe(seconds(2));
    expect(world.truth(clock.now())).toMatchObject({ preview: 'b', claim: { fence: 1, canaryBp: 0 }, hostFence: 1 });

    for (const [index, bp] of [100, 2_500, 10_000].entries()) {
      await target.ensureCapacity(order(index + 2), bp);
      const reading = await target.setWeights(order(index + 2), shares(bp), step(index));
      expect(shareOf(reading, canary.digest)).toBe(bp);
      expect(await target.confirm(order(index + 2), bp)).toEqual({ kind: 'live' });
      const truth = world.truth(clock.now());
      expect(truth.shares.get(digests.canary)).toBe(bp);
      expect(truth.shares.get(digests.stable) ?? 0).toBe(10_000 - bp);
      expect(truth.traffic.every(({ served }) => served)).toBe(true);
    }

    await target.promote(order(5));
    await target.retire(order(6), world.stable);
    const truth = world.truth(clock.now());
    expect(truth).toMatchObject({ preview: null, claim: { fence: 6, released: true }, hostFence: 6 });
    expect(truth.slots).toMatchObject({ a: { release: null }, b: { ready: true } });
    expect(truth.shares).toEqual(new Map([[digests.canary, 10_000]]));
  });

  it('goes back to zero: fence, weights and the retired canary are in the log of writes in their order', async () => {
    const { world, target, clock, order, shares } = given();
    await target.deploy(order(1));
    await target.setWeights(order(2), shares(2_500), step(1));
    await target.raiseFence(order(3));
    await target.setWeights(order(4), shares(0), { kind: 'back' });
    await target.restore(order(5));
    await target.retire(order(6), canary);
    const log = world
      .writes()
      .map((write) =>
        write.kind === 'host'
          ? `${write.verb} ${write.slot} ${write.fence}`
          : `${write.by} ${claimed(write.after.claim)} ${String(shareIn(write.after.traffic))}`,
      );
    expect(log).toEqual([
      'rollout 1 0',
      'put b 1',
      'rollout 2 2500',
      'rollout 3 2500',
      'rollout 4 0',
      'put a 5',
      'remove b 6',
      'rollout 6 0',
    ]);
    expect(world.truth(clock.now()).shares).toEqual(new Map([[world.stable.digest, 10_000]]));
  });
});

describe('users', () => {
  it('are counted exactly by what the proxy gave each release, and seen at the next scrape', async () => {
    const { target, metrics, clock, order, shares } = given();
    await target.deploy(order(1));
    await target.setWeights(order(2), shares(2_500), step(1));
    const from = await counts();
    clock.pass(minutes(10));
    const to = await counts();
    expect({ v1: (to['v1'] ?? 0) - (from['v1'] ?? 0), v2: (to['v2'] ?? 0) - (from['v2'] ?? 0) }).toEqual({
      v1: 45_000,
      v2: 15_000,
    });

    async function counts(): Promise<Record<string, number>> {
      const series = await metrics.counters('http_requests_total{app="web"}', 'release', clock.now());
      const sums: Record<string, number> = {};
      for (const { track, value } of series) sums[track] = (sums[track] ?? 0) + value;
      return sums;
    }
  });
});

function claimed(claim: unknown): string {
  return typeof claim === 'object' && claim !== null && 'fence' in claim ? String(claim.fence) : 'none';
}

function shareIn(traffic: readonly { digest: string | null; bp: number }[]): number {
  return traffic.reduce((sum, { digest, bp }) => sum + (digest === canary.digest ? bp : 0), 0);
}
