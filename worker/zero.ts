/** `sluice zero`: a target's traffic back to its stable release, without Temporal, from where the credentials are. */

import { toLastingZero } from '../activities/to-zero.ts';
import type { Zeroed } from '../activities/contract.ts';
import type { Release } from '../plan/release.ts';
import { nameOf } from '../plan/release.ts';
import type { Order, Reading } from '../plan/target.ts';
import { shareOf } from '../plan/target.ts';
import { formatBp, formatDuration } from '../plan/units.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Target } from '../providers/ports.ts';
import { openHouse } from './house.ts';
import { targetNamed, type TargetDoors } from './ports.ts';
import { WorkerProblem } from './problem.ts';

export interface ZeroedTarget {
  /** Who holds the target by its claim; `null` where none is stored. */
  readonly rollout: string | null;
  readonly stable: Release;
  readonly canary: Release;
  readonly zeroed: Zeroed;
}

export interface ZeroOptions {
  readonly connection: string;
  readonly route: string;
  /** Digests, or the beginnings of them, for a target without a claim that would know; else `null`. */
  readonly releases: { readonly stable: string; readonly release: string } | null;
  /** Ends the tries. */
  readonly signal: AbortSignal;
  /** Told why a try failed that is followed by another, and what is waited for. */
  readonly onNews: (text: string) => void;
}

const betweenMs = 500;
/** Trying again cannot mend these. */
const hopeless: readonly string[] = ['invalid', 'denied', 'missing'];

/**
 * The releases are those of the claim on the target: whoever wrote it knew the way back. A running rollout sees the larger
 * fence and goes back too. Throws `WorkerProblem` for what the operator must mend, and the signal's reason.
 */
export async function zeroTarget(options: ZeroOptions & { readonly configFile: string }): Promise<ZeroedTarget> {
  return zeroFrom(await openHouse(options.configFile), options);
}

/** The same from a house that is open already. */
export async function zeroFrom(house: TargetDoors, options: ZeroOptions): Promise<ZeroedTarget> {
  const { connection, route, signal, onNews } = options;
  for (;;) {
    try {
      return await oneTry(house, await targetNamed(house, connection, route, signal), options);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ProviderError)) throw error;
      if (hopeless.includes(error.code)) throw new WorkerProblem(error.message, { cause: error });
      onNews(`not yet, trying again: ${error.message}`);
    }
    await house.clock.sleep(betweenMs, signal);
  }
}

async function oneTry({ clock }: TargetDoors, target: Target, options: ZeroOptions): Promise<ZeroedTarget> {
  const { signal, onNews } = options;
  const reading = await target.read(signal);
  const order = orderFor(reading, options);
  const onWait = (ms: number) =>
    onNews(`zero is read back; the target cannot refuse a late call, so it is asserted again in ${formatDuration(ms)}`);
  const zeroed = await toLastingZero({ clock, target }, { order, mayBeGone: false }, signal, onWait);
  const isClaimed = reading.claim !== null && !reading.claim.released;
  return { rollout: isClaimed ? order.rollout : null, stable: order.stable, canary: order.canary, zeroed };
}

function orderFor(reading: Reading, { connection, route, releases }: ZeroOptions): Order {
  const name = `${connection}/${route}`;
  const { claim, fence } = reading;
  // Above the one that the rollout knows of: the same number would look like an effect of its own, repeated.
  const next = fence + 1;
  if (claim !== null && !claim.released) {
    const { rollout, run, stable, canary } = claim;
    if (releases === null) return { rollout, run, fence: Math.max(next, claim.fence + 1), stable, canary };
    const known = `${nameOf(stable)} is stable, ${nameOf(canary)} is not`;
    throw new WorkerProblem(
      `${name} carries a claim of ${rollout}, which knows: ${known}. Leave --stable and --release out`,
    );
  }
  if (releases !== null) {
    const [stable, canary] = [releases.stable, releases.release].map((digest) => placed(reading, digest, name));
    if (stable === undefined || canary === undefined || stable.digest === canary.digest)
      throw new WorkerProblem('--stable and --release name the same release');
    return { rollout: 'sluice zero', run: 'by-hand', fence: next, stable, canary };
  }
  const why =
    claim === null
      ? `${name} carries no claim of a rollout, so nobody knows which of its releases is stable`
      : `${name} is held by no rollout: ${claim.rollout} has ended and given it back`;
  throw new WorkerProblem(`${why}. Say it with --stable DIGEST --release DIGEST; there is ${inWords(reading)}`);
}

/** A release that the target knows, by the beginning of its digest. */
function placed(reading: Reading, digest: string, name: string): Release {
  const all = reading.instances.flatMap(({ release }) => release ?? []);
  const found = all.filter((release) => release.digest.startsWith(digest));
  const digests = new Set(found.map((release) => release.digest));
  const [first] = found;
  if (first !== undefined && digests.size === 1) return first;
  const how = first === undefined ? 'has no release' : 'has several releases';
  throw new WorkerProblem(`${name} ${how} with digest ${digest}; there is ${inWords(reading)}`);
}

function inWords(reading: Reading): string {
  const releases = new Map(
    reading.instances.flatMap(({ release }) => (release === null ? [] : [[release.digest, release] as const])),
  );
  const parts = [...releases.values()].map(
    (release) => `${release.label} (${release.digest}) with ${formatBp(shareOf(reading, release.digest))}`,
  );
  return parts.length === 0 ? 'no release that it names' : parts.join(', ');
}
