import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../../../../plan/plan.ts';
import type { KubernetesTargetPlan } from '../../../../plan/target.ts';
import { canTakeAll, podsFor } from '../../../../providers/targets/kubernetes/capacity.ts';
import { clonesFor } from '../../../../providers/targets/kubernetes/clone.ts';
import { at, textsAt } from '../../../../providers/targets/kubernetes/json.ts';
import { partsOf } from '../../../../providers/targets/kubernetes/image.ts';
import { apartBy } from '../../../../providers/targets/kubernetes/labels.ts';

const plan: KubernetesTargetPlan = {
  kind: 'kubernetes',
  connection: 'prod',
  route: 'shop/web',
  namespace: 'shop',
  deployment: 'web',
  container: 'app',
  service: 'web',
  router: { kind: 'gateway-api', resource: 'httproutes', name: 'web', rule: null },
  canary: { replicas: 1, label: null },
  labels: { release: '{{release.label}}' },
  promotion: 'direct',
  preview: null,
  drainMs: 1_000,
};

const digest = `sha256:${'ab'.repeat(32)}`;
const release = { digest, label: 'v2', image: 'registry.example/web' };
const podLabels = { app: 'web', tier: 'front', release: 'v1' };
const stable = {
  deployment: {
    metadata: { name: 'web', labels: { app: 'web', 'app.kubernetes.io/managed-by': 'Helm' }, annotations: { a: 'b' } },
    spec: {
      replicas: 4,
      selector: { matchLabels: { app: 'web' } },
      strategy: { type: 'RollingUpdate' },
      template: {
        metadata: { creationTimestamp: null, labels: podLabels, annotations: { 'prometheus.io/scrape': 'true' } },
        spec: {
          containers: [
            { name: 'app', image: 'registry.example/web:v1', env: [{ name: 'A', value: '1' }] },
            { name: 'proxy', image: 'registry.example/proxy:v1' },
          ],
          topologySpreadConstraints: [
            { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'web' } } },
            { topologyKey: 'host', labelSelector: { matchLabels: { app: 'other' } } },
          ],
        },
      },
    },
  },
  service: {
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: {
      clusterIP: '10.0.0.1',
      type: 'LoadBalancer',
      selector: { app: 'web' },
      ports: [{ port: 80, nodePort: 30_080 }],
    },
  },
} as const;

const labelsAt = (object: JsonValue | undefined) => textsAt(object, 'metadata', 'labels');

describe('the canary’s Deployment', () => {
  const { deployment, service } = clonesFor(plan, stable, release, 2);

  test('is stable’s with the release in it, and with labels that set its pods apart', () => {
    expect(deployment).toEqual({
      metadata: { name: 'web-canary', labels: { app: 'web-canary' } },
      spec: {
        replicas: 2,
        strategy: { type: 'RollingUpdate' },
        selector: { matchLabels: { app: 'web-canary' } },
        template: {
          metadata: {
            labels: { app: 'web-canary', tier: 'front', release: 'v2' },
            annotations: { 'prometheus.io/scrape': 'true' },
          },
          spec: {
            containers: [
              { name: 'app', image: `registry.example/web@${digest}`, env: [{ name: 'A', value: '1' }] },
              { name: 'proxy', image: 'registry.example/proxy:v1' },
            ],
            topologySpreadConstraints: [
              { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'web-canary' } } },
              { topologyKey: 'host', labelSelector: { matchLabels: { app: 'other' } } },
            ],
          },
        },
      },
    });
  });

  test('has a Service inside the cluster with the same ports', () => {
    expect(service).toEqual({
      metadata: { name: 'web-canary', labels: { app: 'web-canary' } },
      spec: { type: 'ClusterIP', ports: [{ port: 80 }], selector: { app: 'web-canary' } },
    });
  });

  const instance = 'app.kubernetes.io/instance';

  test.each([
    ['app', { app: 'web' }, 'shop'],
    [instance, { [instance]: 'shop' }, 'shop-canary'],
  ])('does not carry the label by which Argo CD tracks, whose pods do: selected by %s', (_, selector, onPods) => {
    const labels = { app: 'web', [instance]: 'shop' };
    const { metadata, spec } = stable.deployment;
    const template = { ...spec.template, metadata: { labels } };
    const tracked = {
      deployment: {
        metadata: { ...metadata, labels },
        spec: { ...spec, selector: { matchLabels: selector }, template },
      },
      service: { metadata: { name: 'web', labels }, spec: { ...stable.service.spec, selector } },
    };
    const clones = clonesFor(plan, tracked, release, 2);
    for (const clone of [clones.deployment, clones.service]) expect(labelsAt(clone)).not.toHaveProperty([instance]);
    expect(labelsAt(at(clones.deployment, 'spec', 'template'))).toHaveProperty([instance], onPods);
  });
});

test.each([
  [{ app: 'a', track: 'stable' }, { app: 'a', track: 'stable' }, null, ['track']],
  [
    { app: 'a', 'app.kubernetes.io/instance': 'i' },
    { app: 'a', 'app.kubernetes.io/instance': 'i' },
    null,
    ['app.kubernetes.io/instance'],
  ],
  [{ app: 'a' }, { name: 'n' }, null, ['app', 'name']],
  [{ app: 'a', role: 'r' }, { app: 'a', role: 'r' }, 'app', ['app']],
])('of selectors %j and %j the label that changes is %j or chosen: %j', (deployment, service, label, keys) => {
  const asked = { ...plan, canary: { replicas: 1, label } };
  const selecting = { spec: { selector: { matchLabels: deployment } } };
  expect(apartBy(asked, selecting, { spec: { selector: service } })).toEqual(keys);
});

test.each([
  ['web', { name: 'web', tag: null, digest: null }],
  ['localhost:5000/a/web:v1', { name: 'localhost:5000/a/web', tag: 'v1', digest: null }],
  [`r.example/web:v1@${digest}`, { name: 'r.example/web', tag: 'v1', digest }],
  ['r.example/web@sha256:short', { name: 'r.example/web', tag: null, digest: null }],
])('%s is taken apart', (image, parts) => {
  expect(partsOf(image)).toEqual(parts);
});

test.each([
  [0, 10, 2, 0],
  [100, 10, 1, 1],
  [100, 10, 3, 3],
  [2_500, 10, 1, 3],
  [5_000, 10, 1, 6],
  [10_000, 10, 1, 12],
  [10_000, 1, 1, 2],
])('%i basis points of %i pods, at least %i, need %i', (bp, replicas, least, pods) => {
  expect(podsFor(bp, replicas, least)).toBe(pods);
});

test.each([
  [0, 0, false],
  [1, 1, true],
  [1, 2, false],
  [9, 10, true],
  [8, 10, false],
])('%i ready pods of %i can take everything: %s', (ready, replicas, can) => {
  expect(canTakeAll(ready, replicas)).toBe(can);
});
