/** Sluice as it comes to the demo's world: a worker, and what `sluice setup` makes, the guardian included. */

import type { Worker } from '../world/commands.ts';
import type { Stage } from './stage.ts';

/** Bakes of the demo take seconds: their clocks are told every second. */
export const often = { heartbeat: '1s' };

/** Afterwards `sluice doctor` has nothing to complain about. */
export async function setUpIn(stage: Pick<Stage, 'sluice' | 'startWorker'>): Promise<Worker> {
  const { code, stderr } = await stage.sluice(['setup']);
  if (code !== 0) throw new Error(`sluice setup ended with ${String(code)}: ${stderr}`);
  return stage.startWorker(often);
}
