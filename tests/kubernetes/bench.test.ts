import { describe, expect, it } from 'vitest';
import { benched } from '../bench.ts';

const aNumber = expect.toSatisfy((value) => Number.isFinite(value)) as unknown;
const aSpread = { min: aNumber, median: aNumber, p95: aNumber };

describe('what we measure is measured:', () => {
  it('how soon nobody meets a bad release, or one that was aborted, while another bakes', async () => {
    expect(await benched('zero', '--target', 'kubernetes', '--baking', '1')).toMatchObject({
      benchmark: 'zero',
      tries: { bad: 1, abort: 1 },
      baking: 1,
      secondsFromBadSample: { api: aSpread, gateway: aSpread, lastAnswer: aSpread },
      secondsFromAbort: { api: aSpread, gateway: aSpread, lastAnswer: aSpread },
    });
  });
});
