/** Continue-as-new at will, where a test has lowered the server's limit of events. */

import { describe } from '../../client/index.ts';
import type { Status } from '../../plan/status.ts';
import { waitFor } from '../../testbed/wait.ts';
import { idOf, patienceMs, type Rollouts } from './rollouts.ts';

/** The status in a later run: what counts for nothing fills the history all the same. */
export async function later(rollouts: Rollouts, service: string): Promise<Status> {
  const { session } = rollouts;
  const { run } = await describe(session, idOf(service));
  const isLater = async () => {
    await session.client.workflow.getHandle(idOf(service)).signal('decide', 'nonsense');
    return (await describe(session, idOf(service))).run !== run;
  };
  await waitFor(isLater, { for: `a later run of ${service}`, everyMs: 100, withinMs: patienceMs });
  return rollouts.status(service);
}
