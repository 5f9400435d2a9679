/** `sluice zero`: a target's traffic back to its stable release, without Temporal, from where the credentials are. */

import { toZero } from '../activities/to-zero.ts';
import type { Zeroed } from '../activities/contract.ts';
import type { Claim, TargetPlan } from '../plan/target.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Target } from '../providers/ports.ts';
import { openHouse, type House } from './house.ts';
import { targetOf } from './ports.ts';
import { WorkerProblem } from './problem.ts';

export interface ZeroedTarget {
  readonly claim: Claim;
  readonly zeroed: Zeroed;
}

export interface ZeroOptions {
  readonly configFile: string;
  readonly connection: string;
  readonly route: string;
  /** Ends the tries. */
  readonly signal: AbortSignal;
  /** Told why a try failed that is followed by another. */
  readonly onTry: (reason: string) => void;
}

const betweenMs = 500;
/** Trying again cannot mend these. */
const hopeless: readonly string[] = ['invalid', 'denied', 'missing'];

/**
 * The releases are those of the claim on the target: whoever wrote it knew the way back. A running rollout sees the larger
 * fence and goes back too. Throws `WorkerProblem` for what the operator must mend, and the signal's reason.
 */
export async function zeroTarget(options: ZeroOptions): Promise<ZeroedTarget> {
  const house = await openHouse(options.configFile);
  const plan: TargetPlan = {
    ...{ kind: 'caddy', connection: options.connection, route: options.route, preview: null, drainMs: 0 },
  };
  for (;;) {
    try {
      return await oneTry(house, targetOf(house, plan), `${options.connection}/${options.route}`, options.signal);
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof ProviderError)) throw error;
      if (hopeless.includes(error.code)) throw new WorkerProblem(error.message, { cause: error });
      options.onTry(error.message);
    }
    await house.clock.sleep(betweenMs, options.signal);
  }
}

async function oneTry(house: House, target: Target, name: string, signal: AbortSignal): Promise<ZeroedTarget> {
  const { claim } = await target.read(signal);
  if (claim === null) {
    throw new WorkerProblem(`${name} carries no claim of a rollout, so nobody knows which of its releases is stable`);
  }
  if (claim.released) {
    throw new WorkerProblem(`${name} is held by no rollout: ${claim.rollout} has ended and given it back`);
  }
  const { rollout, run, fence, stable, canary } = claim;
  // Above the one that the rollout knows of: the same number would look like an effect of its own, repeated.
  const order = { rollout, run, fence: fence + 1, stable, canary };
  return { claim, zeroed: await toZero({ clock: house.clock, target }, { order, mayBeGone: false }, signal) };
}
