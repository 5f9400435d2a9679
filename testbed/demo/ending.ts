/** How a rollout ended, told by the target alone: the proxy's configuration, the host's slots, and the services' own logs. */

import type { Outcome } from '../../plan/phases.ts';
import { ask } from '../servers/http.ts';
import { waitFor } from '../wait.ts';
import type { World } from '../world.ts';
import { proxyReads, userRequests } from '../world/observe.ts';

export interface EndFacts {
  /** Label of the release in the slot that the proxy gives everything to; `null` when none has everything. */
  readonly configured: string | null;
  /** Labels of the releases that answered users after that was read. */
  readonly answered: readonly string[];
  /** The release under test was given weight at some time. */
  readonly wasExposed: boolean;
}

/** As many answers as make one of a hundredth's share likely to show. */
const enoughRequests = 300;

/** Needs load on the service: waits until users have been answered for a while after the last look at the proxy. */
export async function endFacts(world: World, name: string): Promise<EndFacts> {
  const service = world.service(name);
  await ask(`${world.admin.url}/config/apps/http/servers/srv0/routes`, { timeoutMs: 30_000 });
  const read = proxyReads(world.admin.entries(), service).at(-1);
  if (read === undefined) throw new Error(`the proxy shows no split of ${name}`);
  const slot = (['a', 'b'] as const).find((one) => read.bySlot[one] === 10_000);
  const states = await service.slotStates();
  const answers = () => ['v1', 'v2'].map((label) => [label, userRequests(service, label, read.at).length] as const);
  const isEnough = () => answers().reduce((sum, [, count]) => sum + count, 0) >= enoughRequests;
  await waitFor(isEnough, { for: `users of ${name}`, withinMs: 60_000, everyMs: 250 });
  return {
    configured: slot === undefined ? null : (states[slot]?.release?.label ?? null),
    answered: answers().flatMap(([label, count]) => (count > 0 ? [label] : [])),
    wasExposed: world.weightsSeenByProxy(name).some((bp) => bp > 0),
  };
}

/** `unclear` when configuration and answers do not agree on one release. */
export function outcomeOf({ configured, answered, wasExposed }: EndFacts): Outcome | 'unclear' {
  const [serves, ...others] = answered;
  if (serves === undefined || others.length > 0 || serves !== configured) return 'unclear';
  if (serves === 'v2') return 'completed';
  return wasExposed ? 'rolled-back' : 'aborted';
}
