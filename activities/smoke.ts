/** Runs one smoke suite against the release it is aimed at. */

import type { Aim, Target } from '../providers/ports.ts';
import { ProviderError } from '../providers/errors.ts';
import type { SmokeInput, SmokeReport } from './contract.ts';
import type { Ports } from './ports.ts';
import { verb } from './verb.ts';

export function createSmoke(ports: Ports): (input: SmokeInput) => Promise<SmokeReport> {
  const doing = (input: SmokeInput) => `smoke ${input.suiteName} on ${input.aim}`;
  return verb(ports, 'smoke', doing, async (input, signal) => {
    const aim = await aimOf(ports.target(input.target), input, signal);
    const answer = await ports.smoke.run(input.suite, aim, signal);
    ports.observer.smoke(input.order.rollout, input.suiteName, answer.passed);
    return { suite: input.suiteName, aim: input.aim, at: ports.clock.now(), ...answer };
  });
}

/** Where a suite's requests go. Throws `invalid` when neither the plan nor the target says. */
export async function aimOf(
  target: Target,
  input: Pick<SmokeInput, 'aim' | 'suite' | 'suiteName' | 'order'>,
  signal?: AbortSignal,
): Promise<Aim> {
  const { aim, suite, suiteName, order } = input;
  const found =
    aim === 'public'
      ? suite.publicUrl === null
        ? null
        : { baseUrl: suite.publicUrl, headers: {} }
      : await target.aim(aim, order, signal);
  if (found !== null) return found;
  throw new ProviderError({
    code: 'invalid',
    doing: `aim smoke ${suiteName} at ${aim}`,
    detail: aim === 'public' ? 'the suite has no public base URL' : `this target offers no way to reach ${aim} alone`,
  });
}
