/** Every series of the worker in one place: what is counted, under which labels, and what it means. */

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { InjectedSinks } from '@temporalio/worker';
import type { Observer } from '../activities/ports.ts';
import type { Observed } from '../activities/contract.ts';
import type { ProviderErrorCode } from '../providers/errors.ts';
import type { GatePoint } from '../plan/plan.ts';
import type { Outcome, RolloutState, TurnBack } from '../plan/phases.ts';
import type { GateClosed, ObserverSinks } from '../workflows/sinks.ts';
import { createOpenRollouts, type OpenRollouts } from './open-rollouts.ts';

export interface MetricsOptions {
  /** Epoch ms; for gauges that nobody refreshes any more. */
  readonly now: () => number;
  /** Open rollouts by state as the Temporal server lists them; an error leaves the series out of this answer. */
  readonly states: () => Promise<ReadonlyMap<RolloutState, number>>;
}

export interface Metrics {
  /** What activities tell. */
  readonly observer: Observer;
  /** What workflows tell; for `WorkerOptions.sinks`. */
  readonly sinks: InjectedSinks<ObserverSinks>;
  /** All series in the Prometheus text format. */
  text(): Promise<string>;
}

export function createMetrics({ now, states }: MetricsOptions): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const open = createOpenRollouts(now);
  const series = countersIn(registry);
  gaugesIn(registry, open, states);
  return { observer: observerOf(series, open, now), sinks: sinksOf(series, open), text: () => registry.metrics() };
}

// ── What adds up ─────────────────────────────────────────────────────────────────────────────────────────────────────

type Series = ReturnType<typeof countersIn>;
type Result = 'done' | 'failed' | ProviderErrorCode;

/** Labels have few values each: verbs, codes and outcomes of ours, channels of the operator; never a name from a spec. */
function countersIn(registry: Registry) {
  const registers = [registry];
  return {
    effects: new Counter<'verb' | 'result'>({
      name: 'sluice_effects_total',
      help: 'Attempts at effects on targets, by verb and by what came of them.',
      labelNames: ['verb', 'result'],
      registers,
    }),
    retries: new Counter<'verb'>({
      name: 'sluice_effect_retries_total',
      help: 'Attempts at effects that were not the first.',
      labelNames: ['verb'],
      registers,
    }),
    effectSeconds: new Histogram<'verb'>({
      name: 'sluice_effect_seconds',
      help: 'How long one attempt at an effect took.',
      labelNames: ['verb'],
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      registers,
    }),
    secondsToZero: new Histogram({
      name: 'sluice_seconds_to_zero',
      help: 'From the decision to go back to weight zero read back at the target.',
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      registers,
    }),
    rollbacks: new Counter<'reason'>({
      name: 'sluice_rollbacks_total',
      help: 'Rollouts that turned back, by the kind of reason.',
      labelNames: ['reason'],
      registers,
    }),
    outcomes: new Counter<'outcome'>({
      name: 'sluice_outcomes_total',
      help: 'Rollouts that ended, by outcome.',
      labelNames: ['outcome'],
      registers,
    }),
    gateWait: new Histogram<'point' | 'state'>({
      name: 'sluice_gate_wait_seconds',
      help: 'How long gates waited for people, by the point in the rollout and how they ended.',
      labelNames: ['point', 'state'],
      buckets: [1, 10, 60, 300, 900, 3_600, 14_400, 86_400, 259_200],
      registers,
    }),
    smoke: new Counter<'result'>({
      name: 'sluice_smoke_total',
      help: 'Runs of smoke suites, passed or failed.',
      labelNames: ['result'],
      registers,
    }),
    notices: new Counter<'channel' | 'result'>({
      name: 'sluice_notices_total',
      help: 'Notifications by channel, delivered or failed.',
      labelNames: ['channel', 'result'],
      registers,
    }),
    orphans: new Counter({
      name: 'sluice_guardian_orphans_total',
      help: 'Rollouts that nobody carried on and whose revert the guardian started.',
      registers,
    }),
    lookedAt: new Gauge({
      name: 'sluice_guardian_last_look_timestamp_seconds',
      help: 'When the guardian last looked for such rollouts; 0 on a worker that does not run it.',
      registers,
    }),
  };
}

// ── What is ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Filled when they are asked for, from what is known then: a rollout that has ended leaves nothing behind. */
function gaugesIn(registry: Registry, open: OpenRollouts, states: MetricsOptions['states']): void {
  const gauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    fill: (set: (labels: Record<Label, string>, value: number) => void) => void | Promise<void>,
  ) =>
    new Gauge<Label>({
      name,
      help,
      labelNames,
      registers: [registry],
      async collect() {
        this.reset();
        await fill((labels, value) => this.set(labels, value));
      },
    });

  gauge('sluice_rollouts', 'Open rollouts by state, as listed by the Temporal server.', ['state'], async (set) => {
    for (const [state, count] of await states().catch(() => new Map<RolloutState, number>())) set({ state }, count);
  });
  gauge(
    'sluice_weight',
    'Share of traffic of the release under test, 0 to 1: asked for, accepted by the target, seen in request counts.',
    ['rollout', 'kind'],
    (set) => {
      for (const { rollout, observed } of open.list()) {
        if (observed !== null) setWeights((kind, value) => set({ rollout, kind }, value), observed);
      }
    },
  );
  gauge(
    'sluice_verdict',
    '1 for the present verdict on each criterion.',
    ['rollout', 'criterion', 'verdict'],
    (set) => {
      for (const { rollout, findings } of open.list()) {
        for (const { criterion, verdict } of findings) set({ rollout, criterion, verdict }, 1);
      }
    },
  );
  gauge(
    'sluice_bake_seconds',
    'The bake of the present step: all time, and the part of it with valid data, pauses left out of both.',
    ['rollout', 'kind'],
    (set) => {
      for (const { rollout, bake } of open.list()) {
        if (bake === null) continue;
        set({ rollout, kind: 'valid' }, bake.validMs / 1_000);
        set({ rollout, kind: 'elapsed' }, bake.elapsedMs / 1_000);
      }
    },
  );
}

function setWeights(
  set: (kind: 'requested' | 'accepted' | 'observed', value: number) => void,
  observed: Observed,
): void {
  set('requested', observed.requestedBp / 10_000);
  if (observed.acceptedBp !== null) set('accepted', observed.acceptedBp / 10_000);
  if (observed.share !== null) set('observed', observed.share);
}

// ── One method per event ─────────────────────────────────────────────────────────────────────────────────────────────

function observerOf(series: Series, open: OpenRollouts, now: () => number): Observer {
  return {
    effect: (verb, _rollout, result: Result, ms, attempt) => {
      series.effects.inc({ verb, result });
      series.effectSeconds.observe({ verb }, ms / 1_000);
      if (attempt > 1) series.retries.inc({ verb });
    },
    weights: (rollout, observed) => open.note(rollout, { observed }),
    findings: (rollout, findings) => open.note(rollout, { findings }),
    bake: (rollout, validMs, elapsedMs) => open.note(rollout, { bake: { validMs, elapsedMs } }),
    zero: (rollout, ms) => {
      series.secondsToZero.observe(ms / 1_000);
      open.zeroed(rollout);
    },
    smoke: (_rollout, _suite, passed) => series.smoke.inc({ result: passed ? 'passed' : 'failed' }),
    notice: (channel, ok) => series.notices.inc({ channel, result: ok ? 'delivered' : 'failed' }),
    looked: () => series.lookedAt.set(now() / 1_000),
    orphan: () => series.orphans.inc(),
  };
}

function sinksOf(series: Series, open: OpenRollouts): InjectedSinks<ObserverSinks> {
  const once = { callDuringReplay: false };
  return {
    observer: {
      gateClosed: {
        ...once,
        fn: (_info, { point, state, waitMs }) =>
          series.gateWait.observe({ point, state } satisfies GateLabels, waitMs / 1_000),
      },
      turnedBack: {
        ...once,
        fn: (_info, { reason }) => series.rollbacks.inc({ reason } satisfies { reason: TurnBack['kind'] }),
      },
      ended: {
        ...once,
        fn: ({ workflowId }, { outcome }) => {
          series.outcomes.inc({ outcome } satisfies { outcome: Outcome });
          open.forget(workflowId);
        },
      },
    },
  };
}

interface GateLabels {
  readonly point: GatePoint['kind'];
  readonly state: GateClosed['state'];
}
