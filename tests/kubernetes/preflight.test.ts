import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createClock } from '../../providers/clock.ts';
import { createCluster } from '../../providers/cluster.ts';
import type { Target } from '../../providers/ports.ts';
import { grant } from '../../testbed/kubernetes/identity.ts';
import { deployment, httpRoute, service, startWorkload } from '../../testbed/kubernetes/workload.ts';
import { startRecorder } from '../../testbed/recorder.ts';
import { waitFor } from '../../testbed/wait.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { ownNamespace, sharedPlane } from './cluster.ts';
import { kubeconfigOf } from './kubeconfig.ts';
import { canaryOf, deploymentPath, orders, planFor, releaseOf, routePath, targetFor } from './on-cluster.ts';

const plane = sharedPlane();
const { api } = plane;

async function found(target: Target, release: Parameters<Target['preflight']>[1], weights = [100, 10_000]) {
  const findings = await target.preflight(weights, release);
  return findings.map(({ level, code }) => `${level} ${code}`);
}

interface Rule {
  readonly resourceNames: readonly string[];
}

/** More rights for Sluice's own identity, as an administrator pastes them. */
async function allow(namespace: string, name: string, rules: readonly Rule[]): Promise<void> {
  const [apiVersion, metadata] = ['rbac.authorization.k8s.io/v1', { namespace, name }];
  const objects = [
    { apiVersion, kind: 'Role', metadata, rules },
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', namespace: 'sluice', name: 'worker' }],
    },
  ];
  for (const object of objects) await api.apply(object);
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

  it('looks for Secrets and ConfigMaps that pods refer to where it may, and at nothing in them', async () => {
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
      imagePullSecrets: [{ name: 'there' }, { name: 'registry' }],
      volumes: [
        { name: 'a', configMap: { name: 'settings' } },
        { name: 'b', projected: { sources: [{ secret: { name: 'gone' } }, { secret: { name: 'lost' } }] } },
      ],
    };
    const type = 'application/strategic-merge-patch+json';
    expect((await api.ask('PATCH', path, { json: { spec: { template: { spec: pod } } }, type })).status).toBe(200);
    await api.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'there', namespace },
      stringData: { k: 'hunter2' },
    } as Parameters<typeof api.apply>[0]);
    const file = kubeconfigOf(plane, { ...plane.worker, server: recorder.url });
    const cluster = createCluster({ kind: 'kubeconfig', path: file, context: null }, createClock());
    const target = targetFor(plane, planFor(workload), cluster);
    const said = async () => {
      const findings = await target.preflight([100, 10_000], releaseOf(canaryOf(plane, workload)));
      return findings.filter(({ code }) => code.startsWith('kubernetes.reference'));
    };
    const looks = () => recorder.entries().filter(({ path: asked }) => /\/(?:secrets|configmaps)\//.test(asked));

    const unseen = await said();
    expect(unseen.map(({ level, code }) => `${level} ${code}`)).toEqual(
      Array(2).fill('warning kubernetes.reference-unseen'),
    );
    expect(looks()).toEqual([]); // what is denied is not tried
    const rules = unseen.map(
      ({ message }) => parse(/- (?<rule>\{[^}]*\})/.exec(message)?.groups?.['rule'] ?? '') as Rule,
    );
    expect(rules.map(({ resourceNames }) => resourceNames.toSorted())).toEqual([
      ['gone', 'lost', 'registry', 'there'],
      ['settings'],
    ]);

    await allow(namespace, 'references', rules);
    const seen = await waitFor(
      async () => {
        const findings = await said();
        return findings.every(({ code }) => code === 'kubernetes.reference') && findings;
      },
      { for: 'the API server to know the new rights', withinMs: 60_000 },
    );
    expect(seen.map(({ level, message }) => `${level} ${message.split(' does not')[0]}`).toSorted()).toEqual([
      `problem ConfigMap ${namespace}/settings`,
      `problem Secret ${namespace}/gone`,
      `problem Secret ${namespace}/lost`,
      `warning Secret ${namespace}/registry`,
    ]);
    const there = looks().filter(({ path: asked }) => asked.endsWith('/secrets/there'));
    expect(new Set(there.map(({ status }) => status))).toEqual(new Set([200]));
    expect(there[0]?.answerBody).toContain('PartialObjectMetadata');
    expect(JSON.stringify(recorder.entries())).not.toContain(Buffer.from('hunter2').toString('base64'));
    await recorder.stop();
  });

  it('refuses a stable that is named by a tag, which may mean something else on the way back', async () => {
    const workload = await startWorkload(plane, namespace, 'tagged', { labels: { release: 'v1' } });
    const { name, stable } = workload;
    const image = `${stable.repository}:v1`;
    await api.apply(deployment({ namespace, name, image, labels: { release: 'v1' } }));
    const findings = await targetFor(plane, planFor(workload)).preflight(
      [10_000],
      releaseOf(canaryOf(plane, workload)),
    );
    expect(findings.map(({ level, code }) => `${level} ${code}`)).toEqual(['problem kubernetes.tag']);
    expect(findings[0]?.message).toContain(`runs ${image}, which names no digest`);
    expect(findings[0]?.message).toContain(`Deploy it as ${stable.repository}@sha256:… first`);
  });

  it('warns of the label by which Argo CD may track, until its owner says that it leaves the weights alone', async () => {
    const workload = await startWorkload(plane, namespace, 'chart', { labels: { release: 'v1' } });
    const paths = [deploymentPath(namespace, 'chart'), routePath(namespace, 'chart')];
    const all = (metadata: object) => Promise.all(paths.map((path) => api.merge(path, { metadata })));
    const [direct, byGit] = [
      targetFor(plane, planFor(workload)),
      targetFor(plane, planFor(workload, { promotion: 'gitops' })),
    ];
    const release = releaseOf(canaryOf(plane, workload));
    await all({ labels: { 'app.kubernetes.io/instance': 'shop' } });
    expect(await found(direct, release)).toEqual(Array(2).fill('warning kubernetes.gitops-label'));
    expect(await found(byGit, release)).toEqual(['warning kubernetes.gitops-label']);
    await all({ annotations: { 'meta.helm.sh/release-name': 'shop' } }); // Helm's own, not Argo CD's
    expect(await found(direct, release)).toEqual([]);
    await all({ annotations: { 'meta.helm.sh/release-name': null, 'sluice/gitops': 'ignored' } });
    expect(await found(direct, release)).toEqual([]);
  });

  it('tries a kill switch on both Deployments without turning it', async () => {
    const workload = await startWorkload(plane, namespace, 'switched', { labels: { release: 'v1' } });
    const target = targetFor(plane, planFor(workload));
    const release = releaseOf(canaryOf(plane, workload));
    const check = async (env: string) => {
      const place = { kind: 'kubernetes-env', deployments: ['stable', 'canary'], container: null, env } as const;
      return (await target.switches?.check(place, 'false')) ?? [];
    };
    const specs = () =>
      Promise.all(
        ['switched', 'switched-canary'].map(async (name) => {
          const found = await api.find<{ metadata: { generation: number } }>(deploymentPath(namespace, name));
          return found?.metadata.generation;
        }),
      );
    const told = async () => {
      const before = await specs();
      const allowed = await check('SMART_MODE_ENABLED');
      expect(allowed.map(({ level, message }) => [level, message])).toEqual([
        ['warning', expect.stringContaining('has no SMART_MODE_ENABLED yet')],
      ]);
      const refused = (await check('UNNAMED')).filter(({ level }) => level === 'problem');
      expect(await specs()).toEqual(before);
      return refused.map(({ message }) => message);
    };
    const problems = [
      expect.stringMatching(/^UNNAMED of Deployment \S+\/switched could not be set: .*add 'UNNAMED' to its switches/),
      expect.stringMatching(
        /^UNNAMED of Deployment \S+\/switched-canary could not be set: .*canary's containers are stable's/,
      ),
    ];
    await waitFor(async () => (await check('UNNAMED')).some(({ message }) => message.includes('switched-canary')), {
      for: 'the policy about the canary to be in force',
      withinMs: 60_000,
    });
    expect(await told()).toEqual(problems);
    expect(await specs()).toEqual([1, undefined]);
    const { next } = orders(namespace, releaseOf(workload.stable), release);
    await target.deploy(next());
    expect(await told()).toEqual(problems); // the same where one is left over
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
