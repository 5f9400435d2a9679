/** The canary's Deployment and Service, made after stable's as they live. */

import type { JsonValue } from '../../../plan/plan.ts';
import type { Release } from '../../../plan/release.ts';
import type { KubernetesTargetPlan } from '../../../plan/target.ts';
import { imageOf } from './image.ts';
import { isObject, type JsonObject, listAt, objectsAt, textAt, textsAt, without, at } from './json.ts';
import { apart, apartBy, type Labels, selectingApart, selectorOf } from './labels.ts';
import { companion } from './refs.ts';
import { labelsFor } from './workload.ts';

/** By these, tools that own stable would take our objects for theirs, and prune them. */
const tracking = [
  /^argocd\.argoproj\.io\//,
  /^kustomize\.toolkit\.fluxcd\.io\//,
  /^helm\.toolkit\.fluxcd\.io\//,
  /^app\.kubernetes\.io\/managed-by$/,
  /^helm\.sh\//,
];

/**
 * By this one too, where Argo CD tracks by label. On pods it stays, where Services and metrics select by it: what has an owner
 * is never pruned.
 */
const trackingObjects = [...tracking, /^app\.kubernetes\.io\/instance$/];

/** Bodies without claim, to be created under the companions' names. */
export interface Clones {
  readonly deployment: JsonObject;
  readonly service: JsonObject;
}

export function clonesFor(
  plan: KubernetesTargetPlan,
  stable: { readonly deployment: JsonObject; readonly service: JsonObject },
  release: Release,
  replicas: number,
): Clones {
  const keys = apartBy(plan, stable.deployment, stable.service);
  return {
    deployment: deploymentFor(plan, stable.deployment, { keys, release, replicas }),
    service: serviceFor(stable.service, keys),
  };
}

interface Making {
  readonly keys: readonly string[];
  readonly release: Release;
  readonly replicas: number;
}

function deploymentFor(
  plan: KubernetesTargetPlan,
  stable: JsonObject,
  { keys, release, replicas }: Making,
): JsonObject {
  const selector = selectorOf(stable);
  const spec = at(stable, 'spec');
  return {
    metadata: {
      name: companion(plan.deployment),
      labels: own(apart(textsAt(stable, 'metadata', 'labels'), keys), trackingObjects),
    },
    spec: {
      ...without(isObject(spec) ? spec : {}, 'replicas', 'selector', 'template', 'paused'),
      replicas,
      selector: { matchLabels: apart(selector, keys) },
      template: templateFor(plan, stable, keys, imageOf(release), labelsFor(plan, release)),
    },
  };
}

/** Stable's own template with the release in it, set apart. */
export function templateFor(
  plan: KubernetesTargetPlan,
  stable: JsonObject,
  keys: readonly string[],
  image: string,
  labels: Labels,
): JsonObject {
  const found = at(stable, 'spec', 'template');
  const template = isObject(found) ? found : {};
  const metadata = isObject(template['metadata']) ? template['metadata'] : {};
  const podLabels = textsAt(template, 'metadata', 'labels');
  const spec = isObject(template['spec']) ? template['spec'] : {};
  const settled: Record<string, JsonValue> = { ...spec, containers: withImage(spec, plan.container, image) };
  for (const name of ['topologySpreadConstraints', 'affinity']) {
    const rules = spec[name];
    if (rules !== undefined) settled[name] = selectingApart(rules, podLabels, keys);
  }
  const ours = { ...own(apart(podLabels, keys), tracking), ...labels };
  return { ...template, metadata: { ...without(metadata, 'creationTimestamp'), labels: ours }, spec: settled };
}

function withImage(spec: JsonObject, container: string, image: string): readonly JsonValue[] {
  return objectsAt(spec, 'containers').map((one) => (one['name'] === container ? { ...one, image } : one));
}

function own(labels: Labels, foreign: readonly RegExp[]): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !foreign.some((one) => one.test(key))));
}

/** The same ports to the canary's pods; nothing of it is reachable from outside the cluster. */
function serviceFor(stable: JsonObject, keys: readonly string[]): JsonObject {
  const ports = listAt(stable, 'spec', 'ports')
    .filter(isObject)
    .map((port) => without(port, 'nodePort'));
  const isHeadless = at(stable, 'spec', 'clusterIP') === 'None';
  const kept = ['sessionAffinity', 'sessionAffinityConfig', 'publishNotReadyAddresses', 'trafficDistribution'] as const;
  const same = kept.flatMap((name) => {
    const value = at(stable, 'spec', name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const name = companion(textAt(stable, 'metadata', 'name') ?? '');
  return {
    metadata: { name, labels: own(apart(textsAt(stable, 'metadata', 'labels'), keys), trackingObjects) },
    spec: {
      type: 'ClusterIP',
      ports,
      selector: apart(textsAt(stable, 'spec', 'selector'), keys),
      ...Object.fromEntries(same),
      ...(isHeadless && { clusterIP: 'None' }),
    },
  };
}
