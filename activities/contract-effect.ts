/** What every effect on a target gets. */

import type { Order, TargetPlan } from '../plan/target.ts';

/** An order together with the target it is for: what every effect gets. */
export interface Effect {
  readonly target: TargetPlan;
  readonly order: Order;
}
