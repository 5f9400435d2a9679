import { request } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApi } from '../../testbed/kubernetes/api.ts';
import { collectionPath } from '../../testbed/kubernetes/objects.ts';
import {
  deployment,
  httpRoute,
  referenceTo,
  rolledOut,
  routeApi,
  type RouteStatus,
  routeSeen,
  startWorkload,
  type Workload,
} from '../../testbed/kubernetes/workload.ts';
import { type Recorder, startRecorder } from '../../testbed/recorder.ts';
import { waitFor } from '../../testbed/wait.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { answers, condition, ownNamespace, sharedPlane } from './cluster.ts';

const plane = sharedPlane();
const { api } = plane;
const folder = temporaryFolder('kubernetes-faults');
const namespace = ownNamespace(plane, 'faults');
const routePath = `${collectionPath(routeApi, 'HTTPRoute', namespace)}/web`;
let web: Workload;

beforeAll(async () => {
  web = await startWorkload(plane, namespace, 'web');
  await waitFor(async () => (await answers(plane, web.host, 1))['v1'] === 1, { for: 'the Gateway to serve' });
});

describe('the API server', () => {
  it('can be away: traffic flows on, and all is as it was when it is back', async () => {
    const before = plane.processes(namespace);
    await plane.part('apiserver').kill();
    await expect(api.ask('GET', '/readyz')).rejects.toThrow(/ECONNRESET|socket hang up|disconnected/);
    expect(await answers(plane, web.host, 50)).toEqual({ v1: 50 });
    await plane.part('apiserver').start();
    expect(await api.read(routePath)).toMatchObject({ spec: { hostnames: [web.host] } });
    expect(plane.processes(namespace)).toEqual(before);
    // Whoever follows the API has found it again: controllers, node and Gateway.
    await api.apply(deployment({ namespace, name: 'later', image: referenceTo(web.stable), replicas: 1 }));
    await rolledOut(api, namespace, 'later');
    await api.apply(httpRoute(namespace, 'web', web.host, { web: 7 }));
    expect(condition(await routeSeen(api, namespace, 'web'), 'Accepted')).toBe('True');
  });
});

describe('the Gateway', () => {
  it('can fall behind: the status keeps the old generation until it goes on', async () => {
    await plane.part('contour').pause();
    await api.apply(httpRoute(namespace, 'web', web.host, { web: 8 }));
    const { metadata, status } = await api.read<RouteStatus>(routePath);
    const seen = status?.parents?.flatMap((parent) => parent.conditions.map((one) => one.observedGeneration)) ?? [];
    expect(Math.max(...seen)).toBe(metadata.generation - 1);
    await plane.part('contour').resume();
    expect(condition(await routeSeen(api, namespace, 'web'), 'Accepted')).toBe('True');
  });
});

describe('a recorder before the API server', () => {
  let recorder: Recorder;
  beforeAll(async () => {
    const logFile = join(folder, 'api.jsonl');
    recorder = await startRecorder({ upstream: plane.access.server, tls: plane.certificate, logFile });
  });
  afterAll(() => recorder.stop());
  const through = () => createApi({ ...plane.access, server: recorder.url });

  it('is trusted by the same certificate, and keeps tokens to itself', async () => {
    const client = through();
    expect(await client.read(routePath)).toMatchObject({ kind: 'HTTPRoute' });
    client.close();
    const entry = recorder.entries().find(({ path }) => path === routePath);
    expect(entry).toMatchObject({ method: 'GET', status: 200, requestHeaders: { authorization: '***' } });
    expect(JSON.stringify(recorder.entries())).not.toContain(plane.access.token);
  });

  it('can lose the answer of a write that took place', async () => {
    const client = through();
    recorder.fault({ method: 'PATCH', path: /httproutes/, times: 1, fault: { kind: 'drop', where: 'answer' } });
    await expect(client.merge(routePath, { metadata: { annotations: { mark: 'made it' } } })).rejects.toThrow();
    expect(await api.read(routePath)).toMatchObject({ metadata: { annotations: { mark: 'made it' } } });
    client.close();
  });

  it('passes a watch on as it comes, and can cut it or let it fall silent', async () => {
    const marks = (lines: string) => lines.split('\n').filter((line) => line.includes('"mark":"'));
    const mark = (text: string) => api.merge(routePath, { metadata: { annotations: { mark: text } } });
    const open = () => watchThrough(recorder.url, `${collectionPath(routeApi, 'HTTPRoute', namespace)}?watch=true`);

    const first = await open();
    await mark('one');
    await waitFor(() => marks(first.text()).at(-1)?.includes('"one"') === true, { for: 'the change to arrive' });
    expect(recorder.cutWatches(/httproutes/)).toBe(1);
    await waitFor(() => first.ended(), { for: 'the watch to be cut' });

    const second = await open();
    await waitFor(() => marks(second.text()).length > 0, { for: 'the watch to begin' });
    expect(recorder.freezeWatches()).toBe(1);
    await mark('two');
    const witness = await open();
    await waitFor(() => marks(witness.text()).at(-1)?.includes('"two"') === true, { for: 'a new watch to see it' });
    expect(second.text()).not.toContain('"mark":"two"');
    expect(second.ended()).toBe(false);
    expect(recorder.cutWatches()).toBe(2);
  });
});

interface Watch {
  text(): string;
  ended(): boolean;
}

async function watchThrough(url: string, path: string): Promise<Watch> {
  const { ca, token } = plane.access;
  let text = '';
  let ended = false;
  return new Promise((resolve, reject) => {
    const call = request(
      `${url}${path}`,
      { ca, agent: false, headers: { authorization: `Bearer ${token}` } },
      (answer) => {
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.once('close', () => (ended = true));
        resolve({ text: () => text, ended: () => ended });
      },
    );
    call.once('error', reject);
    call.end();
  });
}
