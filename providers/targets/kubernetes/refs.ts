/** Names of objects of the API, and the paths they are asked for under. */

import type { JsonObject } from './json.ts';
import { textAt } from './json.ts';

/** A kind of object. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
}

export interface Ref extends Resource {
  readonly namespace: string;
  readonly name: string;
}

const deployments = { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment' } as const;
const services = { group: '', version: 'v1', plural: 'services', kind: 'Service' } as const;

export const resources = {
  deployments,
  services,
  configmaps: { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap' },
  secrets: { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' },
  pods: { group: '', version: 'v1', plural: 'pods', kind: 'Pod' },
  slices: { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices', kind: 'EndpointSlice' },
  autoscalers: {
    group: 'autoscaling',
    version: 'v2',
    plural: 'horizontalpodautoscalers',
    kind: 'HorizontalPodAutoscaler',
  },
  budgets: { group: 'policy', version: 'v1', plural: 'poddisruptionbudgets', kind: 'PodDisruptionBudget' },
  httproutes: { group: 'gateway.networking.k8s.io', version: 'v1', plural: 'httproutes', kind: 'HTTPRoute' },
  grpcroutes: { group: 'gateway.networking.k8s.io', version: 'v1', plural: 'grpcroutes', kind: 'GRPCRoute' },
  ingresses: { group: 'networking.k8s.io', version: 'v1', plural: 'ingresses', kind: 'Ingress' },
  virtualservices: {
    group: 'networking.istio.io',
    version: 'v1',
    plural: 'virtualservices',
    kind: 'VirtualService',
  },
  reviews: {
    group: 'authorization.k8s.io',
    version: 'v1',
    plural: 'selfsubjectaccessreviews',
    kind: 'SelfSubjectAccessReview',
  },
} as const satisfies Readonly<Record<string, Resource>>;

export function refTo(resource: Resource, namespace: string, name: string): Ref {
  const { group, version, plural, kind } = resource;
  return { group, version, plural, kind, namespace, name };
}

/** The ref of an object as it was read. */
export function refOf(resource: Resource, object: JsonObject): Ref {
  return refTo(resource, textAt(object, 'metadata', 'namespace') ?? '', textAt(object, 'metadata', 'name') ?? '');
}

export function apiVersion({ group, version }: Resource): string {
  return group === '' ? version : `${group}/${version}`;
}

/** `/apis/apps/v1/namespaces/chat/deployments`; without a namespace for what has none. */
export function collectionPath(resource: Resource, namespace: string | null): string {
  const root = resource.group === '' ? '/api' : '/apis';
  const inside = namespace === null ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}/${apiVersion(resource)}${inside}/${resource.plural}`;
}

export function objectPath(ref: Ref): string {
  return `${collectionPath(ref, ref.namespace)}/${encodeURIComponent(ref.name)}`;
}

/** In words, for people. */
export function nameOfRef({ kind, namespace, name }: Ref): string {
  return `${kind} ${namespace}/${name}`;
}

/** What stands beside an object of the owner's and is ours. */
export function companion(name: string): string {
  return `${name}-canary`;
}
