import { describe, expect, it } from 'vitest';
import { adviceFor } from '../../activities/preflight-metrics.ts';
import { order } from './scripted.ts';

describe('the advice on a query without a number', () => {
  it.each([
    ['the value is NaN', /none were counted.*send v1 some traffic/],
    ['the value is +Inf', /none were counted/],
    ['the result is empty', /vector\(0\)/],
    ['3 series where one number is needed', /sum\(…\)/],
  ])('for %j says what to do', (reason, advice) => {
    expect(adviceFor(reason, order.stable)).toMatch(advice);
  });

  it('is not given where the reason says it already', () => {
    expect(adviceFor('Prometheus is unreachable: connection refused', order.stable)).toBe('');
  });
});
