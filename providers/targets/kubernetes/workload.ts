/** A Deployment as a place where a release runs: which one, how far its rollout is, how many pods are ready. */

import type { Release } from '../../../plan/release.ts';
import { shortDigest } from '../../../plan/release.ts';
import type { KubernetesTargetPlan } from '../../../plan/target.ts';
import { partsOf } from './image.ts';
import { type JsonObject, numberAt, objectsAt, textAt, textsAt } from './json.ts';

/** `failed`: the controller gave up on it. */
export type Progress =
  | { readonly kind: 'done' }
  | { readonly kind: 'going'; readonly detail: string }
  | { readonly kind: 'failed'; readonly detail: string };

export interface Workload {
  readonly object: JsonObject;
  /** Image of the release's container as it is written; `null` when there is no such container. */
  readonly image: string | null;
  /** `null`: the image names no digest. */
  readonly release: Release | null;
  /** Pods that are asked for. */
  readonly replicas: number;
  readonly progress: Progress;
  /** All of its pods are of its present template: none of an older one may be counted for it. */
  readonly pure: boolean;
}

export function workloadOf(plan: KubernetesTargetPlan, object: JsonObject): Workload {
  const image = containerOf(object, plan.container);
  return {
    object,
    image,
    release: image === null ? null : releaseOf(plan, object, image),
    replicas: numberAt(object, 'spec', 'replicas') ?? 1,
    progress: progressOf(object),
    pure: isPure(object),
  };
}

export function containersOf(deployment: JsonObject): readonly JsonObject[] {
  return objectsAt(deployment, 'spec', 'template', 'spec', 'containers');
}

function containerOf(deployment: JsonObject, name: string): string | null {
  const found = containersOf(deployment).find((container) => container['name'] === name);
  return textAt(found, 'image');
}

function releaseOf(plan: KubernetesTargetPlan, object: JsonObject, image: string): Release | null {
  const { name, digest, tag } = partsOf(image);
  if (digest === null) return null;
  const labels = textsAt(object, 'spec', 'template', 'metadata', 'labels');
  const said = labelKeyOf(plan);
  const label = (said === null ? undefined : labels[said]) ?? tag ?? shortDigest(digest).slice('sha256:'.length);
  return { digest, label, image: name };
}

/** The pod label that is the release's label; `null` when the plan has none. */
export function labelKeyOf({ labels }: KubernetesTargetPlan): string | null {
  return Object.entries(labels).find(([, value]) => value === '{{release.label}}')?.[0] ?? null;
}

/** The plan's pod labels for one release. */
export function labelsFor({ labels }: KubernetesTargetPlan, { label }: Release): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(labels).map(([key, value]) => [key, value.replaceAll('{{release.label}}', label)]),
  );
}

function isPure(object: JsonObject): boolean {
  const count = (name: string): number => numberAt(object, 'status', name) ?? 0;
  const isSeen = count('observedGeneration') >= (numberAt(object, 'metadata', 'generation') ?? 0);
  return isSeen && count('replicas') <= count('updatedReplicas');
}

/** As `kubectl rollout status` has it. `Available` alone says nothing: the old pods are available too. */
function progressOf(object: JsonObject): Progress {
  const going = (detail: string): Progress => ({ kind: 'going', detail });
  const count = (name: string): number => numberAt(object, 'status', name) ?? 0;
  const wanted = numberAt(object, 'spec', 'replicas') ?? 1;
  if (count('observedGeneration') < (numberAt(object, 'metadata', 'generation') ?? 0)) {
    return going('its last change has not been taken up yet');
  }
  const [updated, all, available] = [count('updatedReplicas'), count('replicas'), count('availableReplicas')];
  if (updated >= wanted && all <= updated && available >= updated) return { kind: 'done' };
  const progressing = objectsAt(object, 'status', 'conditions').find(({ type }) => type === 'Progressing');
  if (textAt(progressing, 'reason') === 'ProgressDeadlineExceeded') {
    return { kind: 'failed', detail: `no progress before its deadline: ${available} of ${wanted} pods are available` };
  }
  if (updated < wanted) return going(`${updated} of ${wanted} pods are of the new template`);
  if (all > updated) return going(`${all - updated} pods of the old template are still there`);
  return going(`${available} of ${updated} pods are available`);
}
