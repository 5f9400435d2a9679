/** Finds what a query asks for in the world's plans, and what the script says about it. */

import { holds as breaches } from '../../../judge/comparison.ts';
import { alertsQuery, matchersFor } from '../../../plan/alerts.ts';
import { leavesOf } from '../../../plan/criteria.ts';
import type { AlertCriterion, LeafCriterion } from '../../../plan/criteria.ts';
import type { Plan } from '../../../plan/plan.ts';
import { renderQuery } from '../../../plan/promql.ts';
import type { Release } from '../../../plan/release.ts';
import type { Measured, Ruled } from './prometheus.ts';
import type { Measure, WorldScript } from '../../../spec/world.ts';
import type { Timeline } from '../../../spec/world-time.ts';
import { type History, holds, steady } from './timeline.ts';

interface Asked {
  readonly criterion: LeafCriterion;
  readonly release: Release;
}

/** What is said about a release: by its label, else by its part. */
export function ofRelease<T>(
  by: Readonly<Record<string, T>>,
  release: Release,
  roleOf: (digest: string) => string | null,
): T | undefined {
  const role = roleOf(release.digest);
  return by[release.label] ?? (role === null ? undefined : by[role]);
}

/** Queries by their text, rendered as the judge does for each release of a plan. */
export function queriesOf(plan: Plan, releases: readonly Release[]): ReadonlyMap<string, Asked> {
  const trackLabel = plan.metrics?.trackLabel ?? 'release';
  const textOf = (criterion: LeafCriterion, release: Release) =>
    criterion.kind === 'alert'
      ? alertsQuery(matchersFor(criterion.matchers, release))
      : renderQuery(criterion.query, { trackLabel, release });
  const all = leavesOf(plan.criteria).flatMap((criterion) =>
    releases.map((release) => [textOf(criterion, release), { criterion, release }] as const),
  );
  return new Map(all);
}

export function measureOf(
  { criterion, release }: Asked,
  script: WorldScript,
  roleOf: (digest: string) => string | null,
  at: number,
  history: History,
): Measured {
  const timeline = ofRelease(script.criteria[criterion.id] ?? {}, release, roleOf) ?? steady<Measure>('good');
  const measured = resolved(criterion, roleOf(release.digest) === 'stable', timeline, at, history);
  return criterion.kind === 'alert' ? { ...measured, alert: alertOf(criterion, release) } : measured;
}

/** The rule behind what was asked about alerts: `empty` has none, and what is no number is one that fails. */
export function ruleOf({ measure, at, alert }: Measured): readonly Ruled[] {
  if (alert === undefined || measure === 'empty') return [];
  return [{ labels: alert, evaluatedAt: at, healthy: typeof measure === 'number' || measure === 'unavailable' }];
}

/** What an alert of a criterion has on it: whatever its matchers ask for with an equals sign. */
function alertOf({ id, matchers }: AlertCriterion, release: Release): Readonly<Record<string, string>> {
  const equal = matchersFor(matchers, release).filter(({ op }) => op === '=');
  return { alertname: id, ...Object.fromEntries(equal.map(({ label, value }) => [label, value])) };
}

/** A stale sample is the one before it, with its old time. */
function resolved(
  criterion: LeafCriterion,
  isBaseline: boolean,
  timeline: Timeline<Measure>,
  at: number,
  history: History,
): Measured {
  const { value, since } = holds(timeline, at, history);
  if (value !== 'stale') return { measure: numberFor(criterion, isBaseline, value), at };
  if (since <= history.began) return { measure: 'empty', at };
  const before = holds(timeline, since - 1, history).value;
  return { measure: before === 'stale' ? 'empty' : numberFor(criterion, isBaseline, before), at: since };
}

function numberFor(
  criterion: LeafCriterion,
  isBaseline: boolean,
  measure: Exclude<Measure, 'stale'>,
): Measured['measure'] {
  if (measure !== 'good' && measure !== 'bad') return measure;
  if (criterion.kind === 'alert') return measure === 'good' ? 0 : 1;
  const baseline = criterion.kind === 'compare' && criterion.floor > 0 ? criterion.floor : 1;
  if (criterion.kind === 'compare' && isBaseline) return measure === 'good' ? baseline : 4 * baseline;
  const { op } = criterion.breach;
  const edge = criterion.kind === 'limit' ? criterion.breach.value : criterion.breach.factor * baseline;
  const tried = [edge / 2, edge * 2, edge, edge - 1, edge + 1];
  return tried.find((value) => breaches(op, value, edge) === (measure === 'bad')) ?? edge;
}
