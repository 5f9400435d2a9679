/** Everything that criteria ask is asked about stable once: what says nothing there would say nothing about the canary. */

import { leavesOf } from '../plan/criteria.ts';
import type { CompareCriterion, LimitCriterion } from '../plan/criteria.ts';
import type { MetricsPlan, Plan } from '../plan/plan.ts';
import { renderQuery } from '../plan/promql.ts';
import type { Release } from '../plan/release.ts';
import type { Ports } from './ports.ts';
import { checkAlert, checkTimezone } from './preflight-alerts.ts';
import type { Asking } from './preflight-asking.ts';
import type { Findings } from './preflight-findings.ts';

/** Nothing but whether it answers, which is known also while nobody knows what stable is. */
export async function checkMetrics(ports: Ports, { connection }: MetricsPlan, signal: AbortSignal): Promise<true> {
  await ports.metrics(connection).ping(signal);
  return true;
}

/** Needs a metrics system that answers. */
export async function checkCriteria(
  ports: Ports,
  plan: Plan,
  metrics: MetricsPlan,
  stable: Release,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  const source = ports.metrics(metrics.connection);
  const asking: Asking = { source, metrics, stable, at: ports.clock.now() - metrics.lagMs, findings, signal };
  const checks = leavesOf(plan.criteria).map((criterion) =>
    criterion.kind === 'alert' ? checkAlert(asking, criterion, plan) : checkQuery(asking, criterion),
  );
  for (const criterion of plan.criteria) checkTimezone(asking, criterion);
  await Promise.all([...checks, checkRequests(asking)]);
}

async function checkQuery(asking: Asking, criterion: LimitCriterion | CompareCriterion): Promise<void> {
  const { source, metrics, stable, at, findings, signal } = asking;
  const query = renderQuery(criterion.query, { trackLabel: metrics.trackLabel, release: stable });
  const sample = await source.instant(query, at, signal);
  if (sample.kind === 'value') return;
  findings.problem(
    'criterion.no-data',
    `criterion ${criterion.id} says nothing about ${stable.label}: ${sample.reason}. ${adviceFor(sample.reason, stable)}Query: ${query}`,
  );
}

/** What to do about an answer without a number; empty when the reason says it already. */
export function adviceFor(reason: string, stable: Release): string {
  if (/\bvalue is (NaN|[+-]?Inf)/i.test(reason)) {
    return (
      `It divides by the requests of ${stable.label}, and none were counted in its window: send ${stable.label} some traffic, ` +
      'widen the window, or check that the labels in the query are those of its series. '
    );
  }
  if (/\bresult is empty\b/.test(reason)) {
    return (
      'No series matches: check its labels. A sum over error series that do not exist yet is empty too: ' +
      'write (sum(…) or vector(0)) / sum(…). '
    );
  }
  return /\bseries where one number\b/.test(reason) ? 'Put sum(…) around it. ' : '';
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
