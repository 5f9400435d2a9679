/** A plan in its world, and the real providers before it over a network without latency. */

import { compile } from '../../../../plan/compile.ts';
import type { Plan } from '../../../../plan/plan.ts';
import type { Release } from '../../../../plan/release.ts';
import type { Order, Share } from '../../../../plan/target.ts';
import { createEngine } from '../../../../providers/engine.ts';
import type { Clock, Http, HttpRequest, Sockets, Target } from '../../../../providers/ports.ts';
import { ProviderError } from '../../../../providers/errors.ts';
import { createPrometheus } from '../../../../providers/metrics/prometheus.ts';
import { createCaddyTarget } from '../../../../providers/targets/caddy/target.ts';
import { renderProblems } from '../../../../spec/diagnostics.ts';
import { parseSpec } from '../../../../spec/rollout.ts';
import type { CaddyConnection, WebhookChannel, WorkerConfig } from '../../../../spec/worker-config.ts';
import { siteOf } from '../../../../worker/caddy-sites.ts';
import { socketsOver } from '../../../../testbed/simulator/sockets.ts';
import type { Answer } from '../../../../testbed/simulator/worlds/host.ts';
import { operatorFor } from '../../../../testbed/simulator/worlds/operator.ts';
import { plainWorld, type WorldScript } from '../../../../testbed/simulator/worlds/script.ts';
import { createWorld, type World } from '../../../../testbed/simulator/worlds/world.ts';

export const began = Date.parse('2026-03-02T09:00:00Z');
export const seconds = (count: number) => count * 1_000;
export const hours = (count: number) => count * 3_600_000;
export const minutes = (count: number) => count * 60_000;

export const canary: Release = { digest: `sha256:${'b'.repeat(64)}`, label: 'v2', image: 'registry.example/web' };

const spec = `
apiVersion: sluice/v1
kind: Rollout
metadata: { service: web, environment: production }
target: { kind: caddy, connection: edge, route: web, preview: { header: "x-sluice-preview: canary" }, drain: 10s }
release: { image: registry.example/web }
metrics: { connection: prometheus-prod, requests: 'http_requests_total{app="web"}' }
smoke:
  suites:
    basic:
      baseUrl: { canary: preview, stable: direct, public: "http://127.0.0.1:8080" }
      forbidStatus: [5xx]
      requests: [{ name: health, get: /healthz, expect: { json: { ok: true } } }]
criteria:
  - { id: errors, kind: limit, query: 'rate(errors{{{track}}}[1m])', breach: "> 1%", do: rollback }
  - { id: latency, kind: compare, against: stable, query: 'latency{{{track}}}', breach: "> 2x", floor: 0.05, do: hold }
steps:
  - { weight: 1%, bake: 30m, smoke: [basic] }
  - { weight: 25%, bake: 30m }
  - { weight: 100%, bake: 30m, smoke: [basic@public] }
`;

export function planOf(text = spec): Plan {
  const parsed = parseSpec(text, 'spec.yaml');
  if (!parsed.ok) throw new Error(renderProblems(parsed.problems));
  const capabilities = {
    granularityBp: 1,
    fenced: true,
    preview: true,
    affinity: false,
    scales: false,
    instantRevert: true,
  };
  const compiled = compile(parsed.value, canary, capabilities);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled.plan;
}

/** Time passes only in sleeps, at once. */
export interface Given {
  readonly plan: Plan;
  readonly world: World;
  readonly target: Target;
  readonly metrics: ReturnType<typeof createPrometheus>;
  readonly http: Http;
  readonly sockets: Sockets;
  readonly clock: Clock & { pass(ms: number): void };
  readonly order: (fence: number, change?: Partial<Order>) => Order;
  readonly shares: (canaryBp: number) => readonly Share[];
}

export interface Change {
  readonly persistence?: CaddyConnection['persistence'];
  readonly notify?: readonly WebhookChannel[];
}

export function given(script: Partial<WorldScript> = {}, change: Change = {}, text?: string): Given {
  const plan = planOf(text);
  const config = changed(operatorFor(plan), change);
  const world = createWorld({ ...plainWorld, stableLabel: 'v1', scrapeMs: 1_000, ...script }, plan, {
    config,
    began,
  });
  const clock = createClock();
  const send = async (request: HttpRequest) => answerOf(world, clock, request);
  const http: Http = { send };
  const sockets = socketsOver(send, clock);
  const { edge } = config.connections;
  if (edge?.kind !== 'caddy' || plan.target.kind !== 'caddy') throw new Error('the operator has no Caddy');
  const doors = { credentials: new Map<string, string>(), engine: createEngine };
  const connection = siteOf(edge, plan.target, doors);
  const target = createCaddyTarget({ plan: plan.target, connection, http, clock });
  const metrics = createPrometheus({ url: 'http://127.0.0.1:9090', headers: {}, auth: null, http, clock });
  const order = (fence: number, change: Partial<Order> = {}): Order => ({
    rollout: 'rollout/production/web',
    run: 'run-1',
    fence,
    stable: world.stable,
    canary,
    ...change,
  });
  const shares = (canaryBp: number) => [
    { digest: world.stable.digest, bp: 10_000 - canaryBp },
    { digest: canary.digest, bp: canaryBp },
  ];
  return { plan, world, target, metrics, http, sockets, clock, order, shares };
}

function changed(config: WorkerConfig, { persistence, notify = [] }: Change): WorkerConfig {
  const { edge } = config.connections;
  if (edge?.kind !== 'caddy' || persistence === undefined) return { ...config, notify };
  return { ...config, notify, connections: { ...config.connections, edge: { ...edge, persistence } } };
}

function createClock(): Given['clock'] {
  let now = began;
  const pass = (ms: number) => void (now += ms);
  return { now: () => now, sleep: async (ms) => pass(ms), pass };
}

function answerOf(world: World, clock: Clock, request: HttpRequest): Answer {
  const { origin } = new URL(request.url);
  const host = world.host(origin);
  if (host !== undefined) return host.answer(request, clock.now());
  throw new ProviderError({ code: 'unreachable', doing: `${request.method} ${origin}`, detail: 'nobody is there' });
}
