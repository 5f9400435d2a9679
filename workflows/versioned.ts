/**
 * The same workflows as workers with a version serve them; a bundle of its own, because a server refuses every task that
 * a worker without a version answers with a versioning behaviour.
 */

import { setWorkflowOptions } from '@temporalio/workflow';
import { archive, guardian, inspect, revert } from './index.ts';

export { archive, guardian, inspect, revert, rollout } from './index.ts';

// What takes back, looks or keeps goes on on the current build, whatever the operator says of rollouts: going back needs
// no worker of the build that went forward.
const current = { versioningBehavior: 'AUTO_UPGRADE' } as const;
setWorkflowOptions(current, archive);
setWorkflowOptions(current, guardian);
setWorkflowOptions(current, inspect);
setWorkflowOptions(current, revert);
