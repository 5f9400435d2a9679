import { describe, expect, it } from 'vitest';
import { collectionPath } from '../../testbed/kubernetes/objects.ts';
import {
  deployment,
  httpRoute,
  imageOf,
  referenceTo,
  rolledOut,
  routeSeen,
  service,
  startWorkload,
} from '../../testbed/kubernetes/workload.ts';
import { awaitSamples } from '../../testbed/servers/prometheus.ts';
import { waitFor } from '../../testbed/wait.ts';
import { answers, condition, ownNamespace, podsOf, sharedPlane } from './cluster.ts';

const plane = sharedPlane();
const { api, images } = plane;

describe('traffic', () => {
  const namespace = ownNamespace(plane, 'traffic');
  const canary = imageOf(`${namespace}-web`, 'v2');
  const split = async (weights: Record<string, number>) => {
    await api.apply(httpRoute(namespace, 'web', `web.${namespace}.test`, weights));
    return routeSeen(api, namespace, 'web');
  };

  it('is served by two pods, each a process of its own, which say themselves what they answered', async () => {
    const { host } = await startWorkload(plane, namespace, 'web', { replicas: 2 });
    await waitFor(async () => (await answers(plane, host, 1))['v1'] === 1, { for: 'the Gateway to serve' });
    await answers(plane, host, 40);
    const processes = plane.processes(namespace);
    expect(new Set(processes.map(({ pid }) => pid)).size).toBe(2);
    expect(processes.map(({ label }) => label)).toEqual(['v1', 'v1']);
    const requests = plane.requests(namespace);
    expect(new Set(requests.map(({ pod }) => pod))).toEqual(new Set(processes.map(({ pod }) => pod)));
    expect(requests.every(({ release, proxied }) => release === 'v1' && proxied)).toBe(true);
  });

  it('is split 90 to 10 by the weights of the route', async () => {
    images.push(canary);
    await api.apply(deployment({ namespace, name: 'web-canary', image: referenceTo(canary), replicas: 1 }));
    await api.apply(service(namespace, 'web-canary'));
    await rolledOut(api, namespace, 'web-canary');
    const conditions = await split({ web: 90, 'web-canary': 10 });
    expect([condition(conditions, 'Accepted'), condition(conditions, 'ResolvedRefs')]).toEqual(['True', 'True']);
    await waitFor(async () => (await answers(plane, `web.${namespace}.test`, 20))['v2'] !== undefined, {
      for: 'the first answer of the canary',
    });
    const { v1 = 0, v2 = 0, ...others } = await answers(plane, `web.${namespace}.test`, 1_000);
    expect(others).toEqual({});
    expect(v1 + v2).toBe(1_000);
    // Drawn by chance: six standard deviations are 57.
    expect(v2).toBeGreaterThan(40);
    expect(v2).toBeLessThan(160);
  });

  it('does not reach a release of weight 0 once the Gateway has looked at the route', async () => {
    await split({ web: 1, 'web-canary': 0 });
    const before = plane.requests(namespace).filter(({ release }) => release === 'v2').length;
    expect(await answers(plane, `web.${namespace}.test`, 300)).toEqual({ v1: 300 });
    expect(plane.requests(namespace).filter(({ release }) => release === 'v2')).toHaveLength(before);
  });

  it('is lost when both weights are 0, although the route is accepted', async () => {
    const conditions = await split({ web: 0, 'web-canary': 0 });
    expect([condition(conditions, 'Accepted'), condition(conditions, 'ResolvedRefs')]).toEqual(['True', 'True']);
    await waitFor(async () => (await answers(plane, `web.${namespace}.test`, 5))['v1'] === undefined, {
      for: 'the route to lose its traffic',
    });
    const statuses = Object.keys(await answers(plane, `web.${namespace}.test`, 20));
    expect(statuses.every((status) => Number(status) >= 500)).toBe(true);
  });

  it('of a Service that does not exist goes to stable without a word, only ResolvedRefs tells', async () => {
    const conditions = await split({ web: 50, nobody: 50 });
    expect([condition(conditions, 'Accepted'), condition(conditions, 'ResolvedRefs')]).toEqual(['True', 'False']);
    await waitFor(async () => (await answers(plane, `web.${namespace}.test`, 5))['v1'] === 5, {
      for: 'stable to serve',
    });
    expect(await answers(plane, `web.${namespace}.test`, 200)).toEqual({ v1: 200 });
  });

  it('is measured: Prometheus has the counts of each release', async () => {
    await awaitSamples(
      plane.prometheusUrl,
      `http_requests_total{namespace="${namespace}",release="v1",code="200"} > 0`,
    );
    await awaitSamples(plane.prometheusUrl, `http_requests_total{namespace="${namespace}",release="v2"}`);
  });
});

describe('a pod', () => {
  const namespace = ownNamespace(plane, 'pods');
  const start = async (name: string, image: ReturnType<typeof imageOf>, more: object = {}) => {
    await api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await api.apply(deployment({ namespace, name, image: referenceTo(image), replicas: 1, ...more }));
  };
  const only = async (app: string) => {
    const pods = await podsOf(plane, namespace, app);
    return { pod: pods[0], container: pods[0]?.status.containerStatuses?.[0] };
  };

  it('that crashes is started again and again, with a growing pause', async () => {
    const image = imageOf(`${namespace}-crash`, 'v1', { exit: 3 });
    images.push(image);
    await start('crash', image);
    const container = await waitFor(
      async () => {
        const { container: now } = await only('crash');
        return now?.state.waiting?.reason === 'CrashLoopBackOff' && now.restartCount >= 2 ? now : null;
      },
      { for: 'a crash loop' },
    );
    expect(container.ready).toBe(false);
    expect(container.lastState.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
  });

  it('whose image nobody pushed waits for it, and starts once it is there', async () => {
    const image = imageOf(`${namespace}-late`, 'v1');
    await start('late', image);
    const state = await waitFor(async () => (await only('late')).container?.state.waiting ?? null, {
      for: 'its state',
    });
    expect(['ErrImagePull', 'ImagePullBackOff', 'ContainerCreating']).toContain(state.reason);
    await waitFor(async () => (await only('late')).container?.state.waiting?.reason === 'ImagePullBackOff', {
      for: 'the back-off',
    });
    expect((await only('late')).pod?.status.phase).toBe('Pending');
    images.push(image);
    await rolledOut(api, namespace, 'late');
    expect((await only('late')).container?.imageID).toBe(referenceTo(image));
  });

  it('is ready when its probe says so, and leaves the endpoints when it says no more', async () => {
    const image = imageOf(`${namespace}-moody`, 'v1');
    images.push(image);
    await start('moody', image);
    await api.apply(service(namespace, 'moody'));
    await rolledOut(api, namespace, 'moody');
    const readyEndpoints = async () => {
      const path = `${collectionPath('discovery.k8s.io/v1', 'EndpointSlice', namespace)}?labelSelector=kubernetes.io%2Fservice-name%3Dmoody`;
      const { items } = await api.read<{
        items: readonly { endpoints: readonly { conditions: { ready: boolean } }[] | null }[];
      }>(path);
      return items.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions.ready).length;
    };
    await waitFor(async () => (await readyEndpoints()) === 1, { for: 'an endpoint' });
    images.change(image.digest, { health: 503 });
    await waitFor(async () => (await readyEndpoints()) === 0, { for: 'the endpoint to leave' });
    expect((await only('moody')).container).toMatchObject({ ready: false, restartCount: 0 });
    images.change(image.digest, { health: 200 });
    await waitFor(async () => (await readyEndpoints()) === 1, { for: 'the endpoint to come back' });
  });

  it('that its liveness probe gives up is restarted', async () => {
    const image = imageOf(`${namespace}-stuck`, 'v1');
    images.push(image);
    const livenessProbe = { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 1, failureThreshold: 2 };
    await start('stuck', image, { container: { livenessProbe } });
    await rolledOut(api, namespace, 'stuck');
    images.change(image.digest, { health: 500 });
    await waitFor(async () => ((await only('stuck')).container?.restartCount ?? 0) > 0, { for: 'a restart' });
    images.change(image.digest, { health: 200 });
    await waitFor(async () => (await only('stuck')).container?.ready === true, { for: 'it to be well again' });
  });

  it('answers what is in flight before it goes', async () => {
    const image = imageOf(`${namespace}-slow`, 'v1');
    const host = `slow.${namespace}.test`;
    images.push(image);
    await start('slow', image);
    await api.apply(service(namespace, 'slow'));
    await api.apply(httpRoute(namespace, 'slow', host, { slow: 1 }));
    await rolledOut(api, namespace, 'slow');
    await waitFor(async () => (await answers(plane, host, 1))['v1'] === 1, { for: 'it to serve' });
    const inFlight = `http_requests_in_flight{namespace="${namespace}",app="slow"}`;
    await awaitSamples(plane.prometheusUrl, inFlight);
    images.change(image.digest, { latencyMs: 3_000 });
    const flight = answers(plane, host, 5);
    await awaitSamples(plane.prometheusUrl, `${inFlight} == 5`);
    await api.remove(`${collectionPath('apps/v1', 'Deployment', namespace)}/slow`);
    expect(await flight).toEqual({ v1: 5 });
    await waitFor(async () => (await podsOf(plane, namespace, 'slow')).length === 0, { for: 'the pod to be gone' });
    expect(plane.processes(namespace).filter(({ pod }) => pod.startsWith('slow'))).toEqual([]);
  });
});
