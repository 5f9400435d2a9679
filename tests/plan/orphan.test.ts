import { describe, expect, it } from 'vitest';
import { hasTraffic, holdingOf, type Origin } from '../../plan/orphan.ts';
import type { Claim } from '../../plan/target.ts';

const release = (label: string) => ({ digest: `sha256:${label}`, label, image: 'registry.example/web' });
const rollout = 'rollout/production/web';
const claim = (more: Partial<Claim>): Claim => ({
  ...{ rollout, run: 'ours', fence: 7, stage: { kind: 'step', index: 0 }, canaryBp: 500, since: 0, released: false },
  ...{ stable: release('v1'), canary: release('v2') },
  ...more,
});
const origin = { chains: ['ours', 'before'], claimed: true } as unknown as Origin;

describe('what a rollout left at its target', () => {
  it.each([
    ['ours', {}],
    ['ours', { run: 'before' }],
    ['given-back', { released: true }],
    ['earlier', { run: 'older' }],
    ['another', { run: 'older', released: true }],
    ['another', { rollout: 'rollout/production/shop' }],
    ['another', { rollout: 'rollout/production/shop', released: true }],
  ] as const)('is %s where the claim says %j', (holding, more) => {
    expect(holdingOf(claim(more), rollout, origin)).toBe(holding);
  });

  it('is nobody’s where no claim stands', () => {
    expect(holdingOf(null, rollout, origin)).toBe('nobody');
  });

  it('is traffic that it answers for only under its own claim, or under none when it had one', () => {
    const left = (found: Claim | null, canaryBp: number) => ({ claim: found, fence: 7, canaryBp });
    expect(hasTraffic(left(claim({}), 500), rollout, origin)).toBe(true);
    expect(hasTraffic(left(claim({}), 0), rollout, origin)).toBe(false);
    expect(hasTraffic(left(null, 500), rollout, origin)).toBe(true);
    expect(hasTraffic(left(null, 500), rollout, { ...origin, claimed: false })).toBe(false);
    expect(hasTraffic(left(claim({ rollout: 'rollout/production/shop' }), 10_000), rollout, origin)).toBe(false);
    expect(hasTraffic(left(claim({ run: 'older', released: true }), 10_000), rollout, origin)).toBe(false);
  });
});
