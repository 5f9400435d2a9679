/** Going back, steps 1 to 3: fence everywhere, read, all traffic to stable in one write, read back until it is zero. */

import type { Claim, Order, Reading } from '../plan/target.ts';
import { shareOf } from '../plan/target.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Clock, Target } from '../providers/ports.ts';
import type { ZeroInput, Zeroed } from './contract.ts';

/** What one zero needs of the world. */
export interface Doors {
  readonly clock: Clock;
  readonly target: Target;
}

/** One try; throws `ProviderError`. The fence goes on from the one that stands at the target. */
export async function toZero(
  { clock, target }: Doors,
  input: Pick<ZeroInput, 'order' | 'mayBeGone'>,
  signal: AbortSignal,
): Promise<Zeroed> {
  const before = await target.read(signal);
  const fromBp = shareOf(before, input.order.canary.digest);
  const at = () => clock.now();
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
  await untilZero(clock, target, order, signal);
  return { kind: 'zero', fence: order.fence, fromBp, at: at() };
}

/**
 * The same for whoever has no workflow behind him: at a target that cannot refuse a late call, zero is asserted again once
 * no call that was sent before can have an effect any more.
 */
export async function toLastingZero(
  doors: Doors,
  input: Pick<ZeroInput, 'order' | 'mayBeGone'>,
  signal: AbortSignal,
  onWait: (ms: number) => void,
): Promise<Zeroed> {
  const zeroed = await toZero(doors, input, signal);
  const { settlesMs } = await doors.target.capabilities(signal);
  if (settlesMs === undefined || zeroed.kind !== 'zero') return zeroed;
  onWait(settlesMs);
  await doors.clock.sleep(settlesMs, signal);
  const order = { ...input.order, fence: zeroed.fence + 1 };
  const again = await toZero(doors, { order, mayBeGone: false }, signal);
  return { ...again, fromBp: Math.max(zeroed.fromBp, again.fromBp) };
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
async function untilZero(clock: Clock, target: Target, order: Order, signal: AbortSignal): Promise<void> {
  for (;;) {
    const liveness = await target.confirm(order, 0, signal);
    if (liveness.kind === 'live') return;
    if (liveness.kind === 'drifted' || liveness.kind === 'rejected') {
      throw new ProviderError({ code: 'conflict', doing: 'confirm zero', detail: liveness.reason });
    }
    await clock.sleep(250, signal);
  }
}
