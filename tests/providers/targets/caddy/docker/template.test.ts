import { describe, expect, it } from 'vitest';
import type { Container } from '../../../../../providers/targets/caddy/docker/container.ts';
import type { Image } from '../../../../../providers/targets/caddy/docker/images.ts';
import { templateOf } from '../../../../../providers/targets/caddy/docker/template.ts';

const canary = { digest: `sha256:${'b'.repeat(64)}`, label: 'v2', image: 'registry.example/web' };

const id = `sha256:${'1'.repeat(64)}`;
const image: Image = {
  Id: id,
  RepoTags: [],
  RepoDigests: [],
  Config: {
    ...{ Env: ['PATH=/bin', 'BUILD=1'], Entrypoint: ['/app'], Cmd: ['serve'], WorkingDir: '/srv', User: 'app' },
    ...{ Labels: { vendor: 'x' }, ExposedPorts: { '8080/tcp': {} }, Volumes: { '/cache': {} }, StopSignal: 'SIGTERM' },
  },
};

function container(config: Record<string, unknown> = {}, host: Record<string, unknown> = {}, networks: string[] = []) {
  return {
    ...{ Id: 'f'.repeat(64), Image: id, State: { Status: 'running', Running: true, ExitCode: 0 } },
    Config: { Image: 'registry.example/web:v1', Labels: { vendor: 'x' }, ...image.Config, ...config },
    HostConfig: { NetworkMode: 'bridge', ...host },
    NetworkSettings: { Networks: Object.fromEntries(networks.map((name) => [name, {}])) },
  } as unknown as Container;
}

function made(model: Container, addresses = { a: '127.0.0.1:8001', b: '127.0.0.1:8002' }, environment = {}) {
  const labels = { 'sluice.route': 'web' };
  return templateOf(model, image, 'a', { slot: 'b', release: canary, image: 'new', labels, environment, addresses });
}

const hostOf = (model: Container) => made(model).body['HostConfig'];

describe('a container like another one', () => {
  it('takes nothing from the old image, so that the new one’s own defaults hold', () => {
    const { Image: runs, Env, Labels, ...rest } = made(container()).body;
    expect([runs, Env, Labels]).toEqual(['new', [], { 'sluice.route': 'web' }]);
    expect(Object.keys(rest)).toEqual(['HostConfig']);
  });

  it('takes what its operator said over it', () => {
    const said = { Env: ['PATH=/bin', 'BUILD=1', 'MODE=fast'], User: 'root', WorkingDir: '/tmp', StopSignal: 'SIGINT' };
    const more = { Labels: { vendor: 'x', team: 'shop' }, ExposedPorts: { '8080/tcp': {}, '9090/tcp': {} } };
    expect(made(container({ ...said, ...more, StopTimeout: 30 })).body).toMatchObject({
      ...{ Env: ['MODE=fast'], User: 'root', WorkingDir: '/tmp', StopSignal: 'SIGINT', StopTimeout: 30 },
      ...{ Labels: { team: 'shop', 'sluice.route': 'web' }, ExposedPorts: { '9090/tcp': {} } },
    });
  });

  it('takes a command with its entry point, and a command alone', () => {
    expect(made(container({ Entrypoint: ['/sh'], Cmd: [] })).body).toMatchObject({ Entrypoint: ['/sh'], Cmd: [] });
    const alone = made(container({ Cmd: ['work'] })).body;
    expect(alone).toMatchObject({ Cmd: ['work'] });
    expect(alone).not.toHaveProperty('Entrypoint');
  });

  it('fills in what differs between slots and releases, in place of what stood there', () => {
    const model = container({ Env: ['PORT=8001', 'RELEASE=v1', 'COPY={{label}}'] });
    const environment = { PORT: '{{port}}', RELEASE: '{{label}}', WHERE: '{{slot}}/{{digest}}' };
    expect(made(model, undefined, environment).body['Env']).toEqual([
      ...['COPY={{label}}', 'PORT=8002', `RELEASE=${canary.label}`, `WHERE=b/${canary.digest}`],
    ]);
  });

  it('publishes its slot’s port in place of the other’s, and no other port differently', () => {
    const bindings = {
      '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: '8001' }],
      '9/tcp': [{ HostPort: '90' }],
      '1/tcp': null,
    };
    expect(hostOf(container({}, { PortBindings: bindings }))).toMatchObject({
      PortBindings: {
        '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: '8002' }],
        '9/tcp': [{ HostPort: '90' }],
        '1/tcp': null,
      },
    });
  });

  it('keeps mounts, limits and rights, and what this version knows nothing of', () => {
    const host = { Binds: ['/d:/d:ro'], Memory: 5, CapDrop: ['ALL'], ReadonlyRootfs: true, Novelty: { on: true } };
    expect(hostOf(container({}, host))).toMatchObject(host);
  });

  it('comes back with the host and stays stopped once it was stopped', () => {
    const policy = (Name: string) =>
      hostOf(container({}, { RestartPolicy: { Name, MaximumRetryCount: 3 }, AutoRemove: true }));
    for (const name of ['', 'no', 'always', 'unless-stopped']) {
      expect(policy(name)).toMatchObject({ RestartPolicy: { Name: 'unless-stopped' }, AutoRemove: false });
    }
    expect(policy('on-failure')).toMatchObject({ RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } });
  });

  it('is nobody else’s: labels of Compose, of Podman and of an earlier effect stay behind', () => {
    const labels = { 'com.docker.compose.project': 'shop', 'io.podman.x': '1', 'sluice.fence': '3', team: 'shop' };
    expect(made(container({ Labels: labels })).body['Labels']).toEqual({ team: 'shop', 'sluice.route': 'web' });
  });

  it('says what Podman says in words that it understands', () => {
    const host = {
      Runtime: 'oci',
      CgroupnsMode: '',
      Dns: null,
      Ulimits: [{ Name: 'RLIMIT_NOFILE', Soft: 1, Hard: 2 }],
    };
    const body = hostOf(container({}, host));
    expect(body).toMatchObject({ Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }] });
    for (const key of ['Runtime', 'CgroupnsMode', 'Dns']) expect(body).not.toHaveProperty(key);
  });

  it('is known by its slot’s name in the same networks, when it is dialled by name', () => {
    const model = container({}, { NetworkMode: 'front' }, ['back', 'front', 'bridge']);
    const template = made(model, { a: 'web-a:8080', b: 'web-b:8080' });
    expect(template.body['NetworkingConfig']).toEqual({ EndpointsConfig: { front: { Aliases: ['web-b'] } } });
    expect([template.networks, template.aliases]).toEqual([['back'], ['web-b']]);
  });

  it('has no network, name or host name of its own where it shares another’s', () => {
    for (const NetworkMode of ['host', 'none', 'container:abc']) {
      const template = made(container({ Hostname: 'box' }, { NetworkMode }, ['front', 'back']));
      expect(template.networks).toEqual([]);
      expect(template.body).not.toHaveProperty('NetworkingConfig');
      expect(template.body).not.toHaveProperty('Hostname');
    }
    expect(made(container({ Hostname: 'box' })).body).toMatchObject({ Hostname: 'box' });
    expect(made(container({ Hostname: 'ffffffffffff' })).body).not.toHaveProperty('Hostname');
  });
});
