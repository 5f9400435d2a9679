import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '../../cli/exit-codes.ts';
import { describe as describeRollout, explain } from '../../client/index.ts';
import { ask } from '../../testbed/servers/http.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { canaryRequestsAfterZero } from './at-proxy.ts';
import { idOf, Rollouts } from './rollouts.ts';

let world: World;
const folder = temporaryFolder('orders');
let rollouts: Rollouts;

const steps = ['1%', '5%', '25%', '100%'].map((weight) => ({ weight, bake: '2s..60s' }));
const stepsBp = [100, 500, 2_500, 10_000];
const wide = { id: 'wide', at: 'before-step', steps: ['25%'], require: [{ allOf: ['sre'] }], expires: '1h' };

/** A history is full after 40 events here instead of 4,096. */
beforeAll(async () => {
  const dynamicConfig = { 'limit.historyCount.suggestContinueAsNew': 40 };
  world = await startWorld({ folder, services: ['long', 'soak', 'gone', 'spared'], temporal: { dynamicConfig } });
  rollouts = await Rollouts.of(world);
  await world.startWorker();
}, 180_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

async function latestRun(service: string): Promise<string> {
  return (await describeRollout(rollouts.session, idOf(service))).run;
}

describe.concurrent('a history that grows full', () => {
  it('goes on in new runs and loses nothing: ladder, fences, gate, decisions, pause and timeline', async () => {
    const gate = 'wide@25%';
    await rollouts.start({ service: 'long', steps, gates: [{ ...wide, require: [{ atLeast: 2, of: 'sre' }] }] });
    await rollouts.answer('long', gate, 'ana');
    await rollouts.order('long', 'pause');
    const first = await rollouts.status('long');
    const run = await latestRun('long');
    // What counts for nothing fills the history all the same.
    const isLater = async () => {
      await rollouts.session.client.workflow.getHandle(idOf('long')).signal('decide', 'nonsense');
      return (await latestRun('long')) !== run;
    };
    await waitFor(isLater, { for: 'a later run', everyMs: 100, withinMs: 60_000 });
    const { ignored, ...later } = await rollouts.status('long');
    const { phase, startedAt, paused, requests, receipts, weights, run: chain } = first;
    expect(later).toMatchObject({ phase, startedAt, paused, requests, receipts, weights, run: chain });
    expect(ignored.length).toBeGreaterThan(first.ignored.length);
    expect([phase, weights.acceptedBp, requests[0]?.decisions.length]).toEqual(['paused', 500, 1]);
    expect(await rollouts.answer('long', gate, 'sam')).toMatchObject({ outcome: 'recorded', state: 'approved' });
    expect(world.weightsSeenByProxy('long')).toEqual([100, 500]);
    expect((await rollouts.resume('long')).state).toBe('confirmed');
    const last = await rollouts.ended('long');

    expect(last).toMatchObject({ outcome: 'completed', startedAt: first.startedAt });
    expect(world.weightsSeenByProxy('long')).toEqual(stepsBp);
    expect(violations(world.proxyWrites('long'), { stepsBp, ended: true })).toEqual([]);
    const seen = (await rollouts.timeline('long')).map(({ code }) => code);
    expect(
      seen.filter((code) => ['started', 'paused', 'resumed', 'promoted', 'outcome:completed'].includes(code)),
    ).toEqual(['started', 'paused', 'resumed', 'promoted', 'outcome:completed']);
  });
});

describe.concurrent('more soak', () => {
  it('is refused before there is traffic, and before a wider step bakes on and asks again on new evidence', async () => {
    const go = { id: 'go', at: 'start', require: [{ allOf: ['sre'] }], expires: '1h' };
    await rollouts.start({ service: 'soak', steps: steps.slice(1), gates: [go, wide] });
    const moreSoak = (gate: string) => rollouts.run('more-soak', 'soak', gate, '15s', '--by', 'ana');
    await rollouts.gate('soak', 'go');
    expect(await moreSoak('go')).toMatchObject({
      code: exitCodes.ignored.code,
      stdout: expect.stringContaining('nothing soaks before there is traffic') as string,
    });
    await rollouts.answer('soak', 'go', 'ana');

    const asked = await rollouts.gate('soak', 'wide@25%');
    expect(await moreSoak('wide@25%')).toMatchObject({
      code: 0,
      stdout: 'more soak recorded: 15s longer at the present weight, then gate wide@25% asks again\n',
    });
    const baking = await rollouts.until(
      'soak',
      'more bake',
      ({ phase, bake }) => phase !== 'paused' && bake?.state === 'baking',
    );
    expect(baking).toMatchObject({ phase: 'baking', weights: { acceptedBp: 500 } });
    const { waitingFor, otherwise, earliestFinish, at } = await explain(rollouts.session, idOf('soak'));
    expect(waitingFor).toMatch(/^more soak at 5% until .*, as somebody at gate wide@25% asked for$/);
    expect(otherwise).toBe('gate wide@25% asks again when it is clean then');
    expect(earliestFinish).toBeGreaterThan(at);
    const again = await rollouts.gate('soak', 'wide@25%');
    expect(again.evidenceRevision).toBeGreaterThan(asked.evidenceRevision);
    expect(again.openedAt - asked.openedAt).toBeGreaterThanOrEqual(15_000);
    await rollouts.answer('soak', 'wide@25%', 'sam');
    expect((await rollouts.ended('soak')).outcome).toBe('completed');
    expect(world.weightsSeenByProxy('soak')).toEqual(stepsBp.slice(1));
  });
});

describe.concurrent('an abort while the old release is being removed', () => {
  const steps = [{ weight: '100%', bake: '1s' }];
  const gone = { state: 'stopped', release: null };

  it('starts it again beside what serves when it is gone already, and only then gives it all traffic', async () => {
    const { recorder } = world.service('gone');
    const slots = () => world.service('gone').slotStates();
    const load = world.load('gone', { ratePerSecond: 20, maxSeconds: 120 });
    const removal = recorder.hold({ method: 'DELETE', times: 1, where: 'answer' });
    await rollouts.start({ service: 'gone', steps });
    await waitFor(() => removal.count() > 0, { for: 'the removal', withinMs: 60_000 });
    expect((await slots()).a).toMatchObject(gone);
    await rollouts.abort('gone', 'now');
    expect((await rollouts.ended('gone')).outcome).toBe('rolled-back');
    removal.release();

    const started = recorder.entries().find(({ method, path }) => method === 'PUT' && path === '/slots/a');
    const writes = world.proxyWrites('gone');
    const zero = writes.find(({ claim, canaryBp }) => claim?.stage.kind === 'back' && canaryBp === 0);
    expect(started).toMatchObject({ status: 200, requestBody: expect.stringContaining('"v1"') as string });
    expect(zero?.at).toBeGreaterThan((started?.at ?? Infinity) + (started?.ms ?? 0));
    expect(await slots()).toMatchObject({ a: { ready: true, release: { label: 'v1' } }, b: gone });
    expect(violations(writes, { stepsBp: [10_000], ended: true })).toEqual([]);
    expect(writes.at(-1)).toMatchObject({ canaryBp: 0, claim: { released: true } });
    expect(await canaryRequestsAfterZero(world, 'gone')).toBe(0);
    await load.stop();
    const { failed, byRelease } = load.counts();
    expect([failed, Object.values(byRelease).flatMap((codes) => Object.keys(codes))]).toEqual([0, ['200', '200']]);
  });

  it('is not undone by a removal that was held up on its way: the host refuses it', async () => {
    const { recorder, host } = world.service('spared');
    const slots = () => world.service('spared').slotStates();
    const removal = recorder.hold({ method: 'DELETE', times: 1, where: 'request' });
    await rollouts.start({ service: 'spared', steps, keepCanary: '3s' });
    await waitFor(() => removal.count() > 0, { for: 'the removal', withinMs: 60_000 });
    await rollouts.order('spared', 'abort');
    removal.release(); // zero is confirmed by now, and the release under test is still kept
    const late = () => recorder.entries().filter(({ fault }) => fault === 'hold');
    await waitFor(() => late().length > 0, { for: 'the late removal' });
    expect(late()).toMatchObject([{ method: 'DELETE', status: 409 }]);
    expect((await slots()).a).toMatchObject({ ready: true, release: { label: 'v1' } });

    expect((await rollouts.ended('spared')).outcome).toBe('rolled-back');
    expect((await slots()).b).toMatchObject(gone);
    const answer = await ask(`${world.publicUrl}/api/whoami`, { headers: { host } });
    expect(JSON.parse(answer.body)).toMatchObject({ release: 'v1' });
    expect(world.weightsSeenByProxy('spared')).toEqual([10_000, 0]);
  });
});
