import { describe, expect, it } from 'vitest';
import { benched } from '../bench.ts';

const aNumber = expect.toSatisfy((value) => Number.isFinite(value)) as unknown;

describe('what we measure is measured:', () => {
  it('what a step costs beside its bake', async () => {
    expect(await benched('steps')).toMatchObject({
      benchmark: 'steps',
      overheadMs: { median: aNumber, p95: aNumber, steps: 3 },
      historyEvents: { most: aNumber, all: [aNumber] },
    });
  });
});
