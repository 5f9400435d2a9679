/** The workflows that a worker serves. */

export { rollout } from './rollout.ts';
export { archive } from './archive.ts';
export { inspect } from './inspect.ts';
