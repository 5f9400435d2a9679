/** Gates of the spec to gates of the plan: one for each point at which somebody is asked. */

import type { Spec } from '../spec/rollout.ts';
import type { Clause, GatePlan, GatePoint } from './plan.ts';
import type { PlanProblem } from './problem.ts';
import { formatBp } from './units.ts';

type SpecGate = Spec['approvals']['gates'][number];
type StepGate = Extract<SpecGate, { at: 'before-step' }>;

/** In the order in which a rollout comes to them; a band that asks nobody makes no gate. */
export function compileGates(spec: Spec): readonly GatePlan[] {
  const { gates } = spec.approvals;
  const before = spec.steps.flatMap((step, index) =>
    gates.flatMap((gate) => {
      if (gate.at !== 'before-step') return [];
      const require = clausesFor(gate, step.weight);
      if (require.length === 0) return [];
      return [gateOf(gate, `${gate.id}@${formatBp(step.weight)}`, { kind: 'step', index }, require)];
    }),
  );
  const at = (kind: 'start' | 'promote') =>
    gates.flatMap((gate) => (gate.at === kind ? [gateOf(gate, gate.id, { kind }, gate.require)] : []));
  return [...at('start'), ...before, ...at('promote')];
}

/** Gates that ask at a weight which is no step. */
export function gateFaults(spec: Spec): readonly PlanProblem[] {
  const ladder = spec.steps.map((step) => step.weight);
  return spec.approvals.gates.flatMap((gate, index) => {
    if (gate.at !== 'before-step') return [];
    const path = ['approvals', 'gates', index];
    const strays = (gate.steps ?? []).flatMap((bp, nth) =>
      ladder.includes(bp) ? [] : [{ path: [...path, 'steps', nth], message: `there is no step of ${formatBp(bp)}` }],
    );
    const highest = Math.max(...(gate.bands ?? []).map((band) => band.upTo));
    const beyond = gate.bands === undefined ? [] : ladder.filter((bp) => bp > highest);
    const uncovered = beyond.map((bp) => ({ path: [...path, 'bands'], message: `no band reaches ${formatBp(bp)}` }));
    return [...strays, ...uncovered];
  });
}

function clausesFor(gate: StepGate, weightBp: number): readonly Clause[] {
  if (gate.bands !== undefined) return gate.bands.find((band) => weightBp <= band.upTo)?.require ?? [];
  return gate.steps === undefined || gate.steps.includes(weightBp) ? (gate.require ?? []) : [];
}

function gateOf(gate: SpecGate, id: string, point: GatePoint, require: readonly Clause[]): GatePlan {
  const remindAt = [...new Set(gate.escalate.map((escalation) => escalation.at))].toSorted((a, b) => a - b);
  return { id, point, require, expiresMs: gate.expires, onExpiry: gate.onExpiry, remindAt };
}
