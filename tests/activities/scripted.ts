/** A scripted world for the watch: a target and a metrics system that are functions of time, and one attempt of the activity in it. */

import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { WatchCheckpoint, WatchInput, WatchReport } from '../../activities/contract.ts';
import type { Ports } from '../../activities/ports.ts';
import { createWatch } from '../../activities/watch.ts';
import type { Criterion, LimitCriterion } from '../../plan/criteria.ts';
import type { StepPlan } from '../../plan/plan.ts';
import type { Claim, Instance, Order, Reading, Stage } from '../../plan/target.ts';
import { ProviderError } from '../../providers/errors.ts';
import type { CounterSeries, SmokeRunner } from '../../providers/ports.ts';
import type { AlertSample, NumberSample } from '../../judge/verdict.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

export const second = 1_000;
export const minute = 60 * second;
/** When the stage under test was written to the target. */
export const t0 = 1_800_000_000_000;

const release = (label: string, digit: string) => ({
  label,
  digest: `sha256:${digit.repeat(64)}`,
  image: 'registry.example/web',
});
export const order: Order = {
  rollout: 'rollout/production/web',
  run: 'run-1',
  fence: 5,
  stable: release('v1', 'a'),
  canary: release('v2', 'b'),
};

const emptySuite = { publicUrl: 'http://public.example', forbidStatus: [], requests: [] };

export const away = (detail = 'connection refused') => new ProviderError({ code: 'unreachable', doing: 'ask', detail });
export const value = (number: number): NumberSample => ({ kind: 'value', value: number, baseline: null });
export const nothing: NumberSample & AlertSample = { kind: 'no-data', reason: 'the result is empty' };

/** Everything is a function of time (epoch ms); errors are thrown, `'silence'` never answers. */
export interface Script {
  reading(at: number): Reading | ProviderError | 'silence';
  /** `label` is the release that the query asks about. */
  sample(criterion: string, label: string, at: number): NumberSample;
  /** `about`: the first matcher's value. */
  alerts(about: string, at: number): AlertSample;
  counters(at: number): readonly CounterSeries[] | ProviderError;
  ping(at: number): ProviderError | null;
  smoke(at: number): boolean | Promise<boolean>;
  /** Whether the operator declared the metrics connection. */
  readonly connected: boolean;
}

export function claim(stage: Stage, canaryBp: number, over: Partial<Claim> = {}): Claim {
  return { ...order, stage, canaryBp, since: t0, released: false, ...over };
}

/** What the target says when everything is as planned. */
export function planned(of: Claim | null, canaryBp = of?.canaryBp ?? 0, stableReady = true): Reading {
  const place = (name: string, label: 'stable' | 'canary', ready: boolean): Instance => ({
    name,
    release: order[label],
    ready,
    detail: ready ? 'running' : 'stopped',
  });
  return {
    claim: of,
    fence: of?.fence ?? 0,
    shares: [
      { digest: order.stable.digest, bp: 10_000 - canaryBp },
      { digest: order.canary.digest, bp: canaryBp },
    ],
    instances: [place('a', 'stable', stableReady), place('b', 'canary', true)],
    unknownBp: 0,
  };
}

export const step = (index: number): Stage => ({ kind: 'step', index });
export const atStep0 = () => planned(claim(step(0), 500));

/** What every criterion has, whatever its kind. */
export const common = {
  do: 'rollback',
  severity: 'P0',
  when: 'canary',
  forMs: 0,
  warmUpMs: 0,
  minSamples: 0,
} as const;

export function limit(id: string, over: Partial<LimitCriterion> = {}): LimitCriterion {
  return {
    id,
    kind: 'limit',
    query: `${id}{{{track}}}`,
    breach: { op: '>', value: 0.01, unit: '%' },
    ...common,
    ...over,
  };
}

export function stepPlan(bakeMinMs: number, bakeMaxMs = bakeMinMs): StepPlan {
  return { weightBp: 500, bakeMinMs, bakeMaxMs, smoke: [], hold: { forMs: 0, then: 'rollback' } };
}

export interface Given {
  readonly script: Partial<Script>;
  readonly input?: Partial<WatchInput>;
  readonly criteria?: readonly Criterion[];
  readonly bake?: StepPlan;
  readonly everyMs?: number;
  readonly lagMs?: number;
  readonly requests?: string;
}

export interface Asked {
  readonly criterion: string;
  readonly label: string;
  /** The moment asked about. */
  readonly at: number;
  /** The moment of asking. */
  readonly now: number;
}

export interface Attempt {
  readonly clock: VirtualClock;
  readonly env: MockActivityEnvironment;
  readonly report: Promise<WatchReport>;
  readonly heartbeats: { readonly at: number; readonly details: WatchCheckpoint }[];
  readonly asked: Asked[];
  readonly smokeRuns: { readonly baseUrl: string; readonly from: number; to: number | null }[];
}

/** Starts one attempt at the watch; time stands still until somebody runs the clock. */
export function attempt(given: Given, clock = createVirtualClock(t0), heartbeatDetails?: unknown): Attempt {
  const info = { heartbeatTimeoutMs: 5 * second, heartbeatDetails: structuredClone(heartbeatDetails) };
  const env = new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') });
  const heartbeats: Attempt['heartbeats'] = [];
  env.on('heartbeat', (details: WatchCheckpoint) =>
    heartbeats.push({ at: clock.now(), details: structuredClone(details) }),
  );
  const asked: Asked[] = [];
  const smokeRuns: Attempt['smokeRuns'] = [];
  const ports = portsOf(given.script, clock, asked, smokeRuns);
  const report: Promise<WatchReport> = env.run(createWatch(ports), inputOf(given));
  report.catch(() => undefined); // whoever looks at it sees the error
  return { clock, env, report, heartbeats, asked, smokeRuns };
}

/** One attempt to its end. */
export async function watched(
  given: Given,
): Promise<Attempt & { readonly answer: WatchReport; readonly afterMs: number }> {
  const one = attempt(given);
  await one.clock.runUntil(one.report, t0 + 100 * 60 * minute);
  const answer = await Promise.race([one.report, Promise.resolve(null)]);
  if (answer === null) throw new Error('the watch went on for 100 hours');
  return { ...one, answer, afterMs: one.clock.now() - t0 };
}

export function inputOf({
  input,
  criteria = [limit('errors')],
  bake = stepPlan(minute, 2 * minute),
  everyMs = 10 * second,
  lagMs = 0,
  requests,
}: Given): WatchInput {
  return {
    target: { kind: 'caddy', connection: 'edge', route: 'web', preview: null, drainMs: 0 },
    order,
    metrics: { connection: 'prometheus', trackLabel: 'release', lagMs, everyMs, requests: requests ?? null },
    criteria,
    steps: [bake, bake],
    watchMs: 10 * minute,
    scheduled: null,
    goal: { kind: 'bake' },
    clock: 'running',
    checkpoint: null,
    segmentMs: 60 * minute,
    ...input,
  };
}

export const scheduledSmoke = (
  over: Partial<NonNullable<WatchInput['scheduled']>['smoke']> = {},
): WatchInput['scheduled'] => ({
  smoke: { run: { suite: 'full', aim: 'public' }, everyMs: minute, forMs: 60 * minute, failuresToRollback: 3, ...over },
  suite: emptySuite,
});

function portsOf(script: Partial<Script>, clock: VirtualClock, asked: Asked[], smokeRuns: Attempt['smokeRuns']): Ports {
  const target = {
    read: async () => {
      const reading = (script.reading ?? atStep0)(clock.now());
      if (reading === 'silence') return new Promise<Reading>(() => undefined);
      if (reading instanceof Error) throw reading;
      return reading;
    },
    aim: async (at: string) => ({ baseUrl: `http://${at}.example`, headers: {} }),
  } as unknown as ReturnType<Ports['target']>;
  const metrics: ReturnType<Ports['metrics']> = {
    ping: async () => {
      const error = script.ping?.(clock.now()) ?? null;
      if (error !== null) throw error;
    },
    instant: async (promql, at) => {
      const [, criterion = '', label = ''] = /^(\w+)\{release="(.*)"\}$/.exec(promql) ?? [];
      asked.push({ criterion, label, at, now: clock.now() });
      return script.sample?.(criterion, label, at) ?? value(0);
    },
    alerts: async ([first], at) => script.alerts?.(first?.value ?? '', at) ?? nothing,
    counters: async (_selector, _label, at) => {
      const series = script.counters?.(at) ?? [];
      if (series instanceof Error) throw series;
      return series;
    },
  };
  const smoke: SmokeRunner = {
    secretsOf: () => [],
    missingFiles: async () => [],
    run: async (_suite, { baseUrl }) => {
      const one: Attempt['smokeRuns'][number] = { baseUrl, from: clock.now(), to: null };
      smokeRuns.push(one);
      const passed = (await script.smoke?.(clock.now())) ?? true;
      one.to = clock.now();
      return { passed, sentence: passed ? '1 request passed' : 'health: expected 2xx, got 500', requests: [] };
    },
  };
  const silent = () => undefined;
  const observer = {
    effect: silent,
    weights: silent,
    findings: silent,
    bake: silent,
    zero: silent,
    smoke: silent,
    notice: silent,
    looked: silent,
    orphan: silent,
  };
  const connected = () => {
    if (script.connected === false)
      throw new ProviderError({ code: 'missing', doing: 'ask', detail: 'no such connection' });
    return metrics;
  };
  return { clock, target: () => target, metrics: connected, smoke, observer } as unknown as Ports;
}
