/** What is made once for many lives: the sandbox with the bundle, the guard of stillness, the secrets. */

import type { Activities } from '../../../activities/contract.ts';
import { openSandbox } from '../sandbox.ts';
import { secretsOf } from '../deployment.ts';
import type { Stillness } from '../still.ts';
import type { Ground } from './life.ts';
import { secret } from './plans.ts';

/** What the worker runs, by the names that workflows call: none can be forgotten. */
const activities: Readonly<Record<keyof Activities, true>> = {
  preflight: true,
  checkPlan: true,
  deploy: true,
  ensureCapacity: true,
  shift: true,
  flip: true,
  confirm: true,
  smoke: true,
  watch: true,
  promote: true,
  retire: true,
  zero: true,
  restore: true,
  letGo: true,
  left: true,
  guard: true,
  prove: true,
  announce: true,
  archive: true,
  inspect: true,
};

export const activityNames = Object.keys(activities) as (keyof Activities)[];

/** `bundle`: text of the workflow bundle. */
export async function openGround(bundle: string, stillness: Stillness): Promise<Ground> {
  const sandbox = await openSandbox(bundle, activityNames);
  const secrets = await secretsOf({ [secret.name]: secret.value });
  return { sandbox, stillness, secrets };
}
