/** Who Sluice is on a plane, and what it may do there: exactly by the manifests that users apply, `k8s/rbac`. */

import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { inProject } from '../root.ts';
import type { ClusterAccess, KubeApi } from './api.ts';
import { collectionPath, type KubeObject } from './objects.ts';

/** In the manifests, to be replaced. */
export interface Granted {
  readonly namespace: string;
  readonly deployment: string;
  /** @default the Deployment's */
  readonly service?: string;
  readonly autoscaler?: string;
  /** Of the route, Ingress or VirtualService. */
  readonly route?: string;
  /** A ConfigMap with kill switches. @default 'flags' */
  readonly config?: string;
}

const account = { namespace: 'sluice', name: 'worker' };
/** A kill switch of the testbed's releases. */
const killSwitch = 'SMART_MODE_ENABLED';
const perService = ['service', 'route-gateway-api', 'route-nginx', 'route-istio'];

/** Once for a plane: the service account and its admission policies; returns who it is. */
export async function admitWorker(api: KubeApi): Promise<ClusterAccess> {
  for (const object of [...manifest('identity'), ...manifest('admission')]) await api.apply(object);
  const path = `${collectionPath('v1', 'ServiceAccount', account.namespace)}/${account.name}/token`;
  const { status } = await api.create<{ status: { token: string } }>(path, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 24 * 3_600 },
  });
  return { ...api.access, token: status.token };
}

/** The rights for one service. */
export async function grant(api: KubeApi, granted: Granted): Promise<void> {
  for (const file of perService) for (const object of manifest(file, granted)) await api.apply(object);
}

/** A manifest with the kill switch that the testbed's releases have, as its user names his. */
export function naming(text: string): string {
  return text.replaceAll("name: switches, expression: '[]'", `name: switches, expression: "['${killSwitch}']"`);
}

/** Objects of a manifest, with a service's names in it. */
export function manifest(file: string, granted?: Granted): readonly KubeObject[] {
  const text = naming(readFileSync(inProject('k8s', 'rbac', `${file}.yaml`), 'utf8'));
  return parseAllDocuments(granted === undefined ? text : named(text, granted)).map(
    (document) => document.toJS() as KubeObject,
  );
}

function named(text: string, { namespace, deployment, ...others }: Granted): string {
  const { service = deployment, autoscaler = deployment, route = deployment, config = 'flags' } = others;
  return text
    .replaceAll('my-namespace', namespace)
    .replaceAll('my-deployment', deployment)
    .replaceAll('my-service', service)
    .replaceAll('my-autoscaler', autoscaler)
    .replaceAll('my-config', config)
    .replaceAll(/my-(?:route|ingress|virtual-service)/g, route);
}
