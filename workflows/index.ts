/** The workflows that a worker serves. */

export { rollout } from './rollout.ts';
export { inspect } from './inspect.ts';
