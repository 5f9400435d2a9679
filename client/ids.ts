/** Names of rollouts for doors that have not opened a connection: importing this loads nothing of Temporal. */

export { rolloutId, rolloutName } from '../workflows/messages.ts';
