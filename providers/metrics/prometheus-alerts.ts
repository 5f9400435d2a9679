/** Asks a Prometheus which alerts fire at a moment, and whether that none does means anything. */

import { z } from 'zod';
import type { AlertSample } from '../../judge/verdict.ts';
import { alertsQuery } from '../../plan/alerts.ts';
import type { AlertMatcher } from '../../plan/criteria.ts';
import type { Result } from './prometheus-answer.ts';
import { isStale, sampleOf } from './prometheus-answer.ts';
import { brokenBecause, couldRaise, printable, type AlertingRule } from './prometheus-rules.ts';

/** What is asked of the server; each throws `ProviderError`. */
export interface AlertSource {
  instant(promql: string, at: number): Promise<Result>;
  /** `name`: only rules of this name are needed. */
  rules(name: string | null): Promise<{ readonly rules: readonly AlertingRule[]; readonly now: number }>;
}

/** Prometheus looks this far back for a sample: rules evaluated within it after a moment were also alive at it. */
const lookBackMs = 300_000;

/** So many names are shown. */
const mostNames = 3;

/**
 * Firing alerts are read from the series `ALERTS`, which keeps the past. That it is empty is only good news from rules
 * that could have raised such an alert, all of them healthy; and for a moment long past, from a server that lived then.
 */
export async function askAlerts(
  source: AlertSource,
  matchers: readonly AlertMatcher[],
  at: number,
): Promise<AlertSample> {
  const named = matchers.find(({ label, op }) => label === 'alertname' && op === '=')?.value ?? null;
  const [answer, known] = await Promise.allSettled([source.instant(alertsQuery(matchers), at), source.rules(named)]);
  if (answer.status === 'rejected') throw answer.reason;
  const fires = firingOf(answer.value, at);
  if (fires.kind === 'unknown') return { kind: 'no-data', reason: fires.reason };
  const rules = known.status === 'fulfilled' ? known.value.rules.filter((rule) => couldRaise(rule, matchers)) : [];
  if (fires.names.length > 0) return sampleWith(fires.names, rules.length);
  if (known.status === 'rejected') throw known.reason;
  const doubt = doubtOf(rules, known.value.now) ?? (await doubtOfPast(source, rules, at));
  return doubt === null ? sampleWith([], rules.length) : { kind: 'no-data', reason: doubt };
}

function sampleWith(alerts: readonly string[], rules: number): AlertSample {
  const names = [...new Set(alerts)].toSorted();
  const more = names.length > mostNames ? [`${String(names.length - mostNames)} more`] : [];
  return { kind: 'alerts', firing: alerts.length, names: [...names.slice(0, mostNames), ...more], rules };
}

const series = z.array(
  z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) }),
);

type Firing =
  { readonly kind: 'known'; readonly names: readonly string[] } | { readonly kind: 'unknown'; readonly reason: string };

/** The names of the alerts that fire, one for each. */
function firingOf({ type, result }: Result, at: number): Firing {
  const read = series.safeParse(result);
  if (type !== 'vector' || !read.success) return { kind: 'unknown', reason: 'the alerts cannot be read' };
  const fresh = read.data.filter(({ value: [seconds] }) => !isStale(seconds, at));
  if (fresh.length === 0 && read.data.length > 0) return { kind: 'unknown', reason: 'the alerts’ samples are old' };
  const firing = fresh.filter(({ value: [, text] }) => Number(text) > 0);
  return {
    kind: 'known',
    names: firing.map(({ metric }) => printable(metric['alertname'] ?? 'an alert without a name')),
  };
}

function doubtOf(rules: readonly AlertingRule[], now: number): string | null {
  if (rules.length === 0) return 'no rule could raise such an alert';
  for (const rule of rules) {
    const broken = brokenBecause(rule, now);
    if (broken !== null) return broken;
  }
  return null;
}

/** A moment of a break: the server may have been away then too, and its rules with it. */
async function doubtOfPast(source: AlertSource, rules: readonly AlertingRule[], at: number): Promise<string | null> {
  const first = Math.min(...rules.map(({ evaluatedAt }) => evaluatedAt));
  if (first - at <= lookBackMs) return null;
  const scraped = sampleOf(await source.instant('max(timestamp(up))', at), at);
  const lived = scraped.kind === 'value' && !isStale(scraped.value, at);
  return lived ? null : 'Prometheus took no samples at that moment';
}
