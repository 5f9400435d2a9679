/** Kill switches: what takes a risky feature away at once, without another release. Off is the only way they are turned. */

import type { Consequence } from './criteria.ts';
import type { SmokeRun } from './smoke.ts';

export interface SwitchPlan {
  readonly id: string;
  readonly place: SwitchPlace;
  /** The value there that means off. */
  readonly off: string;
  /** Must pass once it is off; `null`: nothing is tried. */
  readonly verify: SmokeRun | null;
  /** A criterion that turned it off, and fails still or again after this long, has its last word. */
  readonly rejudgeAfterMs: number;
  readonly stillBad: 'rollback' | 'hold';
}

/** Where the value stands. */
export type SwitchPlace =
  | {
      readonly kind: 'kubernetes-env';
      /** Deployments of the target whose pods get it. */
      readonly deployments: readonly ('stable' | 'canary')[];
      /** `null`: the container that the release is. */
      readonly container: string | null;
      readonly env: string;
    }
  | { readonly kind: 'kubernetes-config'; readonly configMap: string; readonly key: string };

/** The switch that a consequence turns off; `null` for every other consequence. */
export function switchOf(consequence: Consequence): string | null {
  return consequence.startsWith('flip:') ? consequence.slice('flip:'.length) : null;
}

/** For people: `SMART_MODE of stable and canary`. */
export function placeInWords(place: SwitchPlace): string {
  switch (place.kind) {
    case 'kubernetes-env':
      return `${place.env} of ${place.deployments.join(' and ')}`;
    case 'kubernetes-config':
      return `${place.key} in ConfigMap ${place.configMap}`;
  }
}
