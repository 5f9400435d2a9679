import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routePathOf } from '../../testbed/kubernetes/route-record.ts';
import { type ClusterWorld, startClusterWorld } from '../../testbed/kubernetes/world.ts';
import type { Entry, FaultRule } from '../../testbed/recorder.ts';
import { waitFor } from '../../testbed/wait.ts';
import type { Rollouts } from '../servers/rollouts.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { routeNow } from './by-hand.ts';
import { sharedPlane } from './cluster.ts';
import { deploymentPath, imageAt } from './on-cluster.ts';
import { canaryAnswersAfterZero, expectInOrder, rolloutsOn } from './rollouts.ts';

const plane = sharedPlane();
const folder = temporaryFolder('api-faults');
const services = ['slow', 'cut', 'late', 'racing', 'raced', 'together', 'edited', 'ghost', 'nowhere', 'too-late'];

let world: ClusterWorld;
let rollouts: Rollouts;

beforeAll(async () => {
  world = await startClusterWorld({ folder, plane, services, within: '4s' });
  rollouts = await rolloutsOn(world);
  await world.startWorker();
  for (const name of services) world.load(name, { ratePerSecond: 10, maxSeconds: 900 });
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

const ladder = (bake: string) => [
  { weight: '5%', bake: '1s..10m' },
  { weight: '25%', bake },
  { weight: '100%', bake: '1s..10m' },
];
const ladderBp = [500, 2_500, 10_000];

const exactly = (path: string) => new RegExp(`^${path.replaceAll(/[.]/g, '\\.')}(\\?|$)`);

/** Writes of a service's route that say this of their stage. */
function routeWriting(service: string, stage: RegExp): Pick<FaultRule, 'method' | 'path' | 'body'> {
  // The claim is a string inside the patch: its quotes are escaped.
  return { method: 'PATCH', path: exactly(routePathOf(world.service(service))), body: stage };
}

const secondStep = /\\"index\\":1[,}]/;
const goingBack = /\\"kind\\":\\"back\\"/;

/** Writes that give stable's own Deployment a release. */
function giving(service: string, label: string): Pick<FaultRule, 'method' | 'path' | 'body'> {
  const { namespace } = world.service(service);
  const body = new RegExp(`/image".*${world.digest(service, label)}`, 's');
  return { method: 'PATCH', path: exactly(deploymentPath(namespace, service)), body };
}

const matching = ({ path, body }: Pick<FaultRule, 'path' | 'body'>): readonly Entry[] =>
  world.api
    .entries()
    .filter((entry) => entry.method === 'PATCH' && path?.test(entry.path) === true && body?.test(entry.requestBody));

async function expectBack(service: string, reason: RegExp | string, seen: readonly number[]): Promise<void> {
  const { outcome, reason: why } = await rollouts.ended(service);
  expect([service, outcome]).toEqual([service, 'rolled-back']);
  expect(why).toMatch(reason);
  expect(world.weightsSeen(service)).toEqual(seen);
  expect((await routeNow(world, service)).bySlot).toEqual({ a: 10_000, b: 0 });
  expect(await canaryAnswersAfterZero(world, rollouts, service)).toBe(0);
  await expectInOrder(world, service, ladderBp, 'v1');
}

describe.concurrent('between Sluice and the API server', () => {
  it('answers come later than the time-out and the write was applied: it is found by reading back, not written twice', async () => {
    const shift = { ...routeWriting('slow', secondStep), times: 1 };
    world.api.fault({ ...shift, fault: { kind: 'delay', ms: 6_000, where: 'answer' } });
    await rollouts.start({ service: 'slow', steps: ladder('1s..10m') });
    expect(await rollouts.ended('slow')).toMatchObject({ outcome: 'completed', reason: null });
    expect(matching(shift).filter(({ fault }) => fault === 'delay')).toMatchObject([{ status: 200 }]);
    const shifts = world.routeWrites('slow').filter(({ claim }) => claim?.stage['index'] === 1);
    expect(shifts.filter(({ canaryBp }) => canaryBp === 2_500)).toHaveLength(1);
    expect(world.weightsSeen('slow')).toEqual(ladderBp);
    await expectInOrder(world, 'slow', ladderBp, 'v2');
  });

  it('connections break in the middle of everything: each effect happens once all the same', async () => {
    const { namespace } = world.service('cut');
    const path = new RegExp(`/namespaces/${namespace}/`);
    world.api.fault({ method: 'GET', path, times: 1, fault: { kind: 'drop', where: 'answer' } }); // of preflight
    await rollouts.start({ service: 'cut', steps: ladder('1s..10m') });
    for (const [method, times] of [
      ['GET', 12],
      ['PATCH', 3],
      ['DELETE', 1],
    ] as const) {
      world.api.fault({ method, path, times, fault: { kind: 'drop', where: 'answer' } });
    }
    expect(await rollouts.ended('cut')).toMatchObject({ outcome: 'completed', reason: null });
    expect(world.weightsSeen('cut')).toEqual(ladderBp);
    await expectInOrder(world, 'cut', ladderBp, 'v2');
  });

  it('a shift hangs while it is aborted: zero is written past it, and the late write is refused', async () => {
    const service = 'late';
    const shift = routeWriting(service, secondStep);
    const hanging = world.api.hold({ ...shift, where: 'request' });
    await rollouts.start({ service, steps: ladder('10m..1h') });
    await waitFor(() => hanging.count() > 0, { for: 'a shift that hangs', withinMs: 60_000 });
    await rollouts.abort(service, 'enough seen');
    expect(await rollouts.ended(service)).toMatchObject({ outcome: 'rolled-back', weights: { acceptedBp: 0 } });
    hanging.release();
    await waitFor(() => matching(shift).length === hanging.count(), { for: 'the late write to arrive' });
    for (const { status } of matching(shift)) expect([409, 422]).toContain(status);
    await expectBack(service, 'aborted by olga: enough seen', [500, 0]);
  });

  it.each([
    ['racing', 'request'],
    ['raced', 'answer'],
  ] as const)(
    'an abort races the promotion (%s): the %s of the write to stable is held back, and stable ends as it was',
    async (service, where) => {
      const promoting = giving(service, 'v2');
      const hanging = world.api.hold({ ...promoting, where });
      await rollouts.start({ service, steps: [{ weight: '100%', bake: '1s..10m' }] });
      await waitFor(() => hanging.count() > 0, { for: 'a promotion that hangs', withinMs: 90_000 });
      await rollouts.abort(service, 'enough seen');
      const { outcome } = await rollouts.ended(service);
      expect([service, outcome]).toEqual([service, 'rolled-back']);
      hanging.release();
      await waitFor(() => matching(promoting).length === hanging.count(), { for: 'the late write to arrive' });
      if (where === 'request') for (const { status } of matching(promoting)) expect([409, 422]).toContain(status);
      const { namespace } = world.service(service);
      expect(await imageAt(plane, namespace, service)).toContain(world.digest(service, 'v1'));
      expect(world.weightsSeen(service)).toEqual([10_000, 0]);
      expect(await canaryAnswersAfterZero(world, rollouts, service)).toBe(0);
      await expectInOrder(world, service, [10_000], 'v1');
    },
  );

  it('a promotion waits to keep the old release warm while it is aborted: that one ran nowhere, and stable ends as it was', async () => {
    const service = 'nowhere';
    const { namespace } = world.service(service);
    // Of the way forward alone: the way back gives the same image, and says that it goes back.
    const image = String.raw`[^\\]"image":"[^"\\]*@${world.digest(service, 'v1')}"`;
    const body = new RegExp(String.raw`^(?!.*\\"kind\\":\\"back\\").*${image}`, 's');
    const warming = { method: 'PATCH', path: exactly(deploymentPath(namespace, `${service}-canary`)), body };
    const hanging = world.api.hold({ ...warming, where: 'request' });
    const users = world.load(service, { ratePerSecond: 20, maxSeconds: 900 });
    await rollouts.start({ service, steps: [{ weight: '100%', bake: '1s..10m' }] });
    await waitFor(() => hanging.count() > 0, { for: 'a promotion that hangs', withinMs: 150_000 });
    for (const name of [service, `${service}-canary`]) {
      expect(await imageAt(plane, namespace, name)).toContain(world.digest(service, 'v2'));
    }
    expect((await routeNow(world, service)).bySlot).toEqual({ a: 10_000, b: 0 });
    await rollouts.abort(service, 'enough seen');
    const { outcome } = await rollouts.ended(service);
    expect([service, outcome]).toEqual([service, 'rolled-back']);
    hanging.release();
    await waitFor(() => matching(warming).length === hanging.count(), { for: 'the late write to arrive' });
    for (const { status } of matching(warming)) expect([404, 409, 422]).toContain(status);
    const seen = world.weightsSeen(service);
    expect([seen[0], seen.at(-1)]).toEqual([10_000, 0]);
    expect(await canaryAnswersAfterZero(world, rollouts, service)).toBe(0);
    await expectInOrder(world, service, [10_000], 'v1');
    await users.stop();
    const { failed, byRelease } = users.counts();
    expect({ failed, statuses: Object.values(byRelease).flatMap((each) => Object.keys(each)) }).toEqual({
      failed: 0,
      statuses: ['200', '200'],
    });
  }, 300_000);

  it('a canary is created when its rollout has ended: it gets no pod, and the next rollout takes it', async () => {
    const service = 'too-late';
    const { namespace } = world.service(service);
    const path = new RegExp(
      `/namespaces/${namespace}/(services|deployments)/${service}-canary\\?fieldManager=sluice%2F`,
    );
    const creating = { method: 'PATCH', path };
    const hanging = world.api.hold({ ...creating, where: 'request' });
    await rollouts.start({ service, steps: ladder('1s..10m') });
    await waitFor(() => hanging.count() >= 2, { for: 'a canary that is being created', withinMs: 60_000 });
    await rollouts.abort(service, 'enough seen');
    expect((await rollouts.ended(service)).outcome).toBe('aborted');
    hanging.release();
    const created = () => world.api.entries().filter((entry) => path.test(entry.path) && entry.error === null);
    await waitFor(() => created().length === hanging.count(), { for: 'the late writes to arrive' });
    expect(created().some(({ status }) => status === 201)).toBe(true);
    const late = () => plane.api.read(`/apis/apps/v1/namespaces/${namespace}/deployments/${service}-canary`);
    const isSeen = async () => JSON.stringify(await late()).includes('"reason":"DeploymentPaused"');
    await waitFor(isSeen, { for: 'the controller to see the late canary', withinMs: 60_000 });
    expect(plane.processes(namespace).filter(({ label }) => label === 'v2')).toEqual([]);
    await rollouts.start({ service, steps: ladder('1s..10m') });
    expect(await rollouts.ended(service)).toMatchObject({ outcome: 'completed', reason: null });
    expect(world.weightsSeen(service)).toEqual(ladderBp);
    expect(await imageAt(plane, namespace, service)).toContain(world.digest(service, 'v2'));
    expect(await imageAt(plane, namespace, `${service}-canary`)).toBeNull();
  });

  it('an abort together with a pause is in effect', async () => {
    const service = 'together';
    await rollouts.start({ service, steps: ladder('10m..1h') });
    await rollouts.baking(service, 2_500);
    const [, abort] = await Promise.all([rollouts.order(service, 'pause'), rollouts.order(service, 'abort')]);
    expect(abort).toMatchObject({ message: 'abort', state: 'confirmed' });
    await expectBack(service, /^aborted by olga/, [500, 2_500, 0]);
  });

  it('an edited step list after an abort raises nothing', async () => {
    const service = 'edited';
    await rollouts.start({ service, steps: ladder('10m..1h') });
    await rollouts.baking(service, 2_500);
    const hanging = world.api.hold({ ...routeWriting(service, goingBack), where: 'request' });
    await rollouts.abort(service, 'enough seen');
    await waitFor(() => hanging.count() > 0, { for: 'zero on its way', withinMs: 60_000 });
    const file = join(folder, `${service}.edited.yaml`);
    const text = readFileSync(join(folder, `${service}.rollout.yaml`), 'utf8');
    writeFileSync(
      file,
      text.replace(/weight: 100%\s+bake: 1s/, (last) => last.replace('1s', '5s')),
    );
    const edit = await rollouts.run('edit', service, file, '--by', 'rita', '--reason', 'faster');
    hanging.release();
    expect(edit.code).not.toBe(0);
    expect(`${edit.stdout}${edit.stderr}`).toMatch(/going back/);
    await expectBack(service, 'aborted by olga: enough seen', [500, 2_500, 0]);
  });

  it('a canary Service that is gone before its first weight, which the Gateway hides, is never taken for live', async () => {
    const service = 'ghost';
    const gates = [{ id: 'go', at: 'before-step', steps: ['5%'], require: [{ atLeast: 1, of: 'sre' }], expires: '1h' }];
    await rollouts.start({ service, steps: ladder('1s..10m'), gates });
    await rollouts.gate(service, 'go@5%');
    const { namespace } = world.service(service);
    await plane.api.remove(`/api/v1/namespaces/${namespace}/services/${service}-canary`);
    const before = world.api.entries().length;
    await rollouts.answer(service, 'go@5%', 'ana');
    const isLook = ({ path }: Entry) => path.includes(namespace) && path.includes(`service-name%3D${service}-canary`);
    const looks = () => world.api.entries().slice(before).filter(isLook).length;
    await waitFor(() => looks() >= 20, { for: 'many looks at who stands behind it', withinMs: 90_000 });
    expect((await rollouts.status(service)).phase).not.toBe('baking');
    await rollouts.abort(service, 'it does not come');
    const { outcome } = await rollouts.ended(service);
    expect(outcome).toBe('aborted');
    expect(world.weightsSeen(service)).toEqual([]);
    expect(world.requestsSince(service, 0)).toEqual([]);
  });
});
