/** Kill switches of the spec to those of the plan, as far as the target can turn them. */

import type { Spec } from '../spec/rollout.ts';
import type { PlanProblem } from './problem.ts';
import type { SwitchPlace, SwitchPlan } from './switch.ts';
import type { TargetCapabilities } from './target.ts';

type SpecSwitch = Spec['switches'][number];

export function compileSwitch(written: SpecSwitch): SwitchPlan {
  const { id, off, verify, rejudgeAfter, stillBad } = written;
  return { id, place: placeOf(written), off, verify, rejudgeAfterMs: rejudgeAfter, stillBad };
}

function placeOf(written: SpecSwitch): SwitchPlace {
  switch (written.kind) {
    case 'kubernetes-env': {
      const { kind, deployment, container, env } = written;
      return { kind, deployments: deployment, container, env };
    }
    case 'kubernetes-config': {
      const { kind, configMap, key } = written;
      return { kind, configMap, key };
    }
  }
}

/** What this target has no hand on. */
export function switchFaults(spec: Spec, { switches = [] }: TargetCapabilities): readonly PlanProblem[] {
  return spec.switches.flatMap(({ kind }, index): PlanProblem[] => {
    if (switches.includes(kind)) return [];
    const expected = switches.length === 0 ? 'no switches' : switches.join(' or ');
    return [{ path: ['switches', index, 'kind'], message: `this target cannot turn a ${kind} off`, expected }];
  });
}
