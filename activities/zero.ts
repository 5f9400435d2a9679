/** Going back, steps 1 to 3: fence everywhere, read, all traffic to stable in one write, read back until it is zero. */

import { activityInfo } from '@temporalio/activity';
import type { Claim, Order, Reading } from '../plan/target.ts';
import { shareOf } from '../plan/target.ts';
import { formatDuration } from '../plan/units.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Target } from '../providers/ports.ts';
import type { ZeroInput, Zeroed } from './contract.ts';
import type { Ports } from './ports.ts';
import { verb } from './verb.ts';

export function createZero(ports: Ports): (input: ZeroInput) => Promise<Zeroed> {
  return verb(
    ports,
    'zero',
    (input: ZeroInput) => `all traffic back to ${input.order.stable.label}`,
    async (input, signal) => {
      const paging = pageWhenLate(ports, input); // beside the work: telling people delays nothing
      const zeroed = await toZero(ports, input, signal).finally(() => paging);
      ports.observer.zero(input.order.rollout, ports.clock.now() - activityInfo().scheduledTimestampMs);
      return zeroed;
    },
  );
}

async function toZero(ports: Ports, input: ZeroInput, signal: AbortSignal): Promise<Zeroed> {
  const target = ports.target(input.target);
  const before = await target.read(signal);
  const fromBp = shareOf(before, input.order.canary.digest);
  const at = () => ports.clock.now();
  if (isElsewhere(before.claim, input.order)) {
    if (fromBp === 0 || isTheirs(before.claim, input.order))
      return { kind: 'not-ours', fence: input.order.fence, fromBp, at: at() };
    throw new ProviderError({
      code: 'conflict',
      doing: `take ${input.order.canary.label} to zero`,
      detail: `${before.claim?.rollout ?? 'another rollout'} holds the target while our release still has a share`,
    });
  }
  const order = { ...input.order, fence: Math.max(input.order.fence, nextFence(before, input.order)) };
  if (input.mayBeGone || !isReady(before, order)) await makeWayBack(target, order, signal);
  const shares = [
    { digest: order.stable.digest, bp: 10_000 },
    { digest: order.canary.digest, bp: 0 },
  ];
  await target.setWeights(order, shares, { kind: 'back' }, signal);
  await untilZero(ports, target, order, signal);
  return { kind: 'zero', fence: order.fence, fromBp, at: at() };
}

/** Another rollout's live claim: our release was handed over, and nothing of ours may be written there. */
function isElsewhere(claim: Claim | null, order: Order): boolean {
  return claim !== null && !claim.released && claim.rollout !== order.rollout;
}

/** Two rollouts of one digest: the share belongs to the one that holds the target. */
function isTheirs(claim: Claim | null, { canary }: Order): boolean {
  return [claim?.stable.digest, claim?.canary.digest].includes(canary.digest);
}

/** Above whatever stands on any object of the target, unless it is this very write, repeated. */
function nextFence({ claim, fence }: Reading, order: Order): number {
  const isThisWrite = claim?.fence === order.fence && claim.run === order.run && fence === order.fence;
  return isThisWrite ? fence : fence + 1;
}

function isReady(reading: Reading, { stable }: Order): boolean {
  return reading.instances.some((place) => place.release?.digest === stable.digest && place.ready);
}

/** Stable that is not ready is started beside what serves before it gets traffic; the fence is raised first. */
async function makeWayBack(target: Target, order: Order, signal: AbortSignal): Promise<void> {
  await target.raiseFence(order, signal);
  await target.restore(order, signal);
}

/** Zero counts when the target's own read-back says so. */
async function untilZero(ports: Ports, target: Target, order: Order, signal: AbortSignal): Promise<void> {
  for (;;) {
    const liveness = await target.confirm(order, 0, signal);
    if (liveness.kind === 'live') return;
    if (liveness.kind === 'drifted' || liveness.kind === 'rejected') {
      throw new ProviderError({ code: 'conflict', doing: 'confirm zero', detail: liveness.reason });
    }
    await ports.clock.sleep(250, signal);
  }
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
