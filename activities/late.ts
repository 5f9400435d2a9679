/** Going back that is late pages people; telling them delays nothing. */

import { activityInfo } from '@temporalio/activity';
import { formatDuration } from '../plan/units.ts';
import type { Ports } from './ports.ts';

/** Late is counted from the decision, over all tries. `what` is still so; `because` ends the notice. */
export async function pageWhenLate(
  ports: Ports,
  { rollout, run, withinMs }: { readonly rollout: string; readonly run: string; readonly withinMs: number },
  what: string,
  because = '',
): Promise<void> {
  const lateMs = ports.clock.now() - activityInfo().scheduledTimestampMs - withinMs;
  if (lateMs <= 0) return;
  await ports.notifier.send({
    rollout,
    severity: 'P0',
    key: `${rollout}/${run}/late`,
    title: `${rollout}: going back is late`,
    text: `${what}, ${formatDuration(lateMs)} past the limit. It is tried again without end.${because}`,
  });
}
