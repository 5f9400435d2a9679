/** The activity of going back: zero, counted and, when it is late, paged. */

import { activityInfo } from '@temporalio/activity';
import { formatDuration } from '../plan/units.ts';
import type { ZeroInput, Zeroed } from './contract.ts';
import type { Ports } from './ports.ts';
import { toZero } from './to-zero.ts';
import { verb } from './verb.ts';

export function createZero(ports: Ports): (input: ZeroInput) => Promise<Zeroed> {
  return verb(
    ports,
    'zero',
    (input: ZeroInput) => `all traffic back to ${input.order.stable.label}`,
    async (input, signal) => {
      const paging = pageWhenLate(ports, input); // beside the work: telling people delays nothing
      const doors = { clock: ports.clock, target: ports.target(input.target) };
      const zeroed = await toZero(doors, input, signal).finally(() => paging);
      ports.observer.zero(input.order.rollout, ports.clock.now() - activityInfo().scheduledTimestampMs);
      return zeroed;
    },
  );
}

/** Late is counted from the decision, over all tries. */
async function pageWhenLate(ports: Ports, input: ZeroInput): Promise<void> {
  const lateMs = ports.clock.now() - activityInfo().scheduledTimestampMs - input.withinMs;
  if (lateMs <= 0) return;
  const { order, reason } = input;
  await ports.notifier.send({
    rollout: order.rollout,
    severity: 'P0',
    key: `${order.rollout}/${order.run}/late`,
    title: `${order.rollout}: going back is late`,
    text: `${order.canary.label} may still have traffic, ${formatDuration(lateMs)} past the limit. It is tried again without end. Reason: ${reason}`,
  });
}
