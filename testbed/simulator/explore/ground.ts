/** What is made once for many lives: the sandbox with the bundle, the guard of stillness, the secrets. */

import { openSandbox } from '../sandbox.ts';
import { secretsOf } from '../deployment.ts';
import type { Stillness } from '../still.ts';
import type { Ground } from './life.ts';
import { secret } from './plans.ts';

const activityNames = [
  'preflight',
  'deploy',
  'ensureCapacity',
  'shift',
  'confirm',
  'smoke',
  'watch',
  'promote',
  'retire',
  'zero',
  'restore',
  'prove',
  'announce',
  'inspect',
];

/** `bundle`: text of the workflow bundle. */
export async function openGround(bundle: string, stillness: Stillness): Promise<Ground> {
  const sandbox = await openSandbox(bundle, activityNames);
  const secrets = await secretsOf({ [secret.name]: secret.value });
  return { sandbox, stillness, secrets };
}
