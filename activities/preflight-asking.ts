/** What all questions about stable have in common. */

import type { MetricsPlan } from '../plan/plan.ts';
import type { Release } from '../plan/release.ts';
import type { MetricsSource } from '../providers/ports.ts';
import type { Findings } from './preflight-findings.ts';

export interface Asking {
  readonly source: MetricsSource;
  readonly metrics: MetricsPlan;
  readonly stable: Release;
  readonly at: number;
  readonly findings: Findings;
  readonly signal: AbortSignal;
}
