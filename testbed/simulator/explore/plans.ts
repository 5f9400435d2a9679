/** Small plans to explore with: every part of the story, in minutes instead of days. */

import type { GatePlan, Plan } from '../../../plan/plan.ts';
import type { SmokeRun } from '../../../plan/smoke.ts';
import type { Draw } from '../random.ts';

const second = 1_000;
const minute = 60_000;

/** Who starts every explored rollout, and could sign it but for that. */
export const requester = 'rita';

/** Who may do what in every explored world. */
export const people = {
  rita: { roles: ['release-manager', 'sre'] },
  bea: { roles: ['sre', 'qa'] },
  ana: { roles: ['sre'] },
  sam: { roles: ['sre'] },
  quinn: { roles: ['qa'] },
  olga: { roles: ['on-call'] },
  nemo: { roles: [] },
} as const;

export function rolesOf(name: string): readonly string[] {
  return Object.entries(people).find(([known]) => known === name)?.[1].roles ?? [];
}

/** A value that no trace, payload or answer may ever hold. */
export const secret = { name: 'CHECKOUT_TOKEN', value: 'do-not-show-6f1d3a' };

/** A plan drawn from the shapes that matter: gates or none, smoke or none, short and long ladders, kept canaries. */
export function drawPlan(draw: Draw): Plan {
  const weights = draw.pick([
    [500, 10_000],
    [100, 500, 2_500, 10_000],
    [100, 2_500, 10_000],
  ]);
  const smoke: readonly SmokeRun[] = draw.chance(0.6) ? [{ suite: 'basic', aim: 'canary' }] : [];
  const bakeMinMs = draw.pick([10 * second, 20 * second, 30 * second]);
  const steps = weights.map((weightBp) => ({
    weightBp,
    bakeMinMs,
    bakeMaxMs: 3 * bakeMinMs,
    smoke: weightBp === 10_000 ? [] : smoke,
    hold: { forMs: 3 * minute, then: draw.pick(['rollback', 'hold'] as const) },
  }));
  return {
    version: 1,
    service: 'shop',
    environment: 'production',
    title: 'Shop',
    owner: 'sre',
    links: {},
    release: { digest: `sha256:${'c'.repeat(64)}`, label: 'v2', image: 'registry.example/shop' },
    target: {
      kind: 'caddy',
      connection: 'edge',
      route: 'shop',
      preview: { header: 'x-preview', value: 'canary' },
      drainMs: draw.pick([0, 10_000]),
    },
    capabilities: {
      granularityBp: 1,
      fenced: true,
      preview: true,
      affinity: false,
      scales: false,
      instantRevert: true,
    },
    metrics: {
      connection: 'prometheus',
      trackLabel: 'release',
      lagMs: 5_000,
      everyMs: draw.pick([5_000, 10_000]),
      requests: 'http_requests_total{app="shop"}',
    },
    roles: ['sre', 'qa'],
    gates: draw.chance(0.6) ? drawGates(draw, weights.length) : [],
    separation: { requesterMayApprove: false, distinctPeople: true },
    suites: { basic },
    criteria: [
      {
        id: 'errors',
        kind: 'limit',
        query: 'errors:ratio{app="shop",{{track}}}',
        breach: { op: '>', value: 0.01, unit: '%' },
        do: 'rollback',
        severity: 'P0',
        when: 'always',
        forMs: draw.pick([0, 15_000]),
        warmUpMs: 0,
        minSamples: 0,
      },
      {
        id: 'latency',
        kind: 'compare',
        against: 'stable',
        query: 'latency:p95{app="shop",{{track}}}',
        breach: { op: '>', factor: 2 },
        floor: 0.05,
        do: draw.pick(['rollback', 'hold', 'warn']),
        severity: 'P1',
        when: 'canary',
        forMs: 15_000,
        warmUpMs: 0,
        minSamples: draw.pick([0, 50]),
      },
    ],
    steps,
    rollback: {
      withinMs: minute,
      confirm: smoke.length === 0 ? [] : [{ suite: 'basic', aim: 'stable' }],
      keepCanaryMs: draw.pick([0, 40 * second]),
    },
    watch: {
      forMs: draw.pick([20 * second, minute]),
      smoke: draw.chance(0.3)
        ? { run: { suite: 'basic', aim: 'public' }, everyMs: 15 * second, forMs: minute, failuresToRollback: 3 }
        : null,
    },
  };
}

/** Gates that ask two clauses at once, and more of those before the promotion: from a stream of their own. */
export function drawMoreGates(draw: Draw, plan: Plan): Plan {
  const [isMany, isFinal] = [draw.chance(0.3), draw.chance(0.3)];
  const require = [
    { kind: 'at-least', count: 1, role: 'sre' },
    { kind: 'at-least', count: 1, role: 'qa' },
  ] as const;
  const gates = isMany ? plan.gates.map((gate) => ({ ...gate, require })) : plan.gates;
  if (!isFinal || gates.some(({ point }) => point.kind === 'promote')) return { ...plan, gates };
  const rest = { expiresMs: draw.pick([2 * minute, 8 * minute]), onExpiry: draw.pick(['rollback', 'hold'] as const) };
  const final = { id: 'final', point: { kind: 'promote' }, require: [require[0]], ...rest, remindAt: [] } as const;
  return { ...plan, gates: [...gates, final] };
}

const basic: Plan['suites'][string] = {
  publicUrl: 'http://127.0.0.1:8080',
  forbidStatus: ['5xx'],
  requests: [
    {
      name: 'health',
      method: 'GET',
      path: '/healthz',
      headers: { authorization: `Bearer {{secret:${secret.name}}}` },
      body: null,
      expect: {
        status: '2xx',
        json: null,
        exists: [],
        headers: {},
        contentType: null,
        withinMs: null,
      },
      capture: {},
      timeoutMs: 5_000,
    },
  ],
};

function drawGates(draw: Draw, steps: number): GatePlan[] {
  const gate = (id: string, point: GatePlan['point']): GatePlan => ({
    id,
    point,
    require: [
      draw.pick([
        { kind: 'at-least', count: 1, role: 'sre' },
        { kind: 'at-least', count: 2, role: 'sre' },
        { kind: 'one-per', roles: ['sre', 'qa'] },
      ] as const),
    ],
    expiresMs: draw.pick([2 * minute, 8 * minute]),
    onExpiry: point.kind === 'start' ? 'abort' : draw.pick(['rollback', 'hold', 'step-back'] as const),
    remindAt: draw.chance(0.5) ? [0.5] : [],
  });
  const index = draw.between(0, steps - 1);
  return [
    ...(draw.chance(0.3) ? [gate('go', { kind: 'start' })] : []),
    ...(draw.chance(0.8) ? [gate('wide', { kind: 'step', index })] : []),
    ...(draw.chance(0.4) ? [gate('final', { kind: 'promote' })] : []),
  ];
}
