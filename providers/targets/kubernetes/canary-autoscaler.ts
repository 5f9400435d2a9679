/** What scales the canary: made after stable's autoscaler, with a floor that its share needs, so that load may only add to it. */

import type { Order } from '../../../plan/target.ts';
import type { Call } from './api.ts';
import { autoscalerOf, unlessDenied } from './autoscaler.ts';
import { admitted, amend } from './change.ts';
import { claimKey, claimOn, nobodys, type StoredClaim, written } from './claim.ts';
import { at, isObject, type JsonObject, numberAt, without } from './json.ts';
import { managerFor } from './made.ts';
import { setMembers } from './patch.ts';
import { companion, type Ref, refTo, resources } from './refs.ts';
import type { Site } from './site.ts';

export function canaryAutoscaler({ plan }: Pick<Site, 'plan'>): Ref {
  return refTo(resources.autoscalers, plan.namespace, companion(plan.deployment));
}

/** `null` when there is none of ours, or no right to look. */
export async function canaryAutoscalerThere(site: Site, call: Call): Promise<Ref | null> {
  const ref = canaryAutoscaler(site);
  const found = await unlessDenied(() => site.api.get(ref, call));
  return claimOn(found) === null ? null : ref;
}

export interface Floor {
  readonly order: Order;
  readonly claim: StoredClaim;
  readonly direction: 'claim' | 'lower';
  readonly pods: number;
  readonly doing: string;
}

/** Nothing where stable has none. Without the right to make one the canary keeps the size that its share needs. */
export async function holdCanary(site: Site, floor: Floor, call: Call): Promise<void> {
  await unlessDenied(async () => {
    const ref = canaryAutoscaler(site);
    const [ofStable, there] = await Promise.all([autoscalerOf(site, call), site.api.get(ref, call)]);
    if (ofStable === null && there === null) return;
    if (there === null && ofStable !== null) {
      await site.api.create(ref, madeAfter(site, ref, ofStable, floor), managerFor(floor.order), call);
    }
    await raise(site, ref, floor, call);
  });
}

function madeAfter({ plan }: Site, { name }: Ref, ofStable: JsonObject, { order, claim, pods }: Floor): JsonObject {
  const spec = at(ofStable, 'spec');
  return {
    metadata: { name, annotations: { [claimKey]: written(nobodys(claim, order)) } },
    spec: {
      ...without(isObject(spec) ? spec : {}, 'minReplicas', 'maxReplicas', 'scaleTargetRef'),
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: companion(plan.deployment) },
      minReplicas: pods,
      maxReplicas: Math.max(numberAt(ofStable, 'spec', 'maxReplicas') ?? pods, pods),
    },
  };
}

/** Never down: what has traffic keeps its pods until the end. One that is not ours is left alone. */
async function raise(site: Site, ref: Ref, { order, claim, direction, pods, doing }: Floor, call: Call): Promise<void> {
  const decide = (object: JsonObject) => {
    if (claimOn(object) === null) return null;
    admitted(ref, object, order, { direction, done: false }, doing);
    const [least, most] = [numberAt(object, 'spec', 'minReplicas') ?? 1, numberAt(object, 'spec', 'maxReplicas') ?? 0];
    const isHeld = least >= pods && most >= pods;
    if (isHeld && claimOn(object)?.fence === order.fence) return null;
    const size = { minReplicas: Math.max(least, pods), maxReplicas: Math.max(most, pods) };
    return { claim, ops: isHeld ? [] : setMembers(object, ['spec'], size) };
  };
  await amend(site, ref, { doing, decide }, call);
}
