/** Everything the watch asks from outside: the target, the metrics, the request counters. */

import type { Sample } from '../judge/verdict.ts';
import { matchersFor } from '../plan/alerts.ts';
import { leavesOf } from '../plan/criteria.ts';
import type { LeafCriterion } from '../plan/criteria.ts';
import type { MetricsPlan } from '../plan/plan.ts';
import { renderQuery } from '../plan/promql.ts';
import type { Release } from '../plan/release.ts';
import type { Reading } from '../plan/target.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Clock, MetricsSource } from '../providers/ports.ts';
import type { WatchCheckpoint, WatchInput } from './contract.ts';
import type { Ports } from './ports.ts';
import { counted, requestsBetween, type SeriesValues, valuesOf } from './watch-requests.ts';

/** A target that hangs must not delay a verdict. */
const readWithinMs = 3_000;
/** Made once: every poll ends a wait with it. */
const enough = new Error('no longer needed');

export type Samples = Readonly<Record<string, Sample>>;

export interface World {
  /** What the target says, or why it says nothing. */
  read(): Promise<Reading | ProviderError>;
  /** Everything that criteria ask for, at one moment and in parallel. */
  samples(at: number): Promise<Samples>;
  /** Why the metrics would not answer at all; `null` when they do. */
  away(): Promise<ProviderError | null>;
  /** The checkpoint with the requests of its stage counted up to a moment; unchanged when they cannot be read. */
  count(checkpoint: WatchCheckpoint, at: number): Promise<WatchCheckpoint>;
}

export function createWorld(ports: Ports, input: WatchInput, signal: AbortSignal): World {
  const metrics = input.metrics === null ? null : sourceOf(ports, input.metrics);
  return {
    read: () =>
      answerOrError(() => within(ports.clock, readWithinMs, signal, (stop) => ports.target(input.target).read(stop))),
    samples: asker(input, metrics, signal),
    away: () => awayOf(metrics, signal),
    count: counter(input, metrics, signal),
  };
}

interface Metrics {
  readonly plan: MetricsPlan;
  readonly source: MetricsSource | ProviderError;
}

function sourceOf(ports: Ports, plan: MetricsPlan): Metrics {
  try {
    return { plan, source: ports.metrics(plan.connection) };
  } catch (error) {
    if (error instanceof ProviderError) return { plan, source: error };
    throw error;
  }
}

async function awayOf(metrics: Metrics | null, signal: AbortSignal): Promise<ProviderError | null> {
  if (metrics === null) return null;
  const { source } = metrics;
  if (source instanceof ProviderError) return source;
  return (await answerOrError(() => source.ping(signal))) ?? null;
}

/** What is asked stays the same from poll to poll; only the moment moves. */
function asker(input: WatchInput, metrics: Metrics | null, signal: AbortSignal): World['samples'] {
  const questions = leavesOf(input.criteria).map(
    (criterion) => [criterion.id, questionOf(input, criterion, metrics, signal)] as const,
  );
  return async (at) => {
    const asked = questions.map(async ([id, ask]) => [id, await ask(at)] as const);
    return Object.fromEntries(await Promise.all(asked));
  };
}

function questionOf(
  { order }: WatchInput,
  criterion: LeafCriterion,
  metrics: Metrics | null,
  signal: AbortSignal,
): (at: number) => Promise<Sample> {
  if (metrics === null) return async () => ({ kind: 'no-data', reason: 'the plan has no metrics' });
  const { plan, source } = metrics;
  if (source instanceof ProviderError) return async () => ({ kind: 'no-data', reason: source.message });
  if (criterion.kind === 'alert') {
    const matchers = matchersFor(criterion.matchers, order.canary);
    return (at) => source.alerts(matchers, at, signal);
  }
  const about = (release: Release) => {
    const query = renderQuery(criterion.query, { trackLabel: plan.trackLabel, release });
    return (at: number) => source.instant(query, at, signal);
  };
  const askCanary = about(order.canary);
  if (criterion.kind === 'limit') return askCanary;
  const askStable = about(order.stable);
  return async (at) => {
    const [canary, stable] = await Promise.all([askCanary(at), askStable(at)]);
    return canary.kind === 'value' ? { ...canary, baseline: stable.kind === 'value' ? stable.value : null } : canary;
  };
}

/** Keeps every series' last value between polls; after a restart they are read again at the moment counted up to. */
function counter(input: WatchInput, metrics: Metrics | null, signal: AbortSignal): World['count'] {
  const { canary, stable } = input.order;
  const selector = metrics?.plan.requests ?? null;
  const areDistinct = canary.label !== stable.label;
  if (metrics === null || selector === null || metrics.source instanceof ProviderError || !areDistinct) {
    return async (checkpoint) => checkpoint;
  }
  const { source, plan } = metrics;
  let last: { readonly at: number; readonly values: SeriesValues } | null = null;
  return async (checkpoint, at) => {
    const from = checkpoint.observed.countedTo ?? checkpoint.stageSince;
    if (at <= from) return checkpoint;
    const read = (moment: number) => source.counters(selector, plan.trackLabel, moment, signal);
    const known = last?.at === from ? last.values : null;
    const answer = await answerOrError(() => Promise.all([known ?? read(from).then(valuesOf), read(at)]));
    if (answer instanceof Error) return checkpoint;
    const [before, now] = answer;
    last = { at, values: new Map([...before, ...valuesOf(now)]) };
    const observed = counted(checkpoint.observed, requestsBetween(before, now), canary.label, at);
    return { ...checkpoint, observed };
  };
}

/** Outside errors are answers here; being cancelled, and our own mistakes, are not. */
async function answerOrError<Answer>(ask: () => Promise<Answer>): Promise<Answer | ProviderError> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
}

/** Throws `unreachable` when there is no answer in time; whatever was begun is told to stop. */
async function within<Answer>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  ask: (stop: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const stop = new AbortController();
  const forward = () => stop.abort(signal.reason);
  signal.addEventListener('abort', forward, { once: true });
  const late = async (): Promise<never> => {
    await clock.sleep(ms, stop.signal);
    throw new ProviderError({
      code: 'unreachable',
      doing: 'read the target',
      detail: `no answer within ${String(ms)} ms`,
    });
  };
  try {
    signal.throwIfAborted();
    return await Promise.race([ask(stop.signal), late()]);
  } finally {
    signal.removeEventListener('abort', forward);
    stop.abort(enough);
  }
}
