/** What a rollout that nobody carries on left at its target: whose claim stands there, and its release's share. */

import type { Left } from '../plan/orphan.ts';
import { shareOf } from '../plan/target.ts';
import type { LeftInput } from './contract.ts';
import { pageWhenLate } from './late.ts';
import type { Ports } from './ports.ts';
import { verb } from './verb.ts';

export function createLeft(ports: Ports): (input: LeftInput) => Promise<Left> {
  return verb(
    ports,
    'left',
    ({ release }: LeftInput) => `reading what ${release.label} still has`,
    async (input, signal) => {
      const { release } = input;
      const text = `the target does not answer, so nobody can see whether ${release.label} still has traffic`;
      const paging = pageWhenLate(ports, input, text);
      return leftAt(ports, input, signal).finally(() => paging);
    },
  );
}

/** Throws `ProviderError`. */
export async function leftAt(
  ports: Ports,
  { target, release }: Pick<LeftInput, 'target' | 'release'>,
  signal: AbortSignal,
): Promise<Left> {
  const reading = await ports.target(target).read(signal);
  return { claim: reading.claim, fence: reading.fence, canaryBp: shareOf(reading, release.digest) };
}
