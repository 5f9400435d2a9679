import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Notice } from '../../providers/ports.ts';
import { collectionPath } from '../../testbed/kubernetes/objects.ts';
import { deployment, imageFor, referenceTo, rolledOut } from '../../testbed/kubernetes/workload.ts';
import { type ClusterWorld, startClusterWorld } from '../../testbed/kubernetes/world.ts';
import { waitFor } from '../../testbed/wait.ts';
import { listen, type Loopback } from '../providers/loopback.ts';
import { idOf, type Rollouts } from '../servers/rollouts.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { editByHand, routeNow } from './by-hand.ts';
import { sharedPlane } from './cluster.ts';
import { imageAt } from './on-cluster.ts';
import { canaryAnswersAfterZero, expectInOrder, rolloutsOn } from './rollouts.ts';

const plane = sharedPlane();
const { api } = plane;
const services = ['edited', 'tuned', 'merged', 'early', { name: 'freed', replicas: 3, releases: { v2: {} } }];
let people: Loopback;
let world: ClusterWorld;
let rollouts: Rollouts;

beforeAll(async () => {
  people = await listen(() => ({ status: 204 }));
  world = await startClusterWorld({ folder: temporaryFolder('owners'), plane, services, notify: people.url });
  rollouts = await rolloutsOn(world);
  await world.startWorker();
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
  await people.stop();
});

const load = { ratePerSecond: 10, maxSeconds: 900 };
const quarter = (bake: string) => [
  { weight: '25%', bake },
  { weight: '100%', bake: '1s..10m' },
];

const debug = { env: [{ name: 'LEVEL', value: 'debug' }] };
const quiet = { env: [{ name: 'LEVEL', $patch: 'delete' }] };

/** By the rollout's own title and key. */
const told = (service: string, key: string): readonly Notice[] =>
  people.asked
    .map(({ body }) => JSON.parse(body) as Notice)
    .filter((notice) => notice.rollout === idOf(service) && notice.key.endsWith(`/${key}`));

const byGit = (service: string) => ({ target: { ...world.target(service), promotion: 'gitops' } });

/** What a tool does that applies a commit. */
async function merged(service: string, label: string): Promise<void> {
  const workload = world.service(service);
  const { namespace, name } = workload;
  const image = referenceTo(imageFor(workload, label));
  await api.apply(deployment({ namespace, name, image, labels: { release: label } }));
  await rolledOut(api, namespace, name, 60_000);
}

describe.concurrent('an edit of what pods are made from', () => {
  it("of stable's holds, in a bake and before the promotion, and the rollout goes on once it is taken back", async () => {
    const service = 'edited';
    const { namespace } = world.service(service);
    const gates = [{ id: 'go', at: 'promote', require: [{ atLeast: 1, of: 'sre' }], expires: '1h' }];
    const isEdited = /stable's Deployment was changed by somebody else: the template of edited has more than/;
    await rollouts.start({ service, steps: [{ weight: '100%', bake: '1s..10m' }], gates });
    await rollouts.gate(service, 'go');
    await editByHand(world, service, service, debug);
    await rollouts.held(service, isEdited);
    // Its release is stable still: whoever looked at images alone would promote now.
    expect(await imageAt(plane, namespace, service)).toContain(world.digest(service, 'v1'));
    await editByHand(world, service, service, quiet);
    await rolledOut(api, namespace, service, 60_000);
    await rollouts.resume(service);
    await rollouts.answer(service, 'go', 'ana');
    expect((await rollouts.ended(service)).outcome).toBe('completed');
    await expectInOrder(world, service, [10_000], 'v2');
  });

  it("of the canary's holds, and abort takes it away with the rest of the canary", async () => {
    const service = 'tuned';
    world.load(service, load);
    await rollouts.start({ service, steps: quarter('10m..1h') });
    await rollouts.baking(service, 2_500);
    await editByHand(world, service, `${service}-canary`, debug);
    const reason = "the canary's Deployment was changed by somebody else: the template of tuned-canary has more than";
    await rollouts.held(service, new RegExp(reason));
    expect((await routeNow(world, service)).canaryBp).toBe(2_500);
    await rollouts.abort(service, 'not what was asked for');
    expect((await rollouts.ended(service)).outcome).toBe('rolled-back');
    expect(await canaryAnswersAfterZero(world, rollouts, service)).toBe(0);
    await expectInOrder(world, service, [2_500, 10_000], 'v1');
  });
});

describe.concurrent('a release that Git gives to stable', () => {
  it('is asked for at the promotion, served by the canary meanwhile, and stable once it is merged', async () => {
    const service = 'merged';
    const { namespace } = world.service(service);
    const users = world.load(service, load);
    await rollouts.start({ service, steps: [{ weight: '100%', bake: '1s..10m' }], parts: byGit(service) });
    const tasks = () => told(service, 'promote-by-people');
    await waitFor(() => tasks().length > 0, { for: 'the task', withinMs: 120_000 });
    expect(tasks()).toMatchObject([{ severity: 'P1', text: expect.stringContaining(`${namespace}/merged`) as string }]);
    expect(tasks()[0]?.text).toContain(`@${world.digest(service, 'v2')}`);
    const asked = Date.now();
    const served = () => world.requestsSince(service, asked, 'v2').length >= 20;
    await waitFor(served, { for: 'users of the release', withinMs: 60_000 });
    expect((await rollouts.status(service)).phase).toBe('promoting');
    expect(await imageAt(plane, namespace, service)).toContain(world.digest(service, 'v1'));
    await merged(service, 'v2');
    expect(await rollouts.ended(service)).toMatchObject({ outcome: 'completed', reason: null });
    await users.stop();
    expect(users.counts()).toMatchObject({ failed: 0 });
    expect(tasks()).toHaveLength(1);
    await expectInOrder(world, service, [10_000], 'v2');
  });

  it('too early, at 25 %, is held; abort makes users safe first and ends when the commit is reverted', async () => {
    const service = 'early';
    world.load(service, load);
    await rollouts.start({ service, steps: quarter('20s..10m'), parts: byGit(service) });
    await rollouts.baking(service, 2_500);
    await merged(service, 'v2');
    await rollouts.held(service, /stable's Deployment was changed by somebody else: early has v2 .*, not v1 /);
    expect(world.weightsSeen(service)).toEqual([2_500]);
    await rollouts.abort(service, 'merged too early');
    const zeroed = async () => (await rollouts.timeline(service)).some(({ code }) => code === 'zero');
    await waitFor(zeroed, { for: 'zero', withinMs: 120_000 });
    expect(await canaryAnswersAfterZero(world, rollouts, service)).toBe(0);
    expect((await rollouts.status(service)).outcome).toBeNull();
    expect(await imageAt(plane, world.service(service).namespace, service)).toContain(world.digest(service, 'v2'));
    await merged(service, 'v1');
    expect(await rollouts.ended(service)).toMatchObject({ outcome: 'rolled-back' });
    expect(told(service, 'promote-by-people')).toEqual([]);
    expect((await routeNow(world, service)).bySlot).toEqual({ a: 10_000, b: 0 });
  });
});

describe.concurrent('letting go', () => {
  it("leaves the weights and gives stable's autoscaler its own floor back", async () => {
    const service = 'freed';
    const { namespace } = world.service(service);
    const scalers = collectionPath('autoscaling/v2', 'HorizontalPodAutoscaler', namespace);
    const scaler = {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: service, namespace },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: service },
        ...{ minReplicas: 1, maxReplicas: 6 },
      },
    };
    await api.apply(scaler);
    type Scaler = Pick<typeof scaler, 'spec'> & { readonly metadata: { readonly annotations: object } };
    const now = () => api.read<Scaler>(`${scalers}/${service}`);
    await rollouts.start({ service, steps: quarter('10m..1h') });
    await rollouts.baking(service, 2_500);
    expect((await now()).spec.minReplicas).toBe(3);
    await rollouts.raise(service, 'detach');
    expect(await rollouts.ended(service)).toMatchObject({ outcome: 'detached', warnings: [] });
    const { spec, metadata } = await now();
    expect(spec.minReplicas).toBe(1);
    expect(Object.keys(metadata.annotations)).not.toContain('sluice/min-replicas');
    // What goes on serving is not touched, and whoever goes back by hand still finds the way.
    expect(await routeNow(world, service)).toMatchObject({ canaryBp: 2_500, claim: { released: false } });
    expect(await imageAt(plane, namespace, `${service}-canary`)).toContain(world.digest(service, 'v2'));
  });
});
