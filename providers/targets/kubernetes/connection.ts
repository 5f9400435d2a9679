/** What the operator declared about a cluster, as far as a target needs it. */

import type { Cluster } from '../../ports.ts';

export interface KubernetesSite {
  readonly cluster: Cluster;
  /** Origin at which users arrive; `null` when nothing is to be sent there. */
  readonly public: string | null;
  /** Pods can be reached at their own addresses. */
  readonly podsReachable: boolean;
  /** How long one call may take, ms. */
  readonly withinMs: number;
}
