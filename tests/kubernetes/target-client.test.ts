import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shareOf } from '../../plan/target.ts';
import { createClock } from '../../providers/clock.ts';
import { createCluster } from '../../providers/cluster.ts';
import { ProviderError } from '../../providers/errors.ts';
import { createApi } from '../../providers/targets/kubernetes/api.ts';
import { refTo, resources } from '../../providers/targets/kubernetes/refs.ts';
import { createKubernetesTarget } from '../../providers/targets/kubernetes/target.ts';
import { type Recorder, startRecorder } from '../../testbed/recorder.ts';
import { startWorkload } from '../../testbed/kubernetes/workload.ts';
import { waitFor } from '../../testbed/wait.ts';
import { zeroTarget } from '../../worker/zero.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { answers, ownNamespace, sharedPlane } from './cluster.ts';
import { kubeconfigOf } from './kubeconfig.ts';
import { canaryOf, codeOf, live, orders, planFor, releaseOf, routeOf, sharesOf } from './on-cluster.ts';

const plane = sharedPlane();
const clock = createClock();
const folder = temporaryFolder('kubernetes-client');
const namespace = ownNamespace(plane, 'client');
const spaces = Object.fromEntries(
  ['late', 'lost', 'zero'].map((what) => [what, ownNamespace(plane, `client-${what}`)]),
);

beforeAll(async () => {
  await startWorkload(plane, namespace, 'web', { labels: { release: 'v1' } });
});

/** A worker's way to the API server, by its own identity, with a recorder before it that disturbs it. */
async function way() {
  const recorder = await startRecorder({
    upstream: plane.access.server,
    tls: plane.certificate,
    logFile: join(folder, `${Math.random().toString(36).slice(2)}.jsonl`),
  });
  recorders.push(recorder);
  const kubeconfig = kubeconfigOf(plane, { ...plane.worker, server: recorder.url });
  const cluster = createCluster({ kind: 'kubeconfig', path: kubeconfig, context: null }, clock);
  return { recorder, kubeconfig, cluster, api: createApi(cluster, clock, 5_000) };
}
const recorders: Recorder[] = [];
afterAll(async () => {
  await Promise.all(recorders.map((recorder) => recorder.stop()));
});

const deploymentOfWeb = refTo(resources.deployments, namespace, 'web');
const nameOf = (object: Awaited<ReturnType<ReturnType<typeof createApi>['get']>>) =>
  (object?.['metadata'] as { name?: string } | undefined)?.name;

async function thrown(act: Promise<unknown>): Promise<ProviderError> {
  const error = await act.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof ProviderError) return error;
  throw new Error('no ProviderError', { cause: error });
}

describe.concurrent('the API server', () => {
  it('is asked over few connections, urgent calls over others', async () => {
    const { recorder, api } = await way();
    for (let count = 0; count < 20; count += 1) await api.get(deploymentOfWeb, {});
    await api.get(deploymentOfWeb, { urgent: true });
    const peers = recorder.entries().map(({ peer }) => peer);
    expect(new Set(peers.slice(0, 20)).size).toBe(1);
    expect(peers.slice(0, 20)).not.toContain(peers[20]);
  });

  it('that asks for a rest gets it, whatever is asked', async () => {
    const { recorder, api } = await way();
    const rest = { kind: 'refuse', status: 429, headers: { 'retry-after': '1' } } as const;
    recorder.fault({ times: 2, fault: rest });
    expect(nameOf(await api.get(deploymentOfWeb, {}))).toBe('web');
    const [first, second, third] = recorder.entries().map(({ at }) => at);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(990);
    expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(990);
  });

  it('that wants a long rest is not waited for, and the caller is told how long it is', async () => {
    const { recorder, api } = await way();
    recorder.fault({ fault: { kind: 'refuse', status: 429, headers: { 'retry-after': '30' } } });
    const { code, retryAfterMs } = await thrown(api.get(deploymentOfWeb, {}));
    expect({ code, retryAfterMs }).toEqual({ code: 'throttled', retryAfterMs: 30_000 });
    expect(recorder.entries()).toHaveLength(1);
  });

  it('that is in trouble is asked again for what has no effect, and only for that', async () => {
    const { recorder, api } = await way();
    recorder.fault({ method: 'GET', times: 2, fault: { kind: 'refuse', status: 503 } });
    expect(nameOf(await api.get(deploymentOfWeb, {}))).toBe('web');
    expect(recorder.entries()).toHaveLength(3);
    recorder.fault({ method: 'PATCH', fault: { kind: 'refuse', status: 500, body: 'etcd: leader changed' } });
    const error = await thrown(api.patch(deploymentOfWeb, [], {}));
    expect(error.code).toBe('unreachable');
    expect(recorder.entries()).toHaveLength(4);
  });

  it('that has not read its roles yet is asked again, but not for ever, and not by who is in a hurry', async () => {
    const { recorder, api } = await way();
    recorder.fault({ times: 3, fault: { kind: 'refuse', status: 403, body: 'RBAC: not yet' } });
    expect(nameOf(await api.get(deploymentOfWeb, {}))).toBe('web');
    expect(recorder.entries()).toHaveLength(4);
    recorder.fault({ times: 1, fault: { kind: 'refuse', status: 403 } });
    expect((await thrown(api.get(deploymentOfWeb, { urgent: true }))).code).toBe('denied');
    recorder.fault({ fault: { kind: 'refuse', status: 403 } });
    expect((await thrown(api.get(deploymentOfWeb, {}))).code).toBe('denied');
    expect(recorder.entries()).toHaveLength(11);
  });

  it('that says nothing holds nobody longer than a call may take', async () => {
    const { recorder, cluster } = await way();
    const api = createApi(cluster, clock, 300);
    await createApi(cluster, clock, 5_000).get(deploymentOfWeb, {});
    const held = recorder.hold({ where: 'request' });
    const error = await thrown(api.get(deploymentOfWeb, {}));
    expect([error.code, error.detail]).toEqual(['unreachable', 'no complete answer within 300 ms']);
    held.release();
  });

  it('that does not know our token any more is asked once more with the one that is there now', async () => {
    const { recorder, kubeconfig } = await way();
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, 'an-old-token');
    const config = JSON.parse(readFileSync(kubeconfig, 'utf8')) as { users: { user: object }[] };
    config.users = config.users.map((one) => ({ ...one, user: { tokenFile } }));
    const file = join(folder, 'rotating.json');
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    const cluster = createCluster({ kind: 'kubeconfig', path: file, context: null }, clock);
    const api = createApi(cluster, clock, 5_000);
    expect((await thrown(api.get(deploymentOfWeb, {}))).code).toBe('denied');
    // What is known is not old yet; the refusal is what makes it ask.
    writeFileSync(tokenFile, `${plane.worker.token}\n`);
    expect(nameOf(await api.get(deploymentOfWeb, {}))).toBe('web');
    expect(recorder.entries().map(({ status }) => status)).toEqual([401, 401, 401, 200]);
  });

  it('and whatever stands before it never get a secret into an error', async () => {
    const { recorder, api } = await way();
    const { token } = plane.worker;
    recorder.fault({
      times: 1,
      fault: { kind: 'refuse', status: 400, body: `{"message":"bad header Bearer ${token}"}` },
    });
    const echoed = await thrown(api.get(deploymentOfWeb, {}));
    expect([echoed.message.includes('bad header'), echoed.message.includes(token)]).toEqual([true, false]);
    recorder.fault({ times: 1, fault: { kind: 'refuse', status: 502, body: '<html>hunter2</html>' } });
    const foreign = await thrown(api.patch(deploymentOfWeb, [], {}));
    expect(foreign.message).not.toContain('hunter2');
    // A value of an object that the API server itself calls wrong.
    const wrong = [{ op: 'add' as const, path: '/spec/template/metadata/labels/release', value: '-hunter2-' }];
    const told = await thrown(api.patch(deploymentOfWeb, wrong, {}));
    expect([told.code, told.message.includes('labels'), told.message.includes('hunter2')]).toEqual([
      'invalid',
      true,
      false,
    ]);
  });
});

describe.concurrent('a weight', () => {
  async function world(what: string, withinMs?: number) {
    const workload = await startWorkload(plane, spaces[what] ?? '', 'web', { labels: { release: 'v1' } });
    const canary = canaryOf(plane, workload);
    const { recorder, cluster, kubeconfig } = await way();
    const connection = { cluster, public: plane.gatewayUrl, podsReachable: false, withinMs: withinMs ?? 5_000 };
    const target = createKubernetesTarget({ plan: planFor(workload), connection, clock });
    const { next, same } = orders(workload.namespace, releaseOf(workload.stable), releaseOf(canary));
    return { workload, canary, recorder, kubeconfig, target, next, same };
  }
  const patches = (recorder: Recorder) =>
    recorder.entries().filter(({ method, path }) => method === 'PATCH' && path.includes('httproutes'));

  it('whose answer comes too late was set all the same, and is not set again', async () => {
    const { target, next, recorder, canary } = await world('late', 2_000);
    await target.deploy(next());
    await target.ensureCapacity(next(), 5_000);
    const before = patches(recorder).length;
    const held = recorder.hold({ method: 'PATCH', path: /httproutes/, where: 'answer', times: 1 });
    const order = next();
    const reading = await target.setWeights(order, sharesOf(order, 100), { kind: 'step', index: 0 });
    expect(shareOf(reading, canary.digest)).toBe(100);
    expect(patches(recorder)).toHaveLength(before + 1);
    // The next word is ours too; what arrives late after it is refused by the API server itself.
    const late = recorder.hold({ method: 'PATCH', path: /httproutes/, where: 'request', times: 1 });
    const raise = next();
    const raising = thrown(target.setWeights(raise, sharesOf(raise, 5_000), { kind: 'step', index: 1 }));
    await waitFor(() => late.count() === 1, { for: 'the raise to be on its way', withinMs: 60_000 });
    const zero = next();
    await target.setWeights(zero, sharesOf(zero, 0), { kind: 'back' });
    late.release();
    expect((await raising).code).toBe('fenced');
    const refused = () => patches(recorder).some(({ status }) => status === 422);
    await waitFor(refused, { for: 'the late write to arrive', withinMs: 60_000 });
    held.release();
    await live(target, zero, 0);
  });

  it('is live when the Gateway says so, without being asked by the caller again', async () => {
    const { target, next, recorder, workload } = await world('lost');
    await target.deploy(next());
    await target.ensureCapacity(next(), 100);
    const order = next();
    await target.setWeights(order, sharesOf(order, 100), { kind: 'step', index: 0 });
    await live(target, order, 100);
    const route = await routeOf(plane, workload);
    const { metadata } = route as unknown as { metadata: { generation: number } };
    const unseen = { ...route, metadata: { ...route.metadata, generation: metadata.generation + 1 } };
    recorder.fault({
      method: 'GET',
      path: /httproutes/,
      times: 2,
      fault: { kind: 'falsify', body: JSON.stringify(unseen) },
    });
    expect(await target.confirm(order, 100)).toEqual({ kind: 'live' });
  });

  it('is taken to zero from the command line, by whoever has the worker configuration and nothing else', async () => {
    const { target, next, same, kubeconfig, workload, canary } = await world('zero');
    await target.deploy(next());
    await target.ensureCapacity(next(), 2_500);
    const order = next();
    await target.setWeights(order, sharesOf(order, 2_500), { kind: 'step', index: 0 });
    await live(target, order, 2_500);
    const configFile = join(folder, 'worker.yaml');
    writeFileSync(
      join(folder, 'directory.yaml'),
      'apiVersion: sluice/v1\nkind: Directory\nidentity: trust\npeople: { ana: { roles: [sre] } }\n',
    );
    writeFileSync(
      configFile,
      `apiVersion: sluice/v1\nkind: Worker\ndirectory: ./directory.yaml\nconnections:\n  prod: { kind: kubernetes, kubeconfig: ${kubeconfig} }\n`,
    );
    const done = await zeroTarget({
      configFile,
      connection: 'prod',
      route: `${workload.namespace}/web`,
      releases: null,
      signal: AbortSignal.timeout(60_000),
      onNews: (text) => {
        throw new Error(text);
      },
    });
    expect(done).toMatchObject({
      rollout: order.rollout,
      stable: { label: 'v1' },
      canary: { label: 'v2' },
      zeroed: { kind: 'zero', fromBp: 2_500 },
    });
    expect(await answers(plane, workload.host, 60)).toEqual({ v1: 60 });
    // The rollout that runs finds a larger fence than its own.
    const raise = next();
    expect(await codeOf(target.setWeights(raise, sharesOf(raise, 5_000), { kind: 'step', index: 1 }))).toBe('fenced');
    const back = { ...same(), fence: done.zeroed.fence + 1 };
    await target.restore(back);
    await target.retire({ ...back, fence: back.fence + 1 }, releaseOf(canary));
    expect((await target.read()).claim).toMatchObject({ released: true });
  });
});
