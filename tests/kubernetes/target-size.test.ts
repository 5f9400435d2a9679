import { describe, expect, it } from 'vitest';
import { toZero } from '../../activities/to-zero.ts';
import { createClock } from '../../providers/clock.ts';
import { collectionPath } from '../../testbed/kubernetes/objects.ts';
import { rolledOut, startWorkload } from '../../testbed/kubernetes/workload.ts';
import { waitFor } from '../../testbed/wait.ts';
import { ownNamespace, sharedPlane } from './cluster.ts';
import { canaryOf, codeOf, deploymentPath, orders, planFor, releaseOf, shift, targetFor } from './on-cluster.ts';

const plane = sharedPlane();
const { api } = plane;
const clock = createClock();

interface Autoscaler {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly minReplicas: number;
    readonly maxReplicas: number;
    readonly scaleTargetRef: { readonly name: string };
    readonly metrics?: unknown;
  };
}

interface Sized {
  readonly spec: { readonly replicas: number };
}

const metrics = [
  { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } },
];
const namespaces = Object.fromEntries(
  ['aborted', 'back', 'completed', 'theirs', 'rules'].map((what) => [what, ownNamespace(plane, `size-${what}`)]),
);

/** Three pods serve, and an autoscaler may take two of them away. */
async function world(what: string) {
  const namespace = namespaces[what] ?? '';
  const workload = await startWorkload(plane, namespace, 'web', { labels: { release: 'v1' }, replicas: 3 });
  const scalers = collectionPath('autoscaling/v2', 'HorizontalPodAutoscaler', namespace);
  await api.apply({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web', namespace },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 1,
      maxReplicas: 6,
      metrics,
    },
  } as Parameters<typeof api.apply>[0]);
  const canary = canaryOf(plane, workload);
  const target = targetFor(plane, planFor(workload));
  const { next, same } = orders(namespace, releaseOf(workload.stable), releaseOf(canary));
  return {
    namespace,
    workload,
    canary,
    target,
    next,
    same,
    scaler: () => api.read<Autoscaler>(`${scalers}/web`),
    ours: () => api.find<Autoscaler>(`${scalers}/web-canary`),
    merge: (change: unknown) => api.merge(`${scalers}/web`, change),
    size: async (name: string) => (await api.read<Sized>(deploymentPath(namespace, name))).spec.replicas,
    zero: () => toZero({ clock, target }, { order: next(), mayBeGone: false }, new AbortController().signal),
  };
}

/** As the owner wrote it, but for what is left of our claim. */
async function isGivenBack({ scaler, ours }: Pick<Awaited<ReturnType<typeof world>>, 'scaler' | 'ours'>, least = 1) {
  const { metadata, spec } = await scaler();
  expect(spec).toMatchObject({ minReplicas: least, maxReplicas: 6 });
  expect(metadata.annotations).not.toHaveProperty('sluice/min-replicas');
  expect(JSON.parse(metadata.annotations?.['sluice/claim'] ?? '')).toMatchObject({ released: true });
  expect(await ours()).toBeNull();
}

describe.concurrent('the size of stable', () => {
  it('is held from the first pod of the canary on, and free again when the rollout is aborted', async () => {
    const it = await world('aborted');
    const { target, next, same, canary, scaler, ours, size } = it;
    await target.deploy(next());
    expect((await scaler()).spec.minReplicas).toBe(3);
    expect((await ours())?.spec).toMatchObject({
      scaleTargetRef: { name: 'web-canary' },
      minReplicas: 1,
      maxReplicas: 6,
      metrics,
    });
    // A small load, or a person, would make it smaller.
    await api.merge(deploymentPath(it.namespace, 'web'), { spec: { replicas: 1 } });
    await waitFor(async () => (await size('web')) === 3, { for: 'the floor to hold', withinMs: 90_000 });
    await rolledOut(api, it.namespace, 'web', 60_000);
    const late = same();
    expect(await it.zero()).toMatchObject({ kind: 'zero', fromBp: 0 });
    await target.restore(next());
    expect(await codeOf(target.retire(late, releaseOf(canary)))).toBe('fenced');
    expect((await scaler()).spec.minReplicas).toBe(3);
    await target.retire(next(), releaseOf(canary));
    await isGivenBack(it);
  });

  it('is held while the canary grows with its share, and free again when traffic came back', async () => {
    const it = await world('back');
    const { target, next, canary, ours, size } = it;
    await target.deploy(next());
    await shift(target, next, 5_000);
    expect([await size('web-canary'), (await ours())?.spec.minReplicas]).toEqual([2, 2]);
    expect(await it.zero()).toMatchObject({ kind: 'zero', fromBp: 5_000 });
    await target.restore(next());
    await target.retire(next(), releaseOf(canary));
    await isGivenBack(it);
    expect(await size('web')).toBe(3);
  });

  it('is free again when the release is stable', async () => {
    const it = await world('completed');
    const { target, next, workload, ours, scaler } = it;
    await target.deploy(next());
    await shift(target, next, 10_000);
    await target.promote(next());
    // The old release is warm in its place, all of it.
    expect([(await scaler()).spec.minReplicas, (await ours())?.spec.minReplicas]).toEqual([3, 4]);
    await target.retire(next(), releaseOf(workload.stable));
    await isGivenBack(it);
  });

  it('is left alone where its owner has set another floor meanwhile', async () => {
    const it = await world('theirs');
    const { target, next, canary, merge } = it;
    await target.deploy(next());
    await merge({ spec: { minReplicas: 2 } });
    await it.zero();
    await target.restore(next());
    await target.retire(next(), releaseOf(canary));
    await isGivenBack(it, 2);
  });
});

describe.concurrent('rules about pods', () => {
  it('of stable do not count those of the canary, or preflight says which do', async () => {
    const namespace = namespaces['rules'] ?? '';
    const spread = (labels: Readonly<Record<string, string>>) => ({
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'kubernetes.io/hostname',
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels: labels },
        },
      ],
      affinity: {
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            {
              weight: 1,
              podAffinityTerm: { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels } },
            },
          ],
        },
      },
    });
    const workload = await startWorkload(plane, namespace, 'web', {
      labels: { release: 'v1', team: 'a' },
      replicas: 1,
    });
    await api.merge(deploymentPath(namespace, 'web'), {
      spec: { template: { spec: spread({ app: 'web', team: 'a' }) } },
    });
    await rolledOut(api, namespace, 'web', 60_000);
    for (const [name, matchLabels] of [
      ['of-stable', { app: 'web' }],
      ['of-all', { team: 'a' }],
    ] as const) {
      await api.apply({
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name, namespace },
        spec: { minAvailable: 1, selector: { matchLabels } },
      } as Parameters<typeof api.apply>[0]);
    }
    const canary = canaryOf(plane, workload);
    const target = targetFor(plane, planFor(workload));
    const findings = await target.preflight([100, 10_000], releaseOf(canary));
    expect(findings.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      "warning: PodDisruptionBudget of-all would count the canary's pods: it may let nobody drain a node.",
    ]);
    const { next } = orders(namespace, releaseOf(workload.stable), releaseOf(canary));
    await target.deploy(next());
    const found = await api.read<{ spec: { template: { spec: ReturnType<typeof spread> } } }>(
      deploymentPath(namespace, 'web-canary'),
    );
    expect(found.spec.template.spec).toMatchObject(spread({ app: 'web-canary', team: 'a' }));
  });
});
