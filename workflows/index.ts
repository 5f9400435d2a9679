/** The workflows that a worker serves. */

export { rollout } from './rollout.ts';
export { archive } from './archive.ts';
export { revert } from './orphan.ts';
export { guardian } from './guardian.ts';
export { inspect } from './inspect.ts';
