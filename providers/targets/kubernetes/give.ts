/** Giving a Deployment a release: ours is created when it is not there, the owner's gets another image and labels. */

import { isDeepStrictEqual } from 'node:util';
import type { Release } from '../../../plan/release.ts';
import type { Order } from '../../../plan/target.ts';
import { ProviderError } from '../../errors.ts';
import type { Direction } from '../effects.ts';
import type { Call } from './api.ts';
import { admitted, amend } from './change.ts';
import { holdCanary } from './canary-autoscaler.ts';
import { claimKey, claimOn, nobodys, type StoredClaim, written } from './claim.ts';
import { clonesFor } from './clone.ts';
import { at, isObject, type JsonObject, numberAt, textAt, textsAt } from './json.ts';
import { selectorOf } from './labels.ts';
import { managerFor } from './made.ts';
import { type PatchOp, pointer, setMembers } from './patch.ts';
import { nameOfRef, type Ref } from './refs.ts';
import { planKey } from './found-plan.ts';
import type { Site } from './site.ts';
import { containersOf, labelsFor, type Workload, workloadOf } from './workload.ts';

export interface Gift {
  readonly order: Order;
  readonly claim: StoredClaim;
  readonly release: Release;
  /** At least so many pods. */
  readonly replicas: number;
  readonly direction: Extract<Direction, 'claim' | 'lower'>;
  readonly doing: string;
}

/** Our Deployment and Service, made after stable's as it is now, and set going by a second write that a late one cannot have; what is there already is changed only where it differs. */
export async function giveCanary(site: Site, gift: Gift, call: Call): Promise<void> {
  const { doing, release, replicas, claim, order } = gift;
  const [deployment, service] = await Promise.all([
    mustGet(site, site.deployments.stable, doing, call),
    mustGet(site, site.services.stable, doing, call),
  ]);
  const clones = clonesFor(site.plan, { deployment, service }, release, replicas);
  await Promise.all([
    created(site, site.services.canary, clones.service, gift, call),
    created(site, site.deployments.canary, clones.deployment, gift, call),
  ]);
  const ref = site.deployments.canary;
  const decide = (object: JsonObject) => {
    admitted(ref, object, order, { direction: gift.direction, done: false }, doing);
    const ops = differences(object, clones.deployment, replicas);
    return ops.length === 0 && claimOn(object)?.fence === order.fence ? null : { claim, ops };
  };
  await amend(site, ref, { doing, decide }, call);
  await holdCanary(site, { order, claim, direction: gift.direction, pods: replicas, doing }, call);
}

/**
 * Creates what is not there, a Deployment paused, so that it starts no pod and its progress deadline only begins when it is
 * set going; another rollout's or a stranger's object of that name is left alone and told.
 */
async function created(
  site: Site,
  ref: Ref,
  body: JsonObject,
  { claim, order, doing }: Gift,
  call: Call,
): Promise<void> {
  const there = await site.api.get(ref, call);
  if (there !== null) {
    mustBeOurs(ref, there, body, doing);
    return;
  }
  const [metadata, spec] = [objectAt(body, 'metadata'), objectAt(body, 'spec')];
  const annotations = { [claimKey]: written(nobodys(claim, order)), [planKey]: JSON.stringify(site.plan) };
  const object = {
    ...body,
    metadata: { ...metadata, annotations },
    ...(ref.kind === 'Deployment' && { spec: { ...spec, paused: true } }),
  };
  try {
    await site.api.create(ref, object, managerFor(order), call);
  } catch (error) {
    if (!(error instanceof ProviderError) || error.code !== 'conflict') throw error;
  }
}

function objectAt(object: JsonObject, key: string): JsonObject {
  const found = object[key];
  return isObject(found) ? found : {};
}

function mustBeOurs(ref: Ref, there: JsonObject, wanted: JsonObject, doing: string): void {
  const isService = ref.kind === 'Service';
  const isMarked = textAt(there, 'metadata', 'annotations', claimKey) !== null;
  // A Service that its owner made for our pods is as good as one of ours.
  if (isService && isDeepStrictEqual(textsAt(there, 'spec', 'selector'), textsAt(wanted, 'spec', 'selector'))) return;
  if (isMarked && !isService && isDeepStrictEqual(selectorOf(there), selectorOf(wanted))) return;
  const detail = isMarked
    ? `${nameOfRef(ref)} selects other pods than it has to: delete it, it is made anew`
    : `${nameOfRef(ref)} exists and is not ours: give it another name`;
  throw new ProviderError({ code: 'invalid', doing, detail });
}

/** Template and size, and that it goes on; never fewer pods. */
function differences(object: JsonObject, wanted: JsonObject, replicas: number): readonly PatchOp[] {
  const ops: PatchOp[] = [];
  const template = at(wanted, 'spec', 'template');
  if (template !== undefined && !isLike(at(object, 'spec', 'template'), template)) {
    ops.push({ op: 'replace', path: pointer('spec', 'template'), value: template });
  }
  if ((numberAt(object, 'spec', 'replicas') ?? 1) < replicas) {
    ops.push({ op: 'add', path: pointer('spec', 'replicas'), value: replicas });
  }
  if (at(object, 'spec', 'paused') === true) {
    ops.push({ op: 'replace', path: pointer('spec', 'paused'), value: false });
  }
  return ops;
}

function isLike(found: unknown, wanted: unknown): boolean {
  return isDeepStrictEqual(plain(found), plain(wanted));
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}

/** Stable's Deployment: image and labels of a release, nothing else of it. `image` as its owner wrote it. */
export async function giveStable(
  site: Site,
  gift: Omit<Gift, 'direction'> & { readonly direction: Direction; readonly image: string },
  mayReplace: (found: Workload) => void,
  call: Call,
): Promise<void> {
  const { order, claim, release, image, replicas, direction, doing } = gift;
  const ref = site.deployments.stable;
  const decide = (object: JsonObject) => {
    const found = workloadOf(site.plan, object);
    const isThere = found.release?.digest === release.digest;
    const isLarge = found.replicas >= replicas;
    const done = isThere && isLarge && claimOn(object)?.fence === order.fence;
    if (!admitted(ref, object, order, { direction, done }, doing)) return null;
    if (!isThere) mayReplace(found);
    const ops = isThere ? [] : releaseOps(site, object, release, image);
    const size: PatchOp = { op: 'add', path: pointer('spec', 'replicas'), value: replicas };
    return { claim, ops: isLarge ? ops : [...ops, size] };
  };
  const after = await amend(site, ref, { doing, decide }, call);
  if (after === null) throw new ProviderError({ code: 'missing', doing, detail: `${nameOfRef(ref)} does not exist` });
}

function releaseOps(site: Site, object: JsonObject, release: Release, image: string): readonly PatchOp[] {
  const index = containersOf(object).findIndex((container) => container['name'] === site.plan.container);
  const path = pointer('spec', 'template', 'spec', 'containers', index, 'image');
  const labels = setMembers(object, ['spec', 'template', 'metadata', 'labels'], labelsFor(site.plan, release));
  return [{ op: 'replace', path, value: image }, ...labels];
}

async function mustGet(site: Site, ref: Ref, doing: string, call: Call): Promise<JsonObject> {
  const found = await site.api.get(ref, call);
  if (found !== null) return found;
  throw new ProviderError({ code: 'missing', doing, detail: `${nameOfRef(ref)} does not exist` });
}
