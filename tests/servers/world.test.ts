import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, isUp } from '../../testbed/servers/http.ts';
import { awaitSamples } from '../../testbed/servers/prometheus.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import type { Service } from '../../testbed/world/service.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const folder = temporaryFolder('world');
let world: World;
let web: Service;

beforeAll(async () => {
  const shop = { name: 'shop', releases: { v2: { errorRate: 0.5 } } };
  world = await startWorld({ folder, services: ['web', shop], scrapeEveryMs: 200 });
  web = world.service('web');
});

afterAll(() => world.stop());

const routePath = () => `${world.admin.url}/config/apps/http/servers/srv0/routes/0`;

/** The route as a rollout would write it: claim, preview and split in one. */
function split(weights: readonly [number, number], fence: number): unknown {
  const [a, b] = [{ dial: web.slots.a.address }, { dial: web.slots.b.address }];
  const canary = { digest: world.digest('web', 'v2'), label: 'v2' };
  const slots = { a: { digest: world.digest('web', 'v1') }, b: { digest: canary.digest } };
  const stage = { kind: 'step', index: 0 };
  const sluice = { rollout: 'rollout/demo/web', run: 'run', fence, stage, released: false, canary, slots };
  const policy = { policy: 'weighted_round_robin', weights };
  const preview = {
    match: [{ header: { 'x-sluice-preview': ['canary'] } }],
    handle: [{ handler: 'reverse_proxy', upstreams: [b] }],
    terminal: true,
  };
  const proxy = { handler: 'reverse_proxy', upstreams: [a, b], load_balancing: { selection_policy: policy } };
  const subroute = { handler: 'subroute', routes: [preview, { handle: [proxy] }] };
  return { match: [{ host: ['web.test'] }], handle: [{ handler: 'vars', sluice }, subroute] };
}

async function deploy(service: string, label: string): Promise<void> {
  const { recorder, slots } = world.service(service);
  const release = { digest: world.digest(service, label), label, image: 'registry.example/x' };
  await ask(`${recorder.url}/slots/b`, { method: 'PUT', json: { release, rollout: 'r', run: 'r', fence: 1 } });
  await waitFor(() => isUp(`${slots.b.url}/healthz`), { for: `${label} of ${service}` });
}

describe('a world', () => {
  it('serves v1 of each service behind the proxy, in a plain route', async () => {
    for (const { name, host } of world.services) {
      const answer = await ask(`${world.publicUrl}/api/whoami`, { headers: { host } });
      expect(JSON.parse(answer.body)).toEqual({ app: name, release: 'v1', digest: world.digest(name, 'v1') });
    }
    expect((await ask(world.publicUrl)).status).toBe(404);
    expect((await ask(routePath())).body).not.toContain('@id');
  });

  it('counts load by release, and the services agree', async () => {
    const since = Date.now();
    const load = world.load('web', { ratePerSecond: 100, maxSeconds: 1 });
    await load.done;
    expect(load.counts()).toMatchObject({ sent: 100, failed: 0, byRelease: { v1: { 200: 100 } } });
    expect(world.canaryRequestsSince('web', since, 'v1')).toBe(100);
  });

  it('sees the weights that the proxy was told, and only those it accepted', async () => {
    await deploy('web', 'v2');
    const { etag = '' } = (await ask(routePath())).headers;
    const patch = (weights: readonly [number, number], fence: number, headers: Record<string, string> = {}) =>
      ask(routePath(), { method: 'PATCH', headers, json: split(weights, fence) });

    await patch([1, 0], 1, { 'if-match': etag });
    expect((await patch([0, 1], 2, { 'if-match': etag })).status).toBe(412);
    await patch([99, 1], 3);
    await patch([99, 1], 4);
    await patch([3, 1], 5);

    expect(world.weightsSeenByProxy('web')).toEqual([100, 2500]);
    expect(world.proxyWrites('web').map(({ canaryBp, claim }) => [canaryBp, claim?.fence])).toEqual([
      [0, 1],
      [100, 3],
      [100, 4],
      [2500, 5],
    ]);
    expect(world.weightsSeenByProxy('shop')).toEqual([]);
  });

  it('counts canary requests of users by the services own logs, without previews and direct calls', async () => {
    const since = Date.now();
    const load = world.load('web', { ratePerSecond: 100, maxSeconds: 1 });
    await load.done;
    await ask(world.publicUrl, { headers: { host: web.host, 'x-sluice-preview': 'canary' } });
    await ask(web.slots.b.url);
    const canary = load.counts().byRelease.v2?.[200];
    expect(canary).toBe(25);
    expect(world.canaryRequestsSince('web', since)).toBe(canary);
  });

  it('puts faults on a release that runs, and starts releases with the faults they were given', async () => {
    await world.setFaults('web', 'v2', { errorRate: 1 });
    expect((await ask(web.slots.b.url)).status).toBe(500);
    await expect(world.setFaults('web', 'v9', {})).rejects.toThrow('no slot of web has release v9');

    await deploy('shop', 'v2');
    const { url } = world.service('shop').slots.b;
    expect([(await ask(url)).status, (await ask(url)).status]).toEqual([200, 500]);
    await awaitSamples(world.prometheus.url, 'http_requests_total{app="shop",release="v2",code="500"} > 0');
  });

  it('keeps releases running over a restart of the hook, and the hook its fence', async () => {
    await web.restartHook();
    const states = await web.slotStates();
    expect(states).toMatchObject({ a: { state: 'running', fence: 0 }, b: { state: 'running', fence: 1 } });
  });

  it('runs the worker as a process that can be killed, and the command line against it', async () => {
    const worker = await world.startWorker();
    expect(await world.sluice(['setup'])).toMatchObject({ code: 0 });
    const { code, stdout } = await world.sluice(['doctor']);
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/edge, route web +answers/) as string,
    });

    await worker.kill();
    expect(worker.ended()).toBe('signal SIGKILL');
    expect(await isUp(`${worker.url}/healthz`)).toBe(false);
  });
});
