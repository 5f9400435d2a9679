/** From a spec to the plan for one release on one target; pure, all problems at once. */

import type { Spec } from '../spec/rollout.ts';
import { compileCriteria } from './compile-criteria.ts';
import { compileGates, gateFaults } from './compile-gates.ts';
import { compileSuite } from './compile-smoke.ts';
import { compileSwitch, switchFaults } from './compile-switch.ts';
import { compileTarget } from './compile-target.ts';
import type { MetricsPlan, Plan, StepPlan, WatchPlan } from './plan.ts';
import type { SmokeRun } from './smoke.ts';
import type { PlanProblem } from './problem.ts';
import type { Release } from './release.ts';
import type { TargetCapabilities } from './target.ts';
import { inexpressible, ladderFaults } from './weights.ts';

export type Compiled =
  { readonly ok: true; readonly plan: Plan } | { readonly ok: false; readonly problems: readonly PlanProblem[] };

/** Resolves a spec. Never throws; the plan shares no mutable part with the spec. */
export function compile(spec: Spec, release: Release, capabilities: TargetCapabilities): Compiled {
  const problems = [
    ...releaseFaults(spec, release),
    ...weightFaults(spec, capabilities),
    ...gateFaults(spec),
    ...aimFaults(spec, capabilities),
    ...switchFaults(spec, capabilities),
  ];
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, plan: structured(planOf(spec, release, capabilities)) };
}

function planOf(spec: Spec, release: Release, capabilities: TargetCapabilities): Plan {
  const { metadata, target, approvals } = spec;
  return {
    version: 1,
    service: metadata.service,
    environment: metadata.environment,
    title: metadata.title ?? metadata.service,
    owner: metadata.owner ?? null,
    links: metadata.links,
    release: { digest: release.digest, label: release.label, image: release.image },
    target: compileTarget(target, spec.switches),
    capabilities,
    metrics: metricsOf(spec),
    roles: spec.people.roles,
    gates: compileGates(spec),
    separation: approvals.separation,
    suites: Object.fromEntries(Object.entries(spec.smoke.suites).map(([name, suite]) => [name, compileSuite(suite)])),
    criteria: compileCriteria(spec),
    ...(spec.switches.length > 0 && { switches: spec.switches.map(compileSwitch) }),
    steps: spec.steps.map(stepOf),
    rollback: {
      withinMs: spec.rollback.within,
      confirm: spec.rollback.confirm,
      keepCanaryMs: spec.rollback.keepCanary,
    },
    watch: watchOf(spec),
  };
}

function metricsOf({ metrics }: Spec): MetricsPlan | null {
  if (metrics === null) return null;
  const { connection, tracks, lag, every, requests } = metrics;
  return { connection, trackLabel: tracks.label, lagMs: lag, everyMs: every, requests };
}

function stepOf(step: Spec['steps'][number]): StepPlan {
  const { minMs, maxMs } = step.bake;
  return {
    weightBp: step.weight,
    bakeMinMs: minMs,
    bakeMaxMs: maxMs ?? Math.max(2 * minMs, minMs + 60_000),
    smoke: step.smoke,
    hold: { forMs: step.holdFor, then: step.onHold },
  };
}

function watchOf({ watch }: Spec): WatchPlan {
  if (watch.smoke === null) return { forMs: watch.for, smoke: null };
  const { suite, aim, every, failuresToRollback } = watch.smoke;
  const forMs = watch.smoke.for ?? watch.for;
  return { forMs: watch.for, smoke: { run: { suite, aim }, everyMs: every, forMs, failuresToRollback } };
}

// ── What makes a plan impossible ─────────────────────────────────────────────────────────────────────────────────────

const digestForm = /^sha256:[0-9a-f]{64}$/;
/** What metrics labels, Kubernetes labels and people's eyes all accept. */
const labelForm = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

function releaseFaults(spec: Spec, release: Release): readonly PlanProblem[] {
  const problems: PlanProblem[] = [];
  const given = (message: string, expected: string) => problems.push({ path: [], message, expected });
  if (release.digest === '') given('the release has no digest', 'an image with @sha256: and 64 hex digits');
  else if (!digestForm.test(release.digest)) given('the digest is malformed', '"sha256:" and 64 hex digits');
  if (!labelForm.test(release.label))
    given('the label is not usable', '1 to 63 letters, digits, ".", "_" or "-", such as v7.3.1');
  if (release.image !== spec.release.image)
    given(`the image ${JSON.stringify(release.image.slice(0, 255))} is not the spec’s`, spec.release.image);
  return problems;
}

function weightFaults(spec: Spec, capabilities: TargetCapabilities): readonly PlanProblem[] {
  const weights = spec.steps.map((step) => step.weight);
  return [...ladderFaults(weights), ...inexpressible(weights, capabilities.granularityBp)].map(
    ({ index, message, expected }) => ({ path: ['steps', index, 'weight'], message, expected }),
  );
}

/** Requests aimed at one release need a way to it that the target offers and, for the canary, the spec asks for. */
function aimFaults(spec: Spec, { preview, stableAim }: TargetCapabilities): readonly PlanProblem[] {
  const { target, steps, rollback, watch, switches } = spec;
  const places: readonly (readonly [PlanProblem['path'], SmokeRun])[] = [
    ...steps.flatMap((step, index) => step.smoke.map((run, nth) => [['steps', index, 'smoke', nth], run] as const)),
    ...rollback.confirm.map((run, nth) => [['rollback', 'confirm', nth], run] as const),
    ...(watch.smoke === null ? [] : [[['watch', 'smoke', 'aim'], watch.smoke] as const]),
    ...switches.flatMap(({ verify }, index) =>
      verify === null ? [] : [[['switches', index, 'verify'], verify] as const],
    ),
  ];
  const hasPreview = preview && target.preview !== null;
  return places.flatMap(([path, { aim }]): PlanProblem[] => {
    if (aim === 'canary' && !hasPreview) {
      const expected = preview ? 'target.preview' : 'another aim, since this target has no preview';
      return [{ path, message: 'the canary cannot be reached without a preview', expected }];
    }
    if (aim !== 'stable' || stableAim !== false) return [];
    return [{ path, message: 'this target has no way to reach stable alone', expected: 'another aim, such as public' }];
  });
}

/** Plain JSON of its own: no `undefined`, nothing shared. */
function structured(plan: Plan): Plan {
  return JSON.parse(JSON.stringify(plan)) as Plan;
}
