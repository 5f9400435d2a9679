/** The activity of going back: zero, counted and, when it is late, paged. */

import { activityInfo } from '@temporalio/activity';
import type { ZeroInput, Zeroed } from './contract.ts';
import { pageWhenLate } from './late.ts';
import type { Ports } from './ports.ts';
import { toZero } from './to-zero.ts';
import { verb } from './verb.ts';

export function createZero(ports: Ports): (input: ZeroInput) => Promise<Zeroed> {
  return verb(
    ports,
    'zero',
    (input: ZeroInput) => `all traffic back to ${input.order.stable.label}`,
    async (input, signal) => {
      const { order, reason, withinMs } = input;
      const what = `${order.canary.label} may still have traffic`;
      const paging = pageWhenLate(ports, { ...order, withinMs }, what, ` Reason: ${reason}`); // beside the work
      const doors = { clock: ports.clock, target: ports.target(input.target) };
      const zeroed = await toZero(doors, input, signal).finally(() => paging);
      ports.observer.zero(order.rollout, ports.clock.now() - activityInfo().scheduledTimestampMs);
      return zeroed;
    },
  );
}
