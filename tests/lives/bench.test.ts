import { describe, expect, it } from 'vitest';
import { benched } from '../bench.ts';

const aNumber = expect.toSatisfy((value) => Number.isFinite(value)) as unknown;

describe('what we measure is measured:', () => {
  it('what a life and a rehearsal cost', async () => {
    expect(await benched('simulator')).toMatchObject({
      benchmark: 'simulator',
      lives: { lived: 50, broken: [], ratio: aNumber },
      rehearsal: { virtualHours: aNumber, cpuSeconds: aNumber },
    });
  });
});
