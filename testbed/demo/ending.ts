/** How a rollout ended, told by the target alone: what divides the traffic, what runs there, and the services' own logs. */

import type { Outcome } from '../../plan/phases.ts';
import { waitFor } from '../wait.ts';
import type { ScenarioName, Stage } from './stage.ts';

export interface EndFacts {
  /** Label of the release that is given everything; `null` when none is. */
  readonly configured: string | null;
  /** Labels of the releases that answered users after that was read. */
  readonly answered: readonly string[];
  /** The release under test was given weight at some time. */
  readonly wasExposed: boolean;
}

/** As many answers as make one of a hundredth's share likely to show. */
const enoughRequests = 300;

/** Reading whole logs takes time from the load, which is made in this process. */
const lookMs = 2_000;

/** Needs load on the service: waits until users have been answered for a while after the last look at the target. */
export async function endFacts(stage: Stage, name: ScenarioName): Promise<EndFacts> {
  const { label: configured, at } = await stage.serving(name);
  const answers = () => ['v1', 'v2'].map((label) => [label, stage.users(name, label, at).length] as const);
  const isEnough = () => answers().reduce((sum, [, count]) => sum + count, 0) >= enoughRequests;
  await waitFor(isEnough, { for: `users of ${name}`, withinMs: 120_000, everyMs: lookMs });
  return {
    configured,
    answered: answers().flatMap(([label, count]) => (count > 0 ? [label] : [])),
    wasExposed: stage.weightsSeen(name).some((bp) => bp > 0),
  };
}

/** `unclear` when configuration and answers do not agree on one release. */
export function outcomeOf({ configured, answered, wasExposed }: EndFacts): Outcome | 'unclear' {
  const [serves, ...others] = answered;
  if (serves === undefined || others.length > 0 || serves !== configured) return 'unclear';
  if (serves === 'v2') return 'completed';
  return wasExposed ? 'rolled-back' : 'aborted';
}
