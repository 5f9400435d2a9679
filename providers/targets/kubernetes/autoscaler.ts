/** What scales stable: its floor is held at the size that was recorded, and given back at the end. */

import type { Order } from '../../../plan/target.ts';
import { ProviderError } from '../../errors.ts';
import type { Call } from './api.ts';
import { admitted, amend } from './change.ts';
import { claimOn, type StoredClaim } from './claim.ts';
import { type JsonObject, numberAt, textAt } from './json.ts';
import { type PatchOp, setMembers } from './patch.ts';
import { type Ref, refOf, resources } from './refs.ts';
import type { Site } from './site.ts';

/** What the owner had set before us; `none` for nothing. */
const floorKey = 'sluice/min-replicas';

/** The autoscaler of stable's Deployment; `null` when it has none. */
export async function autoscalerOf(site: Site, call: Call): Promise<JsonObject | null> {
  const all = await site.api.list(resources.autoscalers, site.plan.namespace, null, call);
  const isOurs = (one: JsonObject) =>
    textAt(one, 'spec', 'scaleTargetRef', 'kind') === 'Deployment' &&
    textAt(one, 'spec', 'scaleTargetRef', 'name') === site.plan.deployment;
  return all.find(isOurs) ?? null;
}

/** The one whose floor we hold. Without the right to look there is none. */
export async function pinnedAutoscaler(site: Site, call: Call): Promise<Ref | null> {
  const found = await unlessDenied(() => autoscalerOf(site, call));
  if (found === null || textAt(found, 'metadata', 'annotations', floorKey) === null) return null;
  return refOf(resources.autoscalers, found);
}

/** Without the right to do so stable may shrink under a small load: preflight has told. */
export async function pinFloor(site: Site, order: Order, claim: StoredClaim, call: Call): Promise<void> {
  await unlessDenied(async () => {
    const found = await autoscalerOf(site, call);
    if (found === null) return null;
    const ref = refOf(resources.autoscalers, found);
    const doing = `hold ${site.plan.deployment} at ${claim.recorded.replicas} pods`;
    const decide = (object: JsonObject) => {
      const floor = numberAt(object, 'spec', 'minReplicas');
      const isPinned = textAt(object, 'metadata', 'annotations', floorKey) !== null;
      const done = isPinned && claimOn(object)?.fence === order.fence;
      if (!admitted(ref, object, order, { direction: 'claim', done }, doing) || done) return null;
      const annotations = isPinned ? {} : { [floorKey]: floor === null ? 'none' : String(floor) };
      const pods = Math.max(claim.recorded.replicas, 1);
      return { claim, ops: (floor ?? 1) >= pods ? [] : floorOps(object, pods), annotations };
    };
    return amend(site, ref, { doing, decide }, call);
  });
}

/** A floor that somebody else has set meanwhile is left alone. */
export async function giveFloorBack(site: Site, order: Order, claim: StoredClaim, call: Call): Promise<void> {
  const ref = await pinnedAutoscaler(site, call);
  if (ref === null) return;
  const doing = `give ${site.plan.deployment} its floor back`;
  const decide = (object: JsonObject) => {
    const before = textAt(object, 'metadata', 'annotations', floorKey);
    if (before === null || !admitted(ref, object, order, { direction: 'lower', done: false }, doing)) return null;
    const isOurs = numberAt(object, 'spec', 'minReplicas') === Math.max(claim.recorded.replicas, 1);
    const ops = isOurs ? floorOps(object, before === 'none' ? null : Number(before)) : [];
    return { claim: { ...claim, fence: order.fence, released: true }, ops, annotations: { [floorKey]: null } };
  };
  await amend(site, ref, { doing, decide }, call);
}

function floorOps(object: JsonObject, minReplicas: number | null): readonly PatchOp[] {
  return setMembers(object, ['spec'], { minReplicas });
}

/** `null` without the right to do it. */
export async function unlessDenied<Answer>(act: () => Promise<Answer>): Promise<Answer | null> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof ProviderError && (error.code === 'denied' || error.code === 'missing')) return null;
    throw error;
  }
}
