import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { grant } from '../../testbed/kubernetes/identity.ts';
import { type ClusterWorld, startClusterWorld } from '../../testbed/kubernetes/world.ts';
import { nameOf, type Rollouts } from '../servers/rollouts.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { sharedPlane } from './cluster.ts';
import { rolloutsOn } from './rollouts.ts';

const plane = sharedPlane();
const folder = temporaryFolder('switches');
const feature = 'SMART_MODE_ENABLED';
let world: ClusterWorld;
let rollouts: Rollouts;

beforeAll(async () => {
  const smart = { errorRate: 0.5, feature };
  const services = [
    { name: 'helped', releases: { v2: smart } },
    { name: 'lost', releases: { v2: { errorRate: 0.5 } } },
    { name: 'byhand', releases: { v2: {} } },
    { name: 'failing', releases: { v2: { errorRate: 0.5 } } },
    { name: 'unready' },
  ];
  world = await startClusterWorld({ folder, plane, services });
  rollouts = await rolloutsOn(world);
  await world.startWorker();
  for (const { name } of services) world.load(name, { ratePerSecond: 20, maxSeconds: 600 });
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

const whoami = { name: 'whoami', get: '/api/whoami', expect: { json: { release: 'v2' } } };
const health = { name: 'health', get: '/healthz' };
const untrue = { name: 'whoami', get: '/api/whoami', expect: { json: { release: 'v3' } } };

interface Switched {
  readonly bake: string;
  readonly suite: unknown;
  readonly place: Readonly<Record<string, unknown>>;
}

/** Errors turn the switch off; `rejudgeAfter` is short, so that the last word comes soon. */
function startSwitched(
  service: string,
  { bake = '4s..10m', suite = whoami, place = envSwitch }: Partial<Switched> = {},
) {
  const steps = [
    { weight: '50%', bake },
    { weight: '100%', bake: '2s..10m' },
  ];
  const rate = (more: string) => `sum(rate(http_requests_total{${world.selects(service)},{{track}}${more}}[5s]))`;
  const query = `(${rate(',code=~"5.."')} or vector(0)) / ${rate('')}`;
  const criteria = [{ id: 'errors', kind: 'limit', query, breach: '> 10%', do: 'flip:smart-mode', severity: 'P1' }];
  const suites = { 'chat-no-ai': { baseUrl: { canary: 'preview' }, requests: [suite] } };
  const switches = [{ id: 'smart-mode', ...place, verify: 'chat-no-ai', rejudgeAfter: '8s' }];
  return rollouts.start({ service, steps, parts: { criteria, switches, smoke: { suites } } });
}

const envSwitch = { kind: 'kubernetes-env', env: feature, off: 'false' };

interface Deployment {
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly Container[] } } };
}
interface Container {
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
}

/** What the containers of a Deployment are started with. */
async function envOf(service: string, name: string): Promise<Readonly<Record<string, unknown>> | null> {
  const { namespace } = world.service(service);
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
  const found = await plane.api.find<Deployment>(path);
  const vars = found?.spec.template.spec.containers[0]?.env;
  return found === null ? null : Object.fromEntries((vars ?? []).map((one) => [one.name, one.value]));
}

describe.concurrent('a kill switch', () => {
  it('that a failing criterion turns off keeps the release, when the release gets well by it', async () => {
    await startSwitched('helped');
    const end = await rollouts.ended('helped');
    expect(end).toMatchObject({ outcome: 'completed', reason: null });
    expect(end.switches).toMatchObject([
      {
        id: 'smart-mode',
        state: 'off',
        by: 'rule',
        detail: expect.stringMatching(/^smoke chat-no-ai passed/) as string,
      },
    ]);
    expect(world.weightsSeen('helped')).toEqual([5_000, 10_000]);
    expect(await envOf('helped', world.service('helped').name)).toEqual({ [feature]: 'false' }); // and nobody turned it on again
    const codes = (await rollouts.timeline('helped')).map(({ code }) => code);
    expect(codes.filter((code) => code === 'flipped')).toHaveLength(1);
  });

  it('that does not help leaves the criterion its last word: it goes back', async () => {
    await startSwitched('lost', { suite: health });
    const end = await rollouts.ended('lost');
    expect(end).toMatchObject({
      outcome: 'rolled-back',
      reason: expect.stringMatching(/^criterion errors failed/) as string,
    });
    expect(end.switches).toMatchObject([{ state: 'off' }]);
    expect(world.weightsSeen('lost')).toEqual([5_000, 0]);
    const timeline = await rollouts.timeline('lost');
    const at = (code: string) => timeline.find((event) => event.code === code)?.at ?? NaN;
    expect(at('turned-back') - at('flipped')).toBeGreaterThanOrEqual(8_000); // not before it was judged again
    expect(await envOf('lost', world.service('lost').name)).toEqual({ [feature]: 'false' });
  });

  it('whose trial fails goes back at once', async () => {
    await startSwitched('failing', { suite: untrue });
    const { outcome, reason } = await rollouts.ended('failing');
    expect([outcome, reason]).toEqual([
      'rolled-back',
      expect.stringMatching(/switch smart-mode did not help: smoke chat-no-ai failed/) as string,
    ]);
  });

  it('is turned off by hand in a ConfigMap, without a rollback and without another weight', async () => {
    const service = 'byhand';
    const { namespace } = world.service(service);
    const flags = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'flags', namespace },
      data: { smart: 'true', other: 'kept' },
    };
    await plane.api.apply(flags);
    await startSwitched(service, {
      bake: '60s..10m',
      place: { kind: 'kubernetes-config', configMap: 'flags', key: 'smart', off: 'false' },
    });
    await rollouts.baking(service, 5_000);
    const unknown = await rollouts.run('flip', service, 'smart', '--by', 'olga');
    expect([unknown.code, unknown.stdout]).toEqual([
      10,
      expect.stringMatching(/ignored: give one of the plan's switches: smart-mode/) as string,
    ]);
    const { code, stdout, stderr } = await rollouts.run(
      'flip',
      service,
      'smart-mode',
      '--by',
      'olga',
      '--reason',
      'nonsense',
    );
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      new RegExp(`${nameOf(service)}: flip by olga at 50% confirmed: smart-mode is off: smoke chat-no-ai passed`),
    );
    const now = await plane.api.find<{ data: unknown }>(`/api/v1/namespaces/${namespace}/configmaps/flags`);
    expect(now?.data).toEqual({ smart: 'false', other: 'kept' });
    const again = await rollouts.run('flip', service, 'smart-mode', '--by', 'olga');
    expect(again.stdout).toMatch(/ignored: smart-mode is already off/);
    expect((await rollouts.status(service)).phase).toBe('baking');
    expect(world.weightsSeen(service)).toEqual([5_000]);
    await rollouts.order(service, 'abort');
    expect((await rollouts.ended(service)).outcome).toBe('rolled-back');
  });

  it('that nobody could turn is found before anything is touched', async () => {
    const place = { kind: 'kubernetes-config', configMap: 'nowhere', key: 'smart', off: 'false' };
    const { namespace } = world.service('unready');
    await grant(plane.api, { namespace, deployment: 'unready', config: 'nowhere' });
    await expect(startSwitched('unready', { place })).rejects.toThrow(
      /switch smart-mode: ConfigMap \S+\/nowhere does not exist/,
    );
    await expect(startSwitched('unready', { place: { ...envSwitch, container: 'sidecar' } })).rejects.toThrow(
      /switch smart-mode: Deployment \S+ has no container sidecar/,
    );
    await expect(startSwitched('unready', { place: { ...envSwitch, env: 'UNNAMED' } })).rejects.toThrow(
      /switch smart-mode: UNNAMED of Deployment \S+ could not be set: .*only its image and its kill switches may change/,
    );
    expect(world.routeWrites('unready')).toEqual([]);
  });
});
