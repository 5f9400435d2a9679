import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApi, type KubeApi } from '../../testbed/kubernetes/api.ts';
import { collectionPath } from '../../testbed/kubernetes/objects.ts';
import {
  deployment,
  httpRoute,
  referenceTo,
  service,
  startWorkload,
  type Workload,
} from '../../testbed/kubernetes/workload.ts';
import { waitFor } from '../../testbed/wait.ts';
import { ownNamespace, sharedPlane } from './cluster.ts';
import { canaryOf, deploymentPath, orders, planFor, releaseOf, routePath, shift, targetFor } from './on-cluster.ts';

const plane = sharedPlane();
const namespace = ownNamespace(plane, 'bounds');
const other = ownNamespace(plane, 'others');
const { api } = plane;
const us: KubeApi = createApi(plane.worker);
let workload: Workload;
let claim: string;

const stable = deploymentPath(namespace, 'web');
const canary = deploymentPath(namespace, 'web-canary');
const route = routePath(namespace, 'web');
const scaler = `${collectionPath('autoscaling/v2', 'HorizontalPodAutoscaler', namespace)}/web`;
const ownScaler = `${scaler}-canary`;
const services = collectionPath('v1', 'Service', namespace);
const secrets = collectionPath('v1', 'Secret', namespace);
const pods = collectionPath('v1', 'Pod', namespace);

interface Try {
  readonly method?: string;
  readonly path: string;
  readonly json?: unknown;
  readonly type?: string;
}

const merging = (path: string, json: unknown): Try => ({
  method: 'PATCH',
  path,
  json,
  type: 'application/merge-patch+json',
});
const patching = (path: string, ...json: readonly object[]): Try => ({
  method: 'PATCH',
  path,
  json,
  type: 'application/json-patch+json',
});

/** Nothing of it takes place, whatever the answer. */
async function answer({ method = 'GET', path, json, type }: Try): Promise<{ status: number; message: string }> {
  const dry = method === 'GET' ? '' : `${path.includes('?') ? '&' : '?'}dryRun=All`;
  const { status, body } = await us.ask(method, `${path}${dry}`, { json, ...(type !== undefined && { type }) });
  return { status, message: (body as { message?: string }).message ?? '' };
}

/** A rollout at 25 %, with an autoscaler and another service beside it. */
beforeAll(async () => {
  workload = await startWorkload(plane, namespace, 'web', { labels: { release: 'v1' } });
  await api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: other } });
  const elsewhere = { image: referenceTo(workload.stable), replicas: 0 };
  await api.apply(deployment({ ...elsewhere, namespace: other, name: 'theirs' }));
  await api.apply(httpRoute(other, 'theirs', 'theirs.test', { theirs: 1 }));
  await api.apply(deployment({ ...elsewhere, namespace, name: 'beside' }));
  await api.apply(service(namespace, 'beside'));
  await api.apply({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { namespace, name: 'web' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 2,
      maxReplicas: 4,
    },
  } as Parameters<typeof api.apply>[0]);
  const { next } = orders(namespace, releaseOf(workload.stable), releaseOf(canaryOf(plane, workload)));
  const target = targetFor(plane, planFor(workload));
  await target.deploy(next());
  await shift(target, next, 2_500);
  const { metadata } = await api.read<{ metadata: { annotations: Record<string, string> } }>(route);
  claim = metadata.annotations['sluice/claim'] ?? '';
  // Bindings are looked at anew every second.
  const isBound = async () => (await answer(merging(canary, template({ hostNetwork: true })))).status !== 200;
  await waitFor(isBound, { for: 'the policies to be in force' });
});
afterAll(() => us.close());

const template = (spec: object) => ({ spec: { template: { spec } } });
const claimed = (text: string) => ({ metadata: { annotations: { 'sluice/claim': text } } });
const withFence = (fence: number) => claim.replace(/"fence":\d+/, `"fence":${fence}`);
const fence = () => Number(/"fence":(\d+)/.exec(claim)?.[1]);
const image = (value: string): Try =>
  patching(stable, { op: 'replace', path: '/spec/template/spec/containers/0/image', value });
const killSwitch = { name: 'SMART_MODE_ENABLED', value: 'false' };
const weights = (...values: readonly number[]) =>
  values.map((value, index) => ({ op: 'add', path: `/spec/rules/0/backendRefs/${index}/weight`, value }));

describe('the rights of Sluice end', () => {
  it.each<[string, () => Try]>([
    ['read secrets', () => ({ path: secrets })],
    ['read one secret', () => ({ path: `${secrets}/token` })],
    ['read configuration', () => ({ path: collectionPath('v1', 'ConfigMap', namespace) })],
    ['look into another namespace', () => ({ path: deploymentPath(other, 'theirs') })],
    ['list the pods of another namespace', () => ({ path: collectionPath('v1', 'Pod', other) })],
    ['list the pods of all namespaces', () => ({ path: '/api/v1/pods' })],
    ['divide the traffic of another namespace', () => merging(routePath(other, 'theirs'), claimed('x'))],
    ['look at the system', () => ({ path: collectionPath('v1', 'Pod', 'kube-system') })],
    ['delete stable', () => ({ method: 'DELETE', path: stable })],
    ["delete stable's Service", () => ({ method: 'DELETE', path: `${services}/web` })],
    ["change stable's Service", () => merging(`${services}/web`, { spec: { selector: { app: 'beside' } } })],
    ['delete the route', () => ({ method: 'DELETE', path: route })],
    ['delete the autoscaler', () => ({ method: 'DELETE', path: scaler })],
    ['scale stable by its scale', () => merging(`${stable}/scale`, { spec: { replicas: 1 } })],
    ["write stable's status", () => merging(`${stable}/status`, { status: { replicas: 9 } })],
    ["write the route's status", () => merging(`${route}/status`, { status: { parents: [] } })],
    ['replace stable whole', () => ({ method: 'PUT', path: stable, json: deploymentBody() })],
    ['change a Deployment beside it', () => merging(deploymentPath(namespace, 'beside'), claimed('x'))],
    [
      'create a Deployment of another name',
      () => ({ method: 'POST', path: stable.replace(/\/web$/, ''), json: deploymentBody() }),
    ],
    ['create a pod', () => ({ method: 'POST', path: pods, json: { metadata: { name: 'x' } } })],
    ['run something in a pod', () => ({ method: 'POST', path: `${pods}/x/exec?command=id` })],
    ['reach into a pod', () => ({ method: 'POST', path: `${pods}/x/portforward` })],
    [
      'make tokens',
      () => ({ method: 'POST', path: '/api/v1/namespaces/sluice/serviceaccounts/worker/token', json: {} }),
    ],
    [
      'give itself rights',
      () => merging(`${collectionPath('rbac.authorization.k8s.io/v1', 'Role', namespace)}/sluice-web`, { rules: [] }),
    ],
    [
      'lift its policies',
      () => ({
        method: 'DELETE',
        path: `${collectionPath('admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy')}/sluice-claims`,
      }),
    ],
    [
      'change the Gateway',
      () => merging('/apis/gateway.networking.k8s.io/v1/namespaces/projectcontour/gateways/contour', {}),
    ],
  ])('before it could %s', async (_, attempt) => {
    expect((await answer(attempt())).status).toBe(403);
  });

  const deploymentBody = () => deployment({ namespace, name: 'web', image: 'x' });
});

describe('what a Role cannot say is refused too:', () => {
  it.each<[string, () => Try, RegExp]>([
    [
      'a smaller fence',
      () => merging(route, claimed(withFence(fence() - 1))),
      /fence \d+ stands there, this change carries \d+/,
    ],
    [
      'a smaller fence with a larger weight',
      () =>
        patching(
          route,
          { op: 'add', path: '/metadata/annotations/sluice~1claim', value: withFence(0) },
          ...weights(0, 10_000),
        ),
      /fence \d+ stands there, this change carries 0/,
    ],
    ['a smaller fence on stable', () => merging(stable, claimed(withFence(0))), /fence \d+ stands there/],
    [
      'a claim that is taken away',
      () => merging(route, { metadata: { annotations: { 'sluice/claim': null } } }),
      /never removed/,
    ],
    [
      'the claim of another run at the same fence',
      () => merging(route, claimed(claim.replace('"run":"run-1"', '"run":"run-2"'))),
      /claim of another run/,
    ],
    ['no weight for anybody', () => patching(route, ...weights(0, 0)), /somebody has a weight above 0/],
    [
      'a backend that the route never had',
      () => patching(route, { op: 'replace', path: '/spec/rules/0/backendRefs/1/name', value: 'beside' }),
      /led to and to their canaries/,
    ],
    [
      'a backend of another namespace',
      () => patching(route, { op: 'add', path: '/spec/rules/0/backendRefs/1/namespace', value: other }),
      /led to and to their canaries/,
    ],
    ['another host name', () => merging(route, { spec: { hostnames: ['theirs.test'] } }), /only its rules/],
    ['another Gateway', () => merging(route, { spec: { parentRefs: [{ name: 'theirs' }] } }), /only its rules/],
    [
      'a rule more',
      () => patching(route, { op: 'add', path: '/spec/rules/-', value: { backendRefs: [{ name: 'web', port: 80 }] } }),
      /neither added nor removed/,
    ],
    [
      'a filter in a rule',
      () =>
        patching(route, {
          op: 'add',
          path: '/spec/rules/0/filters',
          value: [{ type: 'RequestHeaderModifier', requestHeaderModifier: { remove: ['authorization'] } }],
        }),
      /only their backends change/,
    ],
    [
      'a label of the route',
      () => merging(route, { metadata: { labels: { x: 'y' } } }),
      /labels, finalizers and owners/,
    ],
    [
      "somebody else's annotation",
      () => merging(stable, { metadata: { annotations: { 'argocd.argoproj.io/tracking-id': 'x' } } }),
      /annotations that are not of a rollout/,
    ],
    ['stable without pods', () => merging(stable, { spec: { replicas: 0 } }), /never scaled to 0/],
    ['an image by its tag', () => image('registry.example/bounds-web:v3'), /named by its digest/],
    [
      'an image of another repository',
      () => image(`registry.example/evil@sha256:${'0'.repeat(64)}`),
      /named by its digest/,
    ],
    [
      'a repository whose name only begins like it',
      () => image(`${workload.stable.repository}.evil@sha256:${'0'.repeat(64)}`),
      /named by its digest/,
    ],
    [
      'a variable in a container',
      () =>
        patching(stable, {
          op: 'add',
          path: '/spec/template/spec/containers/0/env',
          value: [{ name: 'A', value: 'b' }],
        }),
      /of a container only its image/,
    ],
    [
      'a variable beside a kill switch',
      () =>
        patching(canary, {
          op: 'add',
          path: '/spec/template/spec/containers/0/env',
          value: [killSwitch, { name: 'LD_PRELOAD', value: 'evil' }],
        }),
      /are stable's but for the image and kill switches/,
    ],
    [
      'a container more',
      () => patching(stable, { op: 'add', path: '/spec/template/spec/containers/-', value: { name: 'b', image: 'b' } }),
      /of a container only its image/,
    ],
    [
      'another service account',
      () => merging(stable, template({ serviceAccountName: 'admin' })),
      /of a pod only the images/,
    ],
    [
      'a secret mounted',
      () => merging(stable, template({ volumes: [{ name: 's', secret: { secretName: 's' } }] })),
      /of a pod only the images/,
    ],
    [
      'an annotation of pods',
      () => merging(stable, { spec: { template: { metadata: { annotations: { inject: 'yes' } } } } }),
      /only the values of labels/,
    ],
    ['another strategy', () => merging(stable, { spec: { minReadySeconds: 99 } }), /only the size and the pods/],
    [
      "the node's network for the canary",
      () => merging(canary, template({ hostNetwork: true })),
      /have stable's service account/,
    ],
    [
      "another service account for the canary's pods",
      () => merging(canary, template({ serviceAccountName: 'admin' })),
      /have stable's service account/,
    ],
    [
      'a secret mounted in the canary',
      () => merging(canary, template({ volumes: [{ name: 's', secret: { secretName: 's' } }] })),
      /have stable's service account/,
    ],
    [
      'another command for the canary',
      () => patching(canary, { op: 'add', path: '/spec/template/spec/containers/0/command', value: ['sh'] }),
      /are stable's but for the image/,
    ],
    [
      'an image of another repository for the canary',
      () =>
        patching(canary, {
          op: 'replace',
          path: '/spec/template/spec/containers/0/image',
          value: `x/y@sha256:${'0'.repeat(64)}`,
        }),
      /named by its digest/,
    ],
    [
      "a canary's Service for other pods",
      () => merging(`${services}/web-canary`, { spec: { selector: { app: 'beside' } } }),
      /what a Service selects/,
    ],
    [
      'more pods than the autoscaler allows',
      () => merging(scaler, { spec: { maxReplicas: 99 } }),
      /only the floor may change/,
    ],
    [
      'an autoscaler of ours for something else',
      () => merging(ownScaler, { spec: { scaleTargetRef: { name: 'beside' } } }),
      /of stable's autoscaler only the floor/,
    ],
  ])('%s', async (_, attempt, why) => {
    const { status, message } = await answer(attempt());
    expect({ status, message }).toEqual({ status: 403, message: expect.stringMatching(why) as unknown });
  });

  it('what a rollout does is not', async () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const fine: readonly Try[] = [
      merging(route, claimed(withFence(fence() + 1))),
      patching(route, ...weights(9_900, 100)),
      image(`${workload.stable.repository}@${digest}`),
      merging(stable, { spec: { replicas: 3 } }),
      merging(canary, { spec: { replicas: 0 } }),
      patching(stable, { op: 'add', path: '/spec/template/spec/containers/0/env', value: [killSwitch] }),
      patching(canary, { op: 'add', path: '/spec/template/spec/containers/0/env', value: [killSwitch] }),
      merging(scaler, { spec: { minReplicas: 3 } }),
    ];
    expect(await Promise.all(fine.map(answer))).toEqual(fine.map(() => ({ status: 200, message: '' })));
  });

  it('and nobody else is concerned', async () => {
    const change = { ...template({ serviceAccountName: 'their-own' }), ...claimed('{}') };
    await expect(api.merge(`${stable}?dryRun=All`, change)).resolves.toMatchObject({ kind: 'Deployment' });
  });
});
