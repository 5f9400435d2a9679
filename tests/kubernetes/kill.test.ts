import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../plan/status.ts';
import { type ClusterWorld, startClusterWorld } from '../../testbed/kubernetes/world.ts';
import { waitFor } from '../../testbed/wait.ts';
import type { Worker } from '../../testbed/world/commands.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { historiesThatDoNotReplay } from '../servers/replays.ts';
import { idOf, type Rollouts } from '../servers/rollouts.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { sharedPlane } from './cluster.ts';
import { deploymentPath } from './on-cluster.ts';
import { canaryAnswersAfterZero, expectInOrder, rolloutsOn } from './rollouts.ts';

const plane = sharedPlane();
const sound = ['one', 'two', 'three', 'four', 'five'];
const bad = ['bad-early', 'bad-late'];
const stopped = 'stopped';
const names = [stopped, 'bad-early', 'one', 'two', 'bad-late', 'three', 'four', 'five'];
const alone = ['clock', 'half', 'pair-one', 'pair-two'];
const stepsBp = [500, 2_500, 10_000];
const steps = ['5%', '25%', '100%'].map((weight) => ({ weight, bake: '2s..10m' }));

let world: ClusterWorld;
let rollouts: Rollouts;
let worker: Worker;

beforeAll(async () => {
  const service = (name: string) => (name === 'bad-early' ? { name, releases: { v2: { errorRate: 1 } } } : name);
  world = await startClusterWorld({
    folder: temporaryFolder('kill'),
    plane,
    services: [...names, ...alone].map(service),
  });
  rollouts = await rolloutsOn(world);
  worker = await world.startWorker();
  for (const name of names) world.load(name, { ratePerSecond: bad.includes(name) ? 40 : 10, maxSeconds: 900 });
  for (const name of alone) world.load(name, { ratePerSecond: 10, maxSeconds: 900 });
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

const routePatches = { method: 'PATCH', path: /\/httproutes\// } as const;

/** Dies after the API server has done what it was asked and before it is told so; the next worker cannot know. */
async function killInTheMiddleOfAWrite(): Promise<void> {
  const hanging = world.api.hold({ ...routePatches, where: 'answer' });
  const since = Date.now();
  const isDone = () =>
    world.api.entries().some(({ at, fault, status, path }) => {
      return at >= since && fault === 'hold' && status === 200 && routePatches.path.test(path);
    });
  await waitFor(isDone, { for: 'a write whose answer is held back', withinMs: 90_000 });
  await worker.kill();
  hanging.release();
}

describe('eight staggered rollouts whose worker is killed with -9 three times', () => {
  it('end as they should, and each route was told only what the plan and the order of going back allow', async () => {
    const startAll = async () => {
      for (const [index, service] of names.entries()) {
        await rollouts.start({ service, steps, judged: bad.includes(service) });
        if (![3, 5, 7].includes(index)) continue;
        await killInTheMiddleOfAWrite();
        worker = await world.startWorker();
      }
    };
    const has = (name: string, bp: number) => world.weightsSeen(name).includes(bp);
    const disturb = async () => {
      await waitFor(() => has(stopped, 500), { for: `${stopped} at 5 %`, withinMs: 150_000 });
      await rollouts.abort(stopped, 'enough seen');
      await waitFor(() => has('bad-late', 500), { for: 'bad-late at 5 %', withinMs: 200_000 });
      world.setFaults('bad-late', 'v2', { errorRate: 1 });
    };
    await Promise.all([startAll(), disturb()]);
    const ends = await Promise.all(names.map(async (name) => [name, (await rollouts.ended(name)).outcome] as const));
    const expected = names.map((name) => [name, sound.includes(name) ? 'completed' : 'rolled-back']);
    expect(ends).toEqual(expected);
    for (const name of sound) {
      expect([name, ...world.weightsSeen(name)]).toEqual([name, ...stepsBp]);
      await expectInOrder(world, name, stepsBp, 'v2');
    }
    for (const name of [...bad, stopped]) {
      await expectInOrder(world, name, stepsBp, 'v1');
      expect([name, await canaryAnswersAfterZero(world, rollouts, name)]).toEqual([name, 0]);
    }
  }, 420_000);
});

describe('a worker', () => {
  it('that dies again and again in a bake neither hastens nor loses its clock', async () => {
    const service = 'clock';
    await rollouts.start({ service, steps: [{ weight: '25%', bake: '30s..10m' }, ...steps.slice(2)] });
    let counted = 2_000;
    for (let deaths = 0; deaths < 3; deaths += 1) {
      const isOn = ({ bake }: Status) => (bake?.validMs ?? 0) >= counted;
      const { bake } = await rollouts.until(service, `a clock of ${String(counted)} ms`, isOn);
      counted = bake?.validMs ?? NaN;
      await worker.kill();
      worker = await world.startWorker();
    }
    expect((await rollouts.ended(service)).outcome).toBe('completed');
    expect(world.weightsSeen(service)).toEqual([2_500, 10_000]);
    const firstAt = (bp: number) => world.routeWrites(service).find(({ canaryBp }) => canaryBp === bp)?.at ?? NaN;
    expect(firstAt(10_000) - firstAt(2_500)).toBeGreaterThanOrEqual(29_500);
  });

  it('that dies between zero and restoring stable leaves that to the next one, cancelled or not (T-29)', async () => {
    const service = 'half';
    const { namespace } = world.service(service);
    await rollouts.start({ service, steps: [{ weight: '100%', bake: '1s..10m' }], watch: '10m' });
    await rollouts.until(service, 'its watch', ({ phase }) => phase === 'watching');
    const restoring = world.api.hold({
      method: 'PATCH',
      path: new RegExp(`^${deploymentPath(namespace, service)}`),
      body: new RegExp(`/image".*${world.digest(service, 'v1')}`, 's'),
      where: 'request',
    });
    await rollouts.abort(service, 'enough seen');
    await waitFor(() => restoring.count() > 0, { for: 'stable being restored', withinMs: 60_000 });
    expect(world.weightsSeen(service)).toEqual([10_000, 0]);
    await worker.kill();
    await rollouts.session.client.workflow.getHandle(idOf(service)).cancel();
    worker = await world.startWorker();
    restoring.release();
    const { outcome } = await rollouts.ended(service);
    expect(outcome).toBe('rolled-back');
    const ends = (await rollouts.timeline(service)).filter(({ code }) => code.startsWith('outcome'));
    expect(ends.map(({ code }) => code)).toEqual(['outcome:rolled-back']);
    expect(await canaryAnswersAfterZero(world, rollouts, service)).toBe(0);
    await expectInOrder(world, service, [10_000], 'v1');
  });

  it('that is one of two and dies in a write is stood in for by the other', async () => {
    const other = await world.startWorker();
    const pair = ['pair-one', 'pair-two'];
    for (const service of pair) await rollouts.start({ service, steps });
    await killInTheMiddleOfAWrite();
    expect(other.ended()).toBeNull();
    for (const service of pair) {
      expect((await rollouts.ended(service)).outcome).toBe('completed');
      expect(world.weightsSeen(service)).toEqual(stepsBp);
      expect(violations(world.routeWrites(service), { stepsBp, ended: true })).toEqual([]);
    }
  });

  it('never leaves a history that does not replay', async () => {
    expect(await historiesThatDoNotReplay(rollouts)).toEqual([]);
  });
});
