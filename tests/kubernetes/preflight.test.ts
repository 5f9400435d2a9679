import { describe, expect, it } from 'vitest';
import { createClock } from '../../providers/clock.ts';
import { createCluster } from '../../providers/cluster.ts';
import type { Target } from '../../providers/ports.ts';
import { collectionPath } from '../../testbed/kubernetes/objects.ts';
import { deployment, httpRoute, referenceTo, service, startWorkload } from '../../testbed/kubernetes/workload.ts';
import { ownNamespace, sharedPlane } from './cluster.ts';
import { kubeconfigOf } from './kubeconfig.ts';
import { canaryOf, deploymentPath, orders, planFor, releaseOf, routePath, shift, targetFor } from './on-cluster.ts';

const plane = sharedPlane();
const { api } = plane;

async function found(target: Target, release: Parameters<Target['preflight']>[1], weights = [100, 10_000]) {
  const findings = await target.preflight(weights, release);
  return findings.map(({ level, code }) => `${level} ${code}`);
}

/** Somebody with these rules in one namespace and no others. */
async function identity(namespace: string, rules: readonly object[]): Promise<string> {
  const name = 'worker';
  await api.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } });
  const rbac = 'rbac.authorization.k8s.io/v1';
  const metadata = { namespace, name };
  await api.apply({ apiVersion: rbac, kind: 'Role', metadata, rules } as Parameters<typeof api.apply>[0]);
  await api.apply({
    apiVersion: rbac,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', namespace, name }],
  } as Parameters<typeof api.apply>[0]);
  const path = `${collectionPath('v1', 'ServiceAccount', namespace)}/${name}/token`;
  const answer = await api.create<{ status: { token: string } }>(path, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 3_600 },
  });
  return kubeconfigOf(plane, { ...plane.access, token: answer.status.token });
}

const rule = (group: string, resource: string, verbs: readonly string[], ...resourceNames: readonly string[]) => ({
  apiGroups: [group],
  resources: [resource],
  verbs,
  ...(resourceNames.length > 0 && { resourceNames }),
});

const least = [
  rule('apps', 'deployments', ['get', 'patch'], 'web', 'web-canary'),
  rule('apps', 'deployments', ['create', 'delete'], 'web-canary'),
  rule('', 'services', ['list']),
  rule('', 'services', ['get'], 'web', 'web-canary'),
  rule('', 'services', ['create', 'patch', 'delete'], 'web-canary'),
  rule('', 'pods', ['list']),
  rule('discovery.k8s.io', 'endpointslices', ['list']),
  rule('policy', 'poddisruptionbudgets', ['list']),
  rule('autoscaling', 'horizontalpodautoscalers', ['list', 'patch']),
  rule('gateway.networking.k8s.io', 'httproutes', ['get', 'patch'], 'web'),
];

describe('preflight', () => {
  const namespace = ownNamespace(plane, 'preflight');

  it('finds nothing wrong with a Deployment behind a Gateway', async () => {
    const workload = await startWorkload(plane, namespace, 'web', { labels: { release: 'v1' } });
    const target = targetFor(plane, planFor(workload));
    expect(await found(target, releaseOf(canaryOf(plane, workload)))).toEqual([]);
  });

  it('tells everything that is wrong at once', async () => {
    const workload = await startWorkload(plane, namespace, 'odd', { labels: { release: 'v1' } });
    const { name } = workload;
    await api.apply(service(namespace, 'odd-canary', 'somebody'));
    await api.apply(deployment({ namespace, name: 'odd-canary', image: 'registry.example/x:v1', replicas: 0 }));
    await api.apply(httpRoute(namespace, name, workload.host, { other: 1, odd: 1 }));
    const argo = { 'argocd.argoproj.io/tracking-id': 'x' };
    await api.merge(deploymentPath(namespace, name), { metadata: { annotations: { ...argo, 'sluice/claim': '?' } } });
    await api.merge(routePath(namespace, name), { metadata: { annotations: argo } });
    const target = targetFor(plane, planFor(workload, { container: 'app' }));
    const findings = await found(target, { ...releaseOf(canaryOf(plane, workload)), label: 'v 2' });
    expect(findings.filter((one) => !one.endsWith('not-accepted')).toSorted()).toEqual([
      'problem kubernetes.damaged-claim',
      'problem kubernetes.gitops-route',
      'problem kubernetes.gitops-workload',
      'problem kubernetes.label',
      'problem kubernetes.taken',
      'problem kubernetes.taken',
      'problem kubernetes.weights',
    ]);
  });

  it('says of what is not there that it is not', async () => {
    const workload = {
      namespace,
      name: 'nobody',
      host: 'x',
      stable: canaryOf(plane, { namespace, name: 'nobody' } as never),
    };
    const codes = await found(targetFor(plane, planFor(workload)), releaseOf(workload.stable));
    expect(codes.toSorted()).toEqual([
      'problem kubernetes.missing',
      'problem kubernetes.missing',
      'problem kubernetes.route',
    ]);
  });
});

describe('an identity', () => {
  const namespace = ownNamespace(plane, 'rights');
  const clusterAs = (file: string) => createCluster({ kind: 'kubeconfig', path: file, context: null }, createClock());

  it('without a right is told the rule that gives it', async () => {
    const workload = await startWorkload(plane, namespace, 'web', { labels: { release: 'v1' } });
    const lacking = least.filter(({ resources, verbs }) => !(resources[0] === 'httproutes' && verbs.includes('patch')));
    const file = await identity(namespace, lacking);
    const target = targetFor(plane, planFor(workload), clusterAs(file));
    const findings = await target.preflight([100, 10_000], releaseOf(canaryOf(plane, workload)));
    expect(findings.map(({ code }) => code)).toEqual(['kubernetes.rights', 'kubernetes.rights']);
    expect(findings[1]?.message).toBe(
      `We may not patch httproutes web in namespace ${namespace}; its Role needs - { apiGroups: ["gateway.networking.k8s.io"], resources: [httproutes], resourceNames: [web], verbs: [patch] }.`,
    );
  });

  it('with just those rules carries a release through and leaves nothing behind', async () => {
    const workload = await startWorkload(plane, namespace, 'web', { labels: { release: 'v1' } });
    const canary = canaryOf(plane, workload);
    const file = await identity(namespace, least);
    const target = targetFor(plane, planFor(workload), clusterAs(file));
    expect(await found(target, releaseOf(canary))).toEqual([]);
    const { next } = orders(namespace, releaseOf(workload.stable), releaseOf(canary));
    await target.deploy(next());
    await shift(target, next, 10_000);
    await target.promote(next());
    await target.retire(next(), releaseOf(workload.stable));
    expect(await api.find(deploymentPath(namespace, 'web-canary'))).toBeNull();
    const { spec } = await api.read<{ spec: { template: { spec: { containers: readonly { image: string }[] } } } }>(
      deploymentPath(namespace, 'web'),
    );
    expect(spec.template.spec.containers[0]?.image).toBe(referenceTo(canary));
  });
});
