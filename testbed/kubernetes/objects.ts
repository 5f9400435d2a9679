/** Kubernetes objects as plain JSON, and where the API keeps each kind. */

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
}

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
}

/** Kinds whose plural is not made by an `s`. */
const plurals: Readonly<Record<string, string>> = {
  Ingress: 'ingresses',
  GatewayClass: 'gatewayclasses',
  HTTPProxy: 'httpproxies',
  ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
};

/** Path of the collection that a kind lives in. */
export function collectionPath(apiVersion: string, kind: string, namespace?: string): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const place = namespace === undefined ? '' : `/namespaces/${namespace}`;
  return `${root}${place}/${plurals[kind] ?? `${kind.toLowerCase()}s`}`;
}

export function objectPath({ apiVersion, kind, metadata }: KubeObject): string {
  return `${collectionPath(apiVersion, kind, metadata.namespace)}/${metadata.name}`;
}
