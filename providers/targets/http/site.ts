/** One route of one declared API, and what its calls need. */

import type { HttpTargetPlan } from '../../../plan/target.ts';
import type { Clock, Http } from '../../ports.ts';
import type { HttpConnection } from './connection.ts';
import type { Memory } from './memory.ts';

export interface Site {
  readonly plan: HttpTargetPlan;
  readonly connection: HttpConnection;
  readonly http: Http;
  readonly clock: Clock;
  readonly memory: Memory;
}
