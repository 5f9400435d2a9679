import { describe, expect, it } from 'vitest';
import type { Target } from '../../providers/ports.ts';
import { grant } from '../../testbed/kubernetes/identity.ts';
import { deployment, httpRoute, service, startWorkload } from '../../testbed/kubernetes/workload.ts';
import { ownNamespace, sharedPlane } from './cluster.ts';
import { canaryOf, deploymentPath, planFor, releaseOf, routePath, targetFor } from './on-cluster.ts';

const plane = sharedPlane();
const { api } = plane;

async function found(target: Target, release: Parameters<Target['preflight']>[1], weights = [100, 10_000]) {
  const findings = await target.preflight(weights, release);
  return findings.map(({ level, code }) => `${level} ${code}`);
}

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
    await grant(api, { namespace, deployment: 'nobody' });
    const codes = await found(targetFor(plane, planFor(workload)), releaseOf(workload.stable));
    expect(codes.toSorted()).toEqual([
      'problem kubernetes.missing',
      'problem kubernetes.missing',
      'problem kubernetes.route',
    ]);
  });
});
