import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createClock } from '../../providers/clock.ts';
import { createCluster } from '../../providers/cluster.ts';
import type { Target } from '../../providers/ports.ts';
import { grant } from '../../testbed/kubernetes/identity.ts';
import { deployment, httpRoute, service, startWorkload } from '../../testbed/kubernetes/workload.ts';
import { startRecorder } from '../../testbed/recorder.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { ownNamespace, sharedPlane } from './cluster.ts';
import { kubeconfigOf } from './kubeconfig.ts';
import { canaryOf, deploymentPath, planFor, releaseOf, routePath, targetFor } from './on-cluster.ts';

const plane = sharedPlane();
const { api } = plane;

async function found(target: Target, release: Parameters<Target['preflight']>[1], weights = [100, 10_000]) {
  const findings = await target.preflight(weights, release);
  return findings.map(({ level, code }) => `${level} ${code}`);
}

const folder = temporaryFolder('kubernetes-preflight');

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

  it('looks for Secrets and ConfigMaps that pods refer to, and at nothing in them', async () => {
    const recorder = await startRecorder({
      upstream: plane.access.server,
      tls: plane.certificate,
      logFile: join(folder, 'references.jsonl'),
    });
    const workload = await startWorkload(plane, namespace, 'refs', { labels: { release: 'v1' } });
    const path = deploymentPath(namespace, 'refs');
    const secret = (name: string, more: object = {}) => ({
      name,
      valueFrom: { secretKeyRef: { name, key: 'k', ...more } },
    });
    const pod = {
      containers: [{ name: 'app', env: [secret('there'), secret('gone'), secret('spare', { optional: true })] }],
      volumes: [
        { name: 'a', configMap: { name: 'settings' } },
        { name: 'b', projected: { sources: [{ secret: { name: 'gone' } }, { secret: { name: 'lost' } }] } },
      ],
    };
    const type = 'application/strategic-merge-patch+json';
    const json = { spec: { paused: false, template: { spec: pod } } };
    expect((await api.ask('PATCH', path, { json, type })).status).toBe(200);
    await api.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'there', namespace },
      stringData: { k: 'hunter2' },
    } as Parameters<typeof api.apply>[0]);
    const file = kubeconfigOf(plane, { ...plane.access, server: recorder.url });
    const cluster = createCluster({ kind: 'kubeconfig', path: file, context: null }, createClock());
    const target = targetFor(plane, planFor(workload), cluster);
    const findings = await target.preflight([100, 10_000], releaseOf(canaryOf(plane, workload)));
    const missing = findings.filter(({ code }) => code === 'kubernetes.reference').map(({ message }) => message);
    expect(missing.map((text) => text.split(' does not')[0]).toSorted()).toEqual([
      `ConfigMap ${namespace}/settings`,
      `Secret ${namespace}/gone`,
      `Secret ${namespace}/lost`,
    ]);
    const looks = recorder.entries().filter((one) => one.path.includes('/secrets/there'));
    expect(looks.map(({ status }) => status)).toEqual([200]);
    expect(looks[0]?.answerBody).toContain('PartialObjectMetadata');
    expect(JSON.stringify(recorder.entries())).not.toContain(Buffer.from('hunter2').toString('base64'));
    await recorder.stop();
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
