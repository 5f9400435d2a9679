/** A service as its operator runs it on the cluster before Sluice comes: a namespace, a Deployment, a Service, a route, and rights for Sluice. */

import { createHash } from 'node:crypto';
import { waitFor } from '../wait.ts';
import type { KubeApi } from './api.ts';
import { gateway } from './data-plane.ts';
import { grant } from './identity.ts';
import type { Behaviour, Image } from './images.ts';
import { collectionPath, type KubeObject } from './objects.ts';
import type { Plane } from './plane.ts';

export const routeApi = 'gateway.networking.k8s.io/v1';
const port = 8080;

/** Image of a release, with a digest that is the same for the same app and label. */
export function imageOf(app: string, label: string, behaviour: Behaviour & Pick<Image, 'pullMs' | 'tags'> = {}): Image {
  const digest = `sha256:${createHash('sha256').update(`${app}:${label}`).digest('hex')}`;
  return { app, label, digest, repository: `registry.example/${app}`, ...behaviour };
}

/** Image of a service's release, in the repository that has the service's name. */
export function imageFor({ namespace, name }: Pick<Workload, 'namespace' | 'name'>, label: string): Image {
  return { ...imageOf(`${namespace}-${name}`, label), repository: `registry.example/${name}` };
}

export const referenceTo = ({ repository, digest }: Image): string => `${repository}@${digest}`;

export interface DeploymentOptions {
  readonly name: string;
  readonly namespace: string;
  /** Image reference, as a rule with a digest. */
  readonly image: string;
  /** @default 2 */
  readonly replicas?: number;
  /** Selector and pod label `app`. @default the name */
  readonly app?: string;
  /** More labels for its pods. */
  readonly labels?: Readonly<Record<string, string>>;
  /** More of the container's spec. */
  readonly container?: Readonly<Record<string, unknown>>;
  /** More of its pods' spec. */
  readonly pod?: Readonly<Record<string, unknown>>;
  /** More of the Deployment's spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

export function deployment(options: DeploymentOptions): KubeObject & { readonly spec: unknown } {
  const {
    name,
    namespace,
    image,
    replicas = 2,
    app = name,
    labels = {},
    container = {},
    pod = {},
    spec = {},
  } = options;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels: { app } },
    spec: {
      replicas,
      selector: { matchLabels: { app } },
      template: {
        metadata: { labels: { app, ...labels } },
        spec: {
          automountServiceAccountToken: false,
          containers: [
            {
              name: 'app',
              image,
              ports: [{ name: 'http', containerPort: port }],
              readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 1, failureThreshold: 1 },
              ...container,
            },
          ],
          ...pod,
        },
      },
      ...spec,
    },
  };
}

export function service(namespace: string, name: string, app = name): KubeObject & { readonly spec: unknown } {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector: { app }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  };
}

/** Services and their weights behind one host name. */
export function httpRoute(
  namespace: string,
  name: string,
  host: string,
  weights: Readonly<Record<string, number>>,
): KubeObject & { readonly spec: unknown } {
  return {
    apiVersion: routeApi,
    kind: 'HTTPRoute',
    metadata: { name, namespace },
    spec: {
      parentRefs: [{ name: gateway.name, namespace: gateway.namespace }],
      hostnames: [host],
      rules: [{ backendRefs: Object.entries(weights).map(([to, weight]) => ({ name: to, port: 80, weight })) }],
    },
  };
}

export interface DeploymentStatus {
  readonly metadata: { readonly generation: number };
  readonly spec: { readonly replicas: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
  };
}

/** Waits as `kubectl rollout status` does. */
export async function rolledOut(api: KubeApi, namespace: string, name: string, withinMs = 30_000): Promise<void> {
  const path = `${collectionPath('apps/v1', 'Deployment', namespace)}/${name}`;
  await waitFor(
    async () => {
      const { metadata, spec, status = {} } = await api.read<DeploymentStatus>(path);
      const { observedGeneration = 0, replicas, updatedReplicas, availableReplicas } = status;
      if (observedGeneration < metadata.generation) return false;
      return [replicas, updatedReplicas, availableReplicas].every((count) => (count ?? 0) === spec.replicas);
    },
    { for: `Deployment ${namespace}/${name} to be rolled out`, withinMs, everyMs: 50 },
  );
}

interface Slices {
  readonly items: readonly { readonly endpoints?: readonly { readonly conditions?: { readonly ready?: boolean } }[] }[];
}

/** Waits until so many pods stand behind a Service. */
async function served(api: KubeApi, namespace: string, name: string, pods: number): Promise<void> {
  const slices = collectionPath('discovery.k8s.io/v1', 'EndpointSlice', namespace);
  await waitFor(
    async () => {
      const { items } = await api.read<Slices>(`${slices}?labelSelector=kubernetes.io/service-name%3D${name}`);
      const ready = items.flatMap(({ endpoints }) => endpoints ?? []).filter((one) => one.conditions?.ready === true);
      return ready.length >= pods;
    },
    { for: `${pods} pods behind Service ${namespace}/${name}`, withinMs: 60_000, everyMs: 50 },
  );
}

export interface RouteCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
}

export interface RouteStatus {
  readonly metadata: { readonly generation: number; readonly resourceVersion: string };
  readonly status?: { readonly parents?: readonly { readonly conditions: readonly RouteCondition[] }[] };
}

/** Waits until the Gateway has looked at the route's newest generation; returns what it says. */
export async function routeSeen(api: KubeApi, namespace: string, name: string): Promise<readonly RouteCondition[]> {
  const path = `${collectionPath(routeApi, 'HTTPRoute', namespace)}/${name}`;
  return waitFor(
    async () => {
      const { metadata, status } = await api.read<RouteStatus>(path);
      const conditions = (status?.parents ?? []).flatMap((parent) => parent.conditions);
      const seen = conditions.length > 0 && conditions.every((one) => one.observedGeneration >= metadata.generation);
      return seen && conditions;
    },
    { for: `the Gateway to look at HTTPRoute ${namespace}/${name}` },
  );
}

export interface Workload {
  readonly namespace: string;
  readonly name: string;
  /** Host name of its route. */
  readonly host: string;
  /** The release that serves. */
  readonly stable: Image;
}

/** A namespace of its own with release `v1` serving behind the Gateway. Names of Deployment, Service and route are the app's. */
export async function startWorkload(
  plane: Pick<Plane, 'api' | 'images'>,
  namespace: string,
  name: string,
  options: Omit<DeploymentOptions, 'name' | 'namespace' | 'image'> = {},
): Promise<Workload> {
  const { api, images } = plane;
  const stable = imageFor({ namespace, name }, 'v1');
  const host = `${name}.${namespace}.test`;
  images.push(stable);
  await api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  await api.apply(deployment({ ...options, namespace, name, image: referenceTo(stable) }));
  await api.apply(service(namespace, name, options.app));
  await api.apply(httpRoute(namespace, name, host, { [name]: 1 }));
  await grant(api, { namespace, deployment: name });
  await rolledOut(api, namespace, name, 90_000);
  await served(api, namespace, name, options.replicas ?? 2);
  await routeSeen(api, namespace, name);
  return { namespace, name, host, stable };
}
