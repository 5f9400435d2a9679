/** All activities of a worker, made from its ports. */

import { createArchive } from './archive.ts';
import type { Activities } from './contract.ts';
import { createEffects } from './effects.ts';
import { createGuard } from './guard.ts';
import { createInspect } from './inspect.ts';
import { createLeft } from './left.ts';
import { createPeople } from './people.ts';
import type { Ports } from './ports.ts';
import { createCheckPlan, createPreflight } from './preflight.ts';
import { createSmoke } from './smoke.ts';
import { createWatch } from './watch.ts';
import { createZero } from './zero.ts';

export function createActivities(ports: Ports): Activities {
  return {
    ...createEffects(ports),
    ...createPeople(ports),
    preflight: createPreflight(ports),
    checkPlan: createCheckPlan(ports),
    smoke: createSmoke(ports),
    watch: createWatch(ports),
    zero: createZero(ports),
    archive: createArchive(ports),
    left: createLeft(ports),
    guard: createGuard(ports),
    inspect: createInspect(ports),
  };
}
