import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Release } from '../../plan/release.ts';
import type { Order, Share } from '../../plan/target.ts';
import { createClock } from '../../providers/clock.ts';
import { ProviderError } from '../../providers/errors.ts';
import { createHttp } from '../../providers/http.ts';
import type { Engine, Target } from '../../providers/ports.ts';
import type { DockerDeploy } from '../../providers/targets/caddy/connection.ts';
import { createCaddyTarget } from '../../providers/targets/caddy/target.ts';
import { type Caddy, startCaddy } from '../../testbed/servers/caddy.ts';
import { ask } from '../../testbed/servers/http.ts';
import { freePort } from '../../testbed/servers/ports.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { type ContainerHost, openHost, secret } from './host.ts';

const folder = temporaryFolder('docker');
let host: ContainerHost;
let caddy: Caddy;
let publicPort: number;
let stable: Release;
let canary: Release;

beforeAll(async () => {
  host = await openHost(folder);
  publicPort = await freePort();
  stable = host.release('v1');
  canary = host.release('v2');
});

beforeEach(async () => {
  const handle = [{ handler: 'reverse_proxy', upstreams: [{ dial: host.slots.a }] }];
  const routes = [{ match: [{ host: ['web.example'] }], handle }];
  const srv0 = { listen: [`127.0.0.1:${publicPort}`], automatic_https: { disable: true }, routes };
  caddy = await startCaddy({ folder, apps: { http: { servers: { srv0 } } } });
  await host.runStable(stable);
});

afterEach(async () => {
  await caddy.stop();
  await host.clear();
});

afterAll(() => host.stop());

const order = (fence: number, more: Partial<Order> = {}): Order => ({
  ...{ rollout: 'rollout/production/web', run: 'run-1', fence, stable, canary, ...more },
});

const at = (canaryBp: number): Share[] => [
  { digest: stable.digest, bp: 10_000 - canaryBp },
  { digest: canary.digest, bp: canaryBp },
];

function target(change: Partial<DockerDeploy> = {}): Target {
  const { engine, containers, repository, slots } = host;
  const environment = { PORT: '{{port}}', RELEASE: '{{label}}' };
  const plain = { kind: 'docker', engine, containers, environment, ready: '/healthz', registry: null } as const;
  return createCaddyTarget({
    plan: { kind: 'caddy', connection: 'edge', route: 'web', preview: null, drainMs: 0 },
    connection: {
      admin: caddy.adminUrl,
      public: `http://127.0.0.1:${publicPort}`,
      persistence: 'resume',
      route: {
        ...{ match: { host: 'web.example' }, slots, longLived: false },
        deploy: { ...plain, repositories: [repository], ...change },
      },
    },
    http: createHttp(),
    clock: createClock(),
  });
}

async function errorOf(doing: Promise<unknown>): Promise<ProviderError> {
  const error: unknown = await doing.then(
    () => 'it succeeded',
    (reason: unknown) => reason,
  );
  if (!(error instanceof ProviderError)) throw new Error(`not a ProviderError: ${String(error)}`);
  return error;
}

/** What users get, by label. */
async function users(requests: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let sent = 0; sent < requests; sent++) {
    const { body } = await ask(`http://127.0.0.1:${publicPort}/`, { headers: { host: 'web.example' } });
    counts[body.trim()] = (counts[body.trim()] ?? 0) + 1;
  }
  return counts;
}

const a = (fence: number) => `${host.containers.a}.${fence}`;
const b = (fence: number) => `${host.containers.b}.${fence}`;

/** The engine with something happening right before, or in place of, one of its calls. */
function engineWith(change: Partial<Engine>): Engine {
  return { ...host.engine, ...change };
}

describe('a deployment', () => {
  test('is a container like stable in the idle slot, with the release’s image, and gets no user’s request', async () => {
    const place = await target().deploy(order(1));
    expect(place).toMatchObject({ name: 'b', release: canary, ready: true });
    expect(await host.names()).toEqual([a(1), b(1)]);
    const { Config, HostConfig, State } = await host.inspect(b(1));
    expect(State.Running).toBe(true);
    expect(Config.Env).toEqual(
      expect.arrayContaining([
        ...[`DATABASE_PASSWORD=${secret}`, 'COLOUR=blue'],
        ...[`PORT=${host.ports.b}`, 'RELEASE=v2'],
      ]),
    );
    expect(HostConfig.RestartPolicy.Name).toBe('unless-stopped');
    expect(Config.Labels).toEqual({
      team: 'shop',
      'sluice.route': 'web',
      'sluice.slot': 'b',
      'sluice.rollout': 'rollout/production/web',
      'sluice.run': 'run-1',
      'sluice.fence': '1',
      'sluice.digest': canary.digest,
      'sluice.label': 'v2',
      'sluice.image': host.repository,
    });
    expect(await users(20)).toEqual({ v1: 20 });
    expect((await ask(`http://${host.slots.b}/healthz`)).status).toBe(200);
  });

  test('runs the image of exactly the digest that was asked for, pulled by it', async () => {
    const fresh = host.release('v3');
    await target().deploy(order(1, { canary: fresh }));
    expect(host.registry.asked).toContain(`GET /v2/${host.repository.split('/')[1] ?? ''}/manifests/${fresh.digest}`);
    const { Image } = await host.inspect(b(1));
    const image = JSON.parse((await host.ask('GET', `/images/${Image}/json`)).body) as { RepoDigests: string[] };
    expect(image.RepoDigests).toContain(`${host.repository}@${fresh.digest}`);
    expect((await target().read()).instances).toMatchObject([{ release: stable }, { release: fresh }]);
  });

  test('leaves stable’s process alone', async () => {
    const before = await host.inspect(host.containers.a);
    await target().deploy(order(1));
    const after = await host.inspect(a(1));
    expect([after.Id, after.State.StartedAt]).toEqual([before.Id, before.State.StartedAt]);
  });

  test('said again changes nothing, and with a larger fence only the names', async () => {
    await target().deploy(order(1));
    const before = await host.inspect(b(1));
    await target().deploy(order(1));
    expect((await host.inspect(b(1))).Id).toBe(before.Id);
    await target().deploy(order(2));
    expect(await host.names()).toEqual([a(2), b(2)]);
    const after = await host.inspect(b(2));
    expect([after.Id, after.State.StartedAt]).toEqual([before.Id, before.State.StartedAt]);
  });

  test('takes what its operator gave stable, and not what stable’s image brought', async () => {
    await host.clear();
    const config = { Env: ['BUILD=one', 'MODE=image'], Labels: { vendor: 'one' }, Cmd: ['--old'], WorkingDir: '/' };
    const old = host.release('v1', {}, config);
    const next = host.release('v2', {}, { ...config, Env: ['BUILD=two'], Labels: { vendor: 'two' }, Cmd: ['--new'] });
    await host.runStable(old, { env: ['MODE=operator'] });
    await target().deploy(order(1, { stable: old, canary: next }));
    const { Config } = await host.inspect(b(1));
    expect(Config.Env).toEqual(expect.arrayContaining(['BUILD=two', 'MODE=operator']));
    expect(Config.Env).not.toContain('BUILD=one');
    expect(Config.Labels).toMatchObject({ vendor: 'two' });
    expect(Config).toMatchObject({ Cmd: ['--new'] });
  });

  test('takes mounts over, and preflight tells that both would write there', async () => {
    await host.clear();
    await host.runStable(stable, { host: { Binds: [`${folder}:/data`, `${folder}:/facts:ro`] } });
    const findings = await target().preflight([100], canary);
    const warning = findings.find(({ code }) => code === 'caddy.shared-mounts');
    expect(warning?.message).toContain(`${folder} at /data`);
    expect(warning?.message).not.toContain('/facts');
    await target().deploy(order(1));
    const mounts = (await host.inspect(b(1))).HostConfig.Binds?.map((bind) => bind.split(':').slice(0, 2).join(':'));
    expect(mounts?.toSorted()).toEqual([`${folder}:/data`, `${folder}:/facts`]);
  });

  test('that never answers its readiness check is given up as not ready, and one that ends as broken', async () => {
    const broken = host.release('v3', { exit: 3 });
    const error = await errorOf(target().deploy(order(1, { canary: broken })));
    expect(error).toMatchObject({ code: 'invalid' });
    expect(error.message).toContain('it ended with code 3');
    const deaf = host.release('v4', { health: 503 });
    const gone = AbortSignal.timeout(3_000);
    await expect(target().deploy(order(2, { canary: deaf }), gone)).rejects.toThrow();
    const read = await target().read();
    expect(read.instances[1]).toMatchObject({ ready: false, detail: 'starting: /healthz answers 503' });
  });
});

describe('a fence', () => {
  test('that is smaller than the host’s is refused, whatever Caddy has forgotten', async () => {
    await target().deploy(order(7));
    await caddy.restart({ resume: false });
    expect(await target().read()).toMatchObject({ claim: null, fence: 7 });
    const error = await errorOf(target().restore(order(6)));
    expect(error).toMatchObject({ code: 'fenced', fence: 7 });
    expect(await host.names()).toEqual([a(7), b(7)]);
  });

  test('of the same number is refused to another rollout', async () => {
    await target().deploy(order(7));
    await caddy.restart({ resume: false });
    const error = await errorOf(target().restore(order(7, { rollout: 'rollout/production/other' })));
    expect(error).toMatchObject({ code: 'fenced', fence: 7 });
    expect(error.message).toContain('rollout/production/web (run run-1) created');
  });

  test('that grew while an effect was held up makes the effect’s stop hit nothing', async () => {
    await target().deploy(order(1));
    await target().setWeights(order(2), at(10_000), { kind: 'step', index: 0 });
    await target().promote(order(3));
    let isRestored = false;
    const late = engineWith({
      stop: async (name, grace, call) => {
        // Between its look and its act somebody goes back.
        if (!isRestored) {
          isRestored = true;
          await target().setWeights(order(5), at(0), { kind: 'back' });
          await target().restore(order(6));
        }
        return host.engine.stop(name, grace, call);
      },
    });
    const error = await errorOf(target({ engine: late }).retire(order(4), stable));
    expect(error).toMatchObject({ code: 'fenced' });
    expect((await host.inspect(a(6))).State.Running).toBe(true);
    expect(await users(5)).toEqual({ v1: 5 });
  });

  test('that grew while a container was created keeps it from being started', async () => {
    const late = engineWith({
      create: async (name, body, call) => {
        await target().raiseFence(order(8));
        await target().restore(order(9));
        return host.engine.create(name, body, call);
      },
    });
    const error = await errorOf(target({ engine: late }).deploy(order(1)));
    expect(error).toMatchObject({ code: 'fenced', fence: 9 });
    expect(await host.names()).toEqual([a(9)]);
  });

  test('leaves nothing behind of a container whose creator died before it was started', async () => {
    await target().deploy(order(3));
    await host.run(b(2), { release: canary, port: host.ports.b, labels: { 'sluice.route': 'web' }, start: false });
    await target().restore(order(4));
    expect(await host.names()).toEqual([a(4), b(4)]);
    expect((await target().read()).instances).toMatchObject([{ release: stable }, { release: canary, ready: true }]);
  });
});

describe('what may be touched', () => {
  test('is no image of another repository, whatever a plan says', async () => {
    const strange = { ...canary, image: host.repository.replace(/\/.*/, '/other') };
    const problems = await target().preflight([100], strange);
    expect(problems.map(({ code }) => code)).toContain('caddy.image-not-allowed');
    const error = await errorOf(target().deploy(order(1, { canary: strange })));
    expect(error).toMatchObject({ code: 'denied' });
    expect(error.message).toContain(`allows ${host.repository} for route web`);
    expect(await host.names()).toEqual([host.containers.a]);
  });

  test('is no container without the route’s label, also under a slot’s name', async () => {
    await host.run(host.containers.b, { release: stable, port: host.ports.b });
    const before = await host.inspect(host.containers.b);
    const problems = await target().preflight([100], canary);
    expect(problems.find(({ code }) => code === 'caddy.container-unmanaged')?.message).toContain(host.containers.b);
    const error = await errorOf(target().deploy(order(1)));
    expect(error).toMatchObject({ code: 'denied' });
    expect(error.message).toContain('does not carry the label sluice.route=web');
    const after = await host.inspect(host.containers.b);
    expect([after.Id, after.State]).toEqual([before.Id, before.State]);
  });

  test('is no container of another name, with all labels of ours', async () => {
    const stranger = `${host.containers.b}-other`;
    await host.run(stranger, { release: stable, port: await freePort(), labels: { 'sluice.route': 'web' } });
    const before = await host.inspect(stranger);
    await target().deploy(order(1));
    await target().retire(order(2), canary);
    const after = await host.inspect(stranger);
    expect([after.Id, after.Name, after.State]).toEqual([before.Id, before.Name, before.State]);
  });

  test('is nothing of an image that is not what its digest says', async () => {
    const { digest } = host.release('v5');
    const lying = engineWith({
      image: (reference, call) => host.engine.image(reference.replace(digest, stable.digest), call),
    });
    const error = await errorOf(target({ engine: lying }).deploy(order(1, { canary: { ...canary, digest } })));
    expect(error).toMatchObject({ code: 'invalid' });
    expect(error.message).toContain('the engine has');
    expect(await host.names()).toEqual([a(1)]);
  });
});

describe('an image', () => {
  test('that no registry has is missing, and says so', async () => {
    const nowhere = { ...canary, digest: `sha256:${'d'.repeat(64)}` };
    const error = await errorOf(target().deploy(order(1, { canary: nowhere })));
    expect(error).toMatchObject({ code: 'missing' });
    expect(await host.names()).toEqual([a(1)]);
  });

  test('that was never in a registry is known by its id, once it has an allowed repository’s name', async () => {
    const digest = await host.load({ label: 'v6' });
    const local = { ...canary, label: 'v6', digest };
    const error = await errorOf(target().deploy(order(1, { canary: local })));
    expect(error).toMatchObject({ code: 'missing' });
    const tagged = await host.ask('POST', `/images/${digest}/tag?repo=${host.repository}&tag=v6`);
    expect(tagged.status).toBe(201);
    await target().deploy(order(2, { canary: local }));
    expect((await host.inspect(b(2))).Image).toBe(digest);
  });

  test('is pulled with the password of the worker’s configuration, which no error repeats', async () => {
    const locked = { ...host.release('v7'), image: `${host.repository}-locked` };
    host.registry.lock(locked.image.replace(/^[^/]*\//, ''), `robot:${secret}`);
    const login = (password: string) => ({ kind: 'basic', user: 'robot', password: async () => password }) as const;
    const repositories = [host.repository, locked.image];
    const wanted = { canary: locked };
    const nobody = await errorOf(target({ repositories }).deploy(order(1, wanted)));
    expect(nobody).toMatchObject({ code: 'denied' });
    const wrong = `${secret}-wrong`;
    const error = await errorOf(target({ repositories, registry: login(wrong) }).deploy(order(2, wanted)));
    expect(error).toMatchObject({ code: 'denied' });
    expect(error.message).not.toContain(wrong);
    await target({ repositories, registry: login(secret) }).deploy(order(3, wanted));
    expect(await target().read()).toMatchObject({ instances: [{ release: stable }, { ready: true }] });
  });
});

describe('the end', () => {
  test('of a good release stops the loser and keeps it for the way back', async () => {
    await target().deploy(order(1));
    await target().setWeights(order(2), at(10_000), { kind: 'step', index: 0 });
    await target().promote(order(3));
    expect(await users(5)).toEqual({ v2: 5 });
    expect((await host.inspect(a(1))).State.Running).toBe(true);
    await target().retire(order(4), stable);
    expect(await host.names()).toEqual([a(4), b(4)]);
    expect((await host.inspect(a(4))).State.Running).toBe(false);
    expect((await host.inspect(b(4))).State.Running).toBe(true);
    expect(await target().stable()).toEqual(canary);
    await target().retire(order(4), stable);
    expect(await host.names()).toEqual([a(4), b(4)]);
  });

  test('of a bad one starts a stopped stable beside it', async () => {
    await target().deploy(order(1));
    await target().setWeights(order(2), at(10_000), { kind: 'step', index: 0 });
    await host.ask('POST', `/containers/${a(1)}/stop?t=1`);
    const before = await host.inspect(a(1));
    const place = await target().restore(order(3));
    expect(place).toMatchObject({ name: 'a', release: stable, ready: true });
    expect((await host.inspect(a(3))).Id).toBe(before.Id);
    expect((await host.inspect(b(3))).State.Running).toBe(true);
  });

  test('starts stable anew, from its image and like what serves, when its container is gone', async () => {
    await target().deploy(order(1));
    await target().setWeights(order(2), at(10_000), { kind: 'step', index: 0 });
    await host.ask('DELETE', `/containers/${a(1)}?force=1`);
    await target().restore(order(3));
    const { Config } = await host.inspect(a(3));
    expect(Config.Env).toEqual(
      expect.arrayContaining([`DATABASE_PASSWORD=${secret}`, `PORT=${host.ports.a}`, 'RELEASE=v1']),
    );
    await target().setWeights(order(4), at(0), { kind: 'back' });
    expect(await users(5)).toEqual({ v1: 5 });
  });

  test('makes room for the next release in the slot of the stopped one', async () => {
    await target().deploy(order(1));
    await target().setWeights(order(2), at(10_000), { kind: 'step', index: 0 });
    await target().promote(order(3));
    await target().retire(order(4), stable);
    const next = host.release('v3');
    const second = { run: 'run-2', stable: canary, canary: next };
    expect(await target().preflight([100], next)).not.toContainEqual(expect.objectContaining({ level: 'problem' }));
    expect(await target().deploy(order(5, second))).toMatchObject({ name: 'a', release: next });
    expect(await host.names()).toEqual([a(5), b(5)]);
  });
});

describe('preflight', () => {
  const codes = async (t: Target) => (await t.preflight([100], canary)).map(({ code }) => code);

  test('has nothing to say about a host that is in order, but what nobody can see', async () => {
    expect(await codes(target())).toEqual(['caddy.persistence-unseen']);
  });

  test('tells that no engine answers', async () => {
    const { createEngine } = await import('../../providers/engine.ts');
    const away = createEngine({ kind: 'socket', path: `${folder}/none.sock` });
    const findings = await target({ engine: away }).preflight([100], canary);
    const { message } = findings.find(({ code }) => code === 'caddy.engine') ?? {};
    expect(message).toContain('The container engine cannot be asked');
    expect(message).toContain('there is no such socket');
  });

  test('tells that the engine is too old', async () => {
    const old = engineWith({ version: async () => '1.40' });
    expect(await codes(target({ engine: old }))).toContain('caddy.engine-old');
  });

  test('tells that the serving slot has no container, and that nobody knows its release', async () => {
    await host.clear();
    expect(await codes(target())).toEqual(expect.arrayContaining(['caddy.container-missing', 'caddy.stable-unknown']));
  });

  test('tells what would listen twice, and what would come back by itself', async () => {
    await host.clear();
    await host.runStable(stable, { host: { RestartPolicy: { Name: 'always' } } });
    expect(await codes(target({ environment: {} }))).toEqual(
      expect.arrayContaining(['caddy.same-port', 'caddy.restart-always']),
    );
  });
});

describe('a secret of a container’s environment', () => {
  test('is in no error, also when the engine repeats it', async () => {
    const talkative = engineWith({
      create: (name, body, call) => {
        const { Env, ...rest } = body as { Env: string[] };
        return host.engine.create(name, { ...rest, Env: [...Env, `=${secret}`] }, call);
      },
    });
    const error = await errorOf(target({ engine: talkative }).deploy(order(1)));
    expect(error.message).toContain('***');
    expect([error.message, error.detail, error.stack, String(error.cause)].join('\n')).not.toContain(secret);
  });

  test('is in nothing that a target says', async () => {
    await target().deploy(order(1));
    expect(JSON.stringify([await target().read(), await target().preflight([100], canary)])).not.toContain(secret);
  });
});
