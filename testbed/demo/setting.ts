/** Sluice as it comes to the demo's world: a worker, and what `sluice setup` makes, the guardian included. */

import type { World } from '../world.ts';
import type { Worker } from '../world/commands.ts';

/** Bakes of the demo take seconds: their clocks are told every second. */
export const often = { heartbeat: '1s' };

/** Afterwards `sluice doctor` has nothing to complain about. */
export async function setUpIn(world: World): Promise<Worker> {
  const { code, stderr } = await world.sluice(['setup']);
  if (code !== 0) throw new Error(`sluice setup ended with ${String(code)}: ${stderr}`);
  return world.startWorker(often);
}
