/** Every query of a plan is asked about stable once: one that says nothing there would say nothing about the canary. */

import type { Criterion, MetricsPlan, Plan } from '../plan/plan.ts';
import { renderQuery } from '../plan/promql.ts';
import type { Release } from '../plan/release.ts';
import type { MetricsSource } from '../providers/ports.ts';
import type { Ports } from './ports.ts';
import type { Findings } from './preflight.ts';

/** What all questions about stable have in common. */
interface Asking {
  readonly source: MetricsSource;
  readonly metrics: MetricsPlan;
  readonly stable: Release;
  readonly at: number;
  readonly findings: Findings;
  readonly signal: AbortSignal;
}

export async function checkCriteria(
  ports: Ports,
  plan: Plan,
  metrics: MetricsPlan,
  stable: Release,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  const source = ports.metrics(metrics.connection);
  await source.ping(signal);
  const asking: Asking = { source, metrics, stable, at: ports.clock.now() - metrics.lagMs, findings, signal };
  const checks = plan.criteria.map((criterion) => checkCriterion(asking, criterion));
  await Promise.all([...checks, checkRequests(asking)]);
}

async function checkCriterion(asking: Asking, criterion: Criterion): Promise<void> {
  const { source, metrics, stable, at, findings, signal } = asking;
  const query = renderQuery(criterion.query, { trackLabel: metrics.trackLabel, release: stable });
  const sample = await source.instant(query, at, signal);
  if (sample.kind === 'value') return;
  findings.problem(
    'criterion.no-data',
    `criterion ${criterion.id} says nothing about ${stable.label} (${sample.reason}). Query: ${query}. ` +
      'A sum over error series that do not exist yet is empty: write (sum(…) or vector(0)) / sum(…)',
  );
}

/** Without request counts there is no observed share and no minimum of samples. */
async function checkRequests({ source, metrics, stable, at, findings, signal }: Asking): Promise<void> {
  if (metrics.requests === null) return;
  const series = await source.counters(metrics.requests, metrics.trackLabel, at, signal);
  if (series.some(({ track }) => track === stable.label)) return;
  findings.problem(
    'metrics.requests',
    `${metrics.requests} has no series with ${metrics.trackLabel}="${stable.label}": the observed share could not be known`,
  );
}
