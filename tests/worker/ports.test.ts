import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ports } from '../../activities/ports.ts';
import { preflight } from '../../activities/preflight.ts';
import { compile } from '../../plan/compile.ts';
import { planDigest } from '../../plan/digest.ts';
import type { CaddyTargetPlan } from '../../plan/target.ts';
import { createClock } from '../../providers/clock.ts';
import { createCluster } from '../../providers/cluster.ts';
import { createDirectory } from '../../providers/directory/directory.ts';
import { createEngine } from '../../providers/engine.ts';
import { createHttp } from '../../providers/http.ts';
import { createSecrets } from '../../providers/secrets/secrets.ts';
import { createSmokeFiles } from '../../providers/smoke/files.ts';
import { createSockets } from '../../providers/sockets.ts';
import type { Runs } from '../../providers/ports.ts';
import { parseSpec } from '../../spec/rollout.ts';
import { parseWorkerConfig } from '../../spec/worker-config.ts';
import { siteOf } from '../../worker/caddy-sites.ts';
import { createLog } from '../../worker/logger.ts';
import { createMetrics } from '../../worker/metrics.ts';
import { createPorts } from '../../worker/ports.ts';

const heard: IncomingHttpHeaders[] = [];
const written: string[] = [];
let server: Server;
let url = '';

beforeEach(async () => {
  heard.length = 0;
  written.length = 0;
  server = createServer((request, response) => {
    heard.push(request.headers);
    const result = { resultType: 'vector', result: [{ metric: {}, value: [0, '1'] }] };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ status: 'success', data: result }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function configured() {
  const result = parseWorkerConfig(
    `apiVersion: sluice/v1
kind: Worker
directory: ./directory.yaml
connections:
  bearer: { kind: prometheus, url: "${url}", auth: { bearer: { env: PROM_TOKEN } }, headers: { X-Scope-OrgID: team } }
  basic: { kind: prometheus, url: "${url}", auth: { basic: { user: prom, password: { env: PROM_PASSWORD } } } }
  edge:
    kind: caddy
    admin: http://127.0.0.1:1
    public: http://127.0.0.1:1
    persistence: { hook: "http://127.0.0.1:1/persist" }
    routes:
      web:
        match: { host: web.example }
        slots: { a: 127.0.0.1:8001, b: 127.0.0.1:8002 }
        deploy: { kind: hook, url: "http://127.0.0.1:1", auth: { basic: { user: sluice, password: { env: HOOK_TOKEN } } } }
notify: [{ kind: webhook, name: ops, url: "${url}/hook" }]
`,
    'worker.yaml',
  );
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
}

const credentials = new Map([
  ['PROM_TOKEN', 'token-1'],
  ['PROM_PASSWORD', 'password-1'],
  ['HOOK_TOKEN', 'hook-1'],
]);

const noRuns: Runs = {
  orphaned: async () => [],
  troubled: async () => [],
  open: async () => [],
  latest: async () => null,
  origin: async () => null,
  terminate: async () => undefined,
  revert: async () => false,
};

async function ports(directoryProblem: string | null = null): Promise<Ports> {
  return createPorts({
    config: configured(),
    credentials,
    clock: createClock(),
    http: createHttp(),
    sockets: createSockets(),
    engine: createEngine,
    cluster: (access) => createCluster(access, createClock()),
    wrongByMs: () => 0,
    files: createSmokeFiles(null),
    archive: null,
    random: () => 'r',
    directory: createDirectory({ load: async () => ({ identity: 'trust', people: {} }) }),
    directoryProblem: () => directoryProblem,
    secrets: await createSecrets({ from: 'env', prefix: 'X_', env: {}, alsoRedact: ['token-1'] }),
    rollouts: { isRunning: async () => false },
    runs: noRuns,
    observer: createMetrics({ now: () => 0, states: async () => new Map() }).observer,
    log: createLog({ level: 'info', redact: (line) => line, to: { write: (line: string) => void written.push(line) } }),
  });
}

const web: CaddyTargetPlan = { kind: 'caddy', connection: 'edge', route: 'web', preview: null, drainMs: 0 };

describe('connections', () => {
  it('are asked with the credentials and headers that the operator declared', async () => {
    const all = await ports();
    await all.metrics('bearer').ping();
    await all.metrics('basic').ping();
    expect(heard[0]).toMatchObject({ authorization: 'Bearer token-1', 'x-scope-orgid': 'team' });
    expect(heard[1]?.authorization).toBe(`Basic ${Buffer.from('prom:password-1').toString('base64')}`);
  });

  it.each(['nope', 'constructor', '__proto__'])('called %s are refused, whatever a spec says', async (name) => {
    const all = await ports();
    const missing = expect.objectContaining({ name: 'ProviderError', code: 'missing' }) as Error;
    expect(() => all.metrics(name)).toThrow(missing);
    expect(() => all.target({ ...web, connection: name })).toThrow(missing);
    expect(() => all.target({ ...web, route: name })).toThrow(missing);
  });

  it('that are away are told by preflight all at once', async () => {
    server.close();
    const parsed = parseSpec(readFileSync('examples/minimal.yaml', 'utf8'), 'minimal.yaml');
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const able = { granularityBp: 1, fenced: true, preview: true, affinity: false, scales: false, instantRevert: true };
    const image = parsed.value.release.image;
    const compiled = compile(parsed.value, { image, digest: `sha256:${'b'.repeat(64)}`, label: 'v2' }, able);
    if (!compiled.ok || compiled.plan.metrics === null) throw new Error('the example is no plan with metrics');
    const plan = { ...compiled.plan, target: web, metrics: { ...compiled.plan.metrics, connection: 'bearer' } };
    const input = { plan, planDigest: planDigest(plan), rollout: 'rollout/p/web', run: 'run-1', requester: 'rita' };
    const { problems } = await preflight(await ports(), input, new AbortController().signal);
    const said = problems.map(({ message }) => message).join('\n');
    expect(said).toMatch(/^metrics bearer: POST http/m);
    expect(said).toMatch(/^Caddy's admin API cannot be read: .*[^.]$/m);
  });

  it('lack secrets and files that smoke needs: preflight tells each once, by its name', async () => {
    const parsed = parseSpec(readFileSync('examples/smoke.yaml', 'utf8'), 'smoke.yaml');
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const able = { granularityBp: 1, fenced: true, preview: true, affinity: false, scales: false, instantRevert: true };
    const image = parsed.value.release.image;
    const compiled = compile(parsed.value, { image, digest: `sha256:${'b'.repeat(64)}`, label: 'v2' }, able);
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
    const plan = { ...compiled.plan, target: web };
    const input = { plan, planDigest: planDigest(plan), rollout: 'rollout/p/web', run: 'run-1', requester: 'rita' };
    const { problems } = await preflight(await ports(), input, new AbortController().signal);
    const said = problems.filter(({ code }) => code.startsWith('s')).map(({ code, message }) => [code, message]);
    expect(said).toEqual([
      ...['SMOKE_PASSWORD', 'WHATSAPP_APP_SECRET', 'SMOKE_JWT'].map((name) => [
        'secret.missing',
        `secret ${name} has no value on this worker`,
      ]),
      ['smoke.file', 'file test/fixture.jpg is not among the smoke files of this worker: see smoke.files there'],
    ]);
  });

  it('are not taken for those of another kind', async () => {
    const all = await ports();
    expect(() => all.metrics('edge')).toThrow('use connection edge for prometheus: it is of kind caddy');
    expect(() => all.target({ ...web, connection: 'bearer' })).toThrow(
      'use connection bearer for caddy: it is of kind prometheus',
    );
  });

  it('of a Caddy become what its target needs of one route', () => {
    const edge = configured().connections['edge'];
    if (edge?.kind !== 'caddy') throw new Error('not a Caddy');
    expect(siteOf(edge, web, { credentials, engine: createEngine })).toEqual({
      admin: 'http://127.0.0.1:1',
      public: 'http://127.0.0.1:1',
      persistence: { hook: 'http://127.0.0.1:1/persist' },
      route: {
        server: undefined,
        match: { host: 'web.example', path: undefined },
        slots: { a: '127.0.0.1:8001', b: '127.0.0.1:8002' },
        longLived: false,
        deploy: {
          kind: 'hook',
          url: 'http://127.0.0.1:1',
          auth: { kind: 'basic', user: 'sluice', password: expect.any(Function) as unknown },
        },
      },
    });
  });
});

describe('what doctor hears', () => {
  const answerOf = async (all: Ports, name: string) => {
    const connection = all.connections.find((one) => one.name === name);
    return connection?.ping().catch((error: unknown) => error as Error);
  };

  it('is every connection by name, and the directory', async () => {
    const all = await ports();
    expect(all.connections.map(({ name }) => name)).toEqual([
      'bearer',
      'basic',
      'edge, route web',
      'directory',
      'clock',
    ]);
    expect(await answerOf(all, 'clock')).toBe('nothing speaks against the time of this machine');
    expect(await answerOf(all, 'bearer')).toBe('Prometheus answers');
    expect(await answerOf(all, 'edge, route web')).toMatchObject({ name: 'ProviderError', code: 'unreachable' });
    expect(await answerOf(all, 'directory')).toBe('read, identity trust');
  });

  it('tells that the directory in use is not the newest', async () => {
    expect(await answerOf(await ports('directory.yaml:3:1: unknown key'), 'directory')).toMatchObject({
      name: 'ProviderError',
      detail: expect.stringContaining('directory.yaml:3:1') as string,
    });
  });
});

describe('notices', () => {
  it('stand in the log under their rollout, and reach the declared channels', async () => {
    const { notifier } = await ports();
    expect(notifier.channels).toEqual(['ops']);
    const notice = {
      rollout: 'rollout/production/web',
      severity: 'P1',
      key: 'k',
      title: 'Gate go waits',
      text: 'of sre',
    } as const;
    expect(await notifier.send(notice)).toEqual([]);
    expect(JSON.parse(written[0] ?? '')).toMatchObject({
      rollout: notice.rollout,
      severity: 'P1',
      msg: 'Gate go waits',
    });
    expect(heard).toHaveLength(1);
  });
});
