import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createCounter } from '../../../../testbed/simulator/worlds/counter.ts';

const changes = fc.array(fc.record({ afterMs: fc.nat(1_000_000), pace: fc.bigInt(0n, 10n ** 16n) }), { maxLength: 20 });

it('a counter is the exact sum of what each stretch brought, at every moment of its past', () => {
  fc.assert(
    fc.property(changes, fc.nat(5_000_000), (list, offset) => {
      const counter = createCounter(10n ** 13n);
      const stretches: { from: number; pace: bigint }[] = [];
      let now = 1_000;
      for (const { afterMs, pace } of list) {
        now += afterMs;
        counter.set(pace, now);
        stretches.push({ from: now, pace });
      }
      const at = 1_000 + offset;
      const parts = stretches.reduce((sum, { from, pace }, index) => {
        const end = Math.min(at, stretches[index + 1]?.from ?? Infinity);
        return end > from ? sum + pace * BigInt(end - from) : sum;
      }, 0n);
      expect(counter.value(at)).toBe(Number(parts / 10n ** 13n));
    }),
  );
});

it('a counter takes single ones beside its pace, each from its moment on', () => {
  const counter = createCounter(1_000n);
  counter.set(1n, 0);
  counter.extra(500);
  counter.extra(1_500);
  expect([499, 500, 1_000, 1_499, 1_500, 2_000].map((at) => counter.value(at))).toEqual([0, 1, 2, 2, 3, 4]);
});
