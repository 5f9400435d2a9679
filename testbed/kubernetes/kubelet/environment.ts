/** The environment variables of a container, read from the API at each start as a kubelet does. */

import type { KubeApi } from '../api.ts';
import { collectionPath } from '../objects.ts';
import type { ContainerSpec, EnvSpec, Pod } from './pod.ts';

interface Data {
  readonly data?: Readonly<Record<string, string>>;
}

/** Throws with a kubelet's own words when a map or a key is missing. */
export async function environmentOf(
  api: KubeApi,
  pod: Pod,
  address: string,
  container: ContainerSpec,
): Promise<Record<string, string>> {
  const { namespace } = pod.metadata;
  const configMap = (name: string, optional?: boolean) => read(api, namespace, 'ConfigMap', name, optional);
  const secret = async (name: string, optional?: boolean) =>
    Object.fromEntries(
      Object.entries(await read(api, namespace, 'Secret', name, optional)).map(([key, value]) => {
        return [key, Buffer.from(value, 'base64').toString('utf8')];
      }),
    );
  const environment: Record<string, string> = {};
  for (const { configMapRef: map, secretRef } of container.envFrom ?? []) {
    if (map !== undefined) Object.assign(environment, await configMap(map.name, map.optional));
    if (secretRef !== undefined) Object.assign(environment, await secret(secretRef.name, secretRef.optional));
  }
  for (const variable of container.env ?? []) {
    const { configMapKeyRef: key, secretKeyRef, fieldRef } = variable.valueFrom ?? {};
    const value =
      key !== undefined
        ? keyOf(await configMap(key.name, key.optional), key, `ConfigMap ${namespace}/${key.name}`)
        : secretKeyRef !== undefined
          ? keyOf(
              await secret(secretKeyRef.name, secretKeyRef.optional),
              secretKeyRef,
              `Secret ${namespace}/${secretKeyRef.name}`,
            )
          : fieldRef !== undefined
            ? fieldOf(pod, address, fieldRef.fieldPath)
            : plain(variable);
    if (value !== null) environment[variable.name] = value;
  }
  return environment;
}

const plain = ({ value }: EnvSpec) => value ?? '';

async function read(api: KubeApi, namespace: string, kind: string, name: string, optional = false) {
  const found = await api.find<Data>(`${collectionPath('v1', kind, namespace)}/${name}`);
  if (found === null && !optional) throw new Error(`${kind.toLowerCase()} "${name}" not found`);
  return found?.data ?? {};
}

function keyOf(
  data: Readonly<Record<string, string>>,
  { key, optional }: { readonly key: string; readonly optional?: boolean },
  where: string,
): string | null {
  const value = data[key];
  if (value === undefined && optional !== true) throw new Error(`couldn't find key ${key} in ${where}`);
  return value ?? null;
}

function fieldOf(pod: Pod, address: string, path: string): string {
  switch (path) {
    case 'metadata.name':
      return pod.metadata.name;
    case 'metadata.namespace':
      return pod.metadata.namespace;
    case 'metadata.uid':
      return pod.metadata.uid;
    case 'status.podIP':
      return address;
    default: {
      const label = /^metadata\.labels\['(.+)'\]$/.exec(path)?.[1];
      return label === undefined ? '' : (pod.metadata.labels?.[label] ?? '');
    }
  }
}
