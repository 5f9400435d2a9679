/** From what the operator wrote about a cluster to what the target needs of it. */

import type { KubernetesTargetPlan } from '../plan/target.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Cluster, ClusterAccess } from '../providers/ports.ts';
import type { KubernetesSite } from '../providers/targets/kubernetes/connection.ts';
import type { KubernetesConnection } from '../spec/worker-config.ts';

/** Throws `ProviderError` `denied` when the operator does not let specs name the namespace. */
export function kubernetesSiteOf(
  { kubeconfig, context, namespaces, ...connection }: KubernetesConnection,
  plan: Pick<KubernetesTargetPlan, 'connection' | 'namespace'>,
  cluster: (access: ClusterAccess) => Cluster,
): KubernetesSite {
  if (namespaces !== null && !namespaces.includes(plan.namespace)) {
    const detail = `connection ${plan.connection} is for ${namespaces.join(', ')}`;
    throw new ProviderError({ code: 'denied', doing: `use namespace ${plan.namespace}`, detail });
  }
  return { ...connection, cluster: cluster(accessOf({ kubeconfig, context })) };
}

export function accessOf({ kubeconfig, context }: Pick<KubernetesConnection, 'kubeconfig' | 'context'>): ClusterAccess {
  return kubeconfig === null ? { kind: 'in-cluster' } : { kind: 'kubeconfig', path: kubeconfig, context };
}
