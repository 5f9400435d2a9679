import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '../../cli/exit-codes.ts';
import { describe as describeRollout } from '../../client/index.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { idOf, Rollouts } from './rollouts.ts';

let world: World;
const folder = temporaryFolder('hand-over');
let rollouts: Rollouts;
let configFile: string;

const steps = ['5%', '100%'].map((weight) => ({ weight, bake: '2s..60s' }));
const stepsBp = [500, 10_000];
const wide = { id: 'wide', at: 'before-step', steps: ['100%'], require: [{ allOf: ['sre'] }], expires: '1h' };

beforeAll(async () => {
  const three = { v2: {}, v3: {} };
  const services = [
    'iced',
    { name: 'room', releases: three },
    { name: 'look', releases: three },
    'warm',
    'mine',
    'stranger',
    'weak',
    'shared',
    'outside',
    'early',
  ];
  world = await startWorld({ folder, services });
  rollouts = await Rollouts.of(world);
  configFile = (await world.startWorker()).configFile;
}, 180_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

describe.concurrent('a freeze', () => {
  it('lets nothing rise though the bake was clean, people approve and resume, until it is lifted', async () => {
    await rollouts.start({ service: 'iced', steps, gates: [wide] });
    await rollouts.gate('iced', 'wide@100%');
    expect(await rollouts.order('iced', 'freeze')).toMatchObject({ state: 'confirmed', fromBp: 500 });
    await rollouts.answer('iced', 'wide@100%', 'ana');
    expect(await rollouts.resume('iced')).toMatchObject({ state: 'ignored', detail: 'nothing is paused or held' });
    const frozen = await rollouts.until('iced', 'the gate to be passed', ({ requests }) =>
      requests.every(({ state }) => state === 'approved'),
    );
    expect(frozen).toMatchObject({ phase: 'frozen', frozen: { by: 'olga' }, weights: { requestedBp: 500 } });
    expect((await rollouts.run('explain', 'iced')).stdout).toMatch(/freeze by olga to be lifted/);
    expect(await rollouts.raise('iced', 'lift', 'nemo')).toMatchObject({ state: 'ignored' });
    expect(world.weightsSeenByProxy('iced')).toEqual([500]);
    expect(await rollouts.raise('iced', 'lift')).toMatchObject({ state: 'confirmed' });
    expect((await rollouts.ended('iced')).outcome).toBe('completed');
    expect(world.weightsSeenByProxy('iced')).toEqual(stepsBp);
  });
});

describe.concurrent('a newer rollout of the same service', () => {
  it('is refused without --replace; with it the one before goes back, confirmed, before the new one deploys', async () => {
    await rollouts.start({ service: 'room', steps, gates: [wide], keepCanary: '1h' });
    await rollouts.gate('room', 'wide@100%');
    const next = rollouts.startLine({ service: 'room', steps }, { label: 'v3', requester: 'ana' });
    expect((await rollouts.sluice(next)).code).toBe(exitCodes['already-running'].code);
    const before = world.proxyWrites('room').length;
    const started = await rollouts.sluice([...next, '--replace']);
    expect(started.code).toBe(0);
    expect(started.stderr).toMatch(/has made room: superseded/);

    const last = await rollouts.ended('room');
    expect(last).toMatchObject({ outcome: 'completed', release: { label: 'v3' } });
    const writes = world.proxyWrites('room');
    expect(writes[before]).toMatchObject({ canaryBp: 0, claim: { stage: { kind: 'back' } } });
    expect(violations(writes.slice(0, before + 1), { stepsBp, ended: false })).toEqual([]);
  });

  it('gets the place of a release that goes back already and is only kept for a look', async () => {
    await rollouts.start({ service: 'look', steps, gates: [wide], keepCanary: '1h' });
    await rollouts.gate('look', 'wide@100%');
    await rollouts.abort('look', 'enough seen');
    const look = async () => (await rollouts.sluice(['explain', idOf('look').replace('rollout/', '')])).stdout;
    const isKept = async () => /the look at v2, which is kept without traffic until/.test(await look());
    await waitFor(isKept, { for: 'the look', withinMs: 60_000, everyMs: 500 });
    const next = rollouts.startLine({ service: 'look', steps }, { label: 'v3', requester: 'ana' });
    const started = await rollouts.sluice([...next, '--replace']);
    expect(started.stderr).toMatch(/has made room: rolled-back/);
    expect(await rollouts.ended('look')).toMatchObject({ outcome: 'completed', release: { label: 'v3' } });
  });

  it('ends the watch of a release that is promoted already, which stays', async () => {
    await rollouts.start({ service: 'warm', steps: steps.slice(1), watch: '1h' });
    await rollouts.until('warm', 'the watch', ({ phase }) => phase === 'watching');
    expect(await rollouts.raise('warm', 'supersede')).toMatchObject({ state: 'seen' });
    expect(await rollouts.ended('warm')).toMatchObject({ outcome: 'superseded' });
    expect(world.weightsSeenByProxy('warm')).toEqual([10_000]);
    const zeroed = await rollouts.sluice(['zero', 'edge/warm', '--config', configFile]);
    expect(zeroed).toMatchObject({
      code: exitCodes.refused.code,
      stderr: expect.stringContaining('held by no rollout') as string,
    });
    expect(world.weightsSeenByProxy('warm')).toEqual([10_000]);
  });
});

describe.concurrent('letting go', () => {
  it('leaves the weights as they are, writes nothing more, and tells so with its exit code', async () => {
    await rollouts.start({ service: 'mine', steps, gates: [wide] });
    await rollouts.gate('mine', 'wide@100%');
    const before = world.proxyWrites('mine').length;
    const said = await rollouts.run('detach', 'mine', '--by', 'ana', '--reason', 'by hand today');
    expect(said).toMatchObject({ code: 0, stdout: expect.stringContaining('letting go at 5%') as string });
    const waited = await rollouts.run('watch', 'mine');
    expect(waited).toMatchObject({ code: exitCodes.detached.code });
    expect(world.proxyWrites('mine')).toHaveLength(before);
    expect(world.weightsSeenByProxy('mine')).toEqual([500]);
    expect((await rollouts.run('explain', 'mine')).stdout).toMatch(/keeps 5%, and nobody watches it.*/s);
    const zeroed = await rollouts.sluice(['zero', 'edge/mine', '--config', configFile]);
    expect(zeroed).toMatchObject({ code: 0, stdout: expect.stringContaining('v2 had 5%') as string });
    expect(world.weightsSeenByProxy('mine')).toEqual([500, 0]);
  });

  it('is refused to somebody without a role, and the rollout goes on', async () => {
    await rollouts.start({ service: 'stranger', steps });
    expect(await rollouts.raise('stranger', 'detach', 'nemo')).toMatchObject({ state: 'ignored' });
    expect((await rollouts.ended('stranger')).outcome).toBe('completed');
  });
});

describe.concurrent('a release that is not ready any more when it may rise', () => {
  it('gets no more traffic until it is ready again', async () => {
    await rollouts.start({ service: 'weak', steps, gates: [wide] });
    await rollouts.gate('weak', 'wide@100%');
    await world.setFaults('weak', 'v2', { ready: false });
    await rollouts.answer('weak', 'wide@100%', 'ana');
    const isTriedAgain = async () => {
      const { activities } = await describeRollout(rollouts.session, idOf('weak'));
      return activities.some(({ type, attempt }) => type === 'shift' && attempt > 1);
    };
    await waitFor(isTriedAgain, { for: 'the shift to be tried again', everyMs: 200, withinMs: 60_000 });
    expect(world.weightsSeenByProxy('weak')).toEqual([500]);
    await world.setFaults('weak', 'v2', {});
    expect((await rollouts.ended('weak')).outcome).toBe('completed');
    expect(world.weightsSeenByProxy('weak')).toEqual(stepsBp);
  });
});

describe.concurrent('two rollouts of one route that both passed preflight', () => {
  it('leave it to the one that claimed it first; the other ends without having touched anything', async () => {
    const go = { id: 'go', at: 'start', require: [{ allOf: ['sre'] }], expires: '1h' };
    await rollouts.start({ service: 'shared', steps, gates: [go, wide] });
    await rollouts.gate('shared', 'go');
    const metrics = { connection: 'prometheus', tracks: { label: 'release' }, lag: '0s', every: '1s' };
    const parts = { metrics: { ...metrics, requests: 'http_requests_total{app="shared"}' } };
    await rollouts.start({ service: 'late', route: 'shared', steps, gates: [go], parts });
    await rollouts.gate('late', 'go');
    await rollouts.answer('shared', 'go', 'ana');
    await rollouts.gate('shared', 'wide@100%');

    await rollouts.answer('late', 'go', 'ana');
    expect(await rollouts.ended('late')).toMatchObject({
      outcome: 'aborted',
      reason: expect.stringContaining(`held by ${idOf('shared')}, which is running`) as string,
    });
    await rollouts.answer('shared', 'wide@100%', 'ana');
    expect((await rollouts.ended('shared')).outcome).toBe('completed');
    const writes = world.proxyWrites('shared');
    expect(writes.every(({ claim }) => claim?.rollout === idOf('shared'))).toBe(true);
    expect(violations(writes, { stepsBp, ended: true })).toEqual([]);
  });
});

describe.concurrent('a target that is taken to zero without Temporal', () => {
  it('goes to stable in one write; the rollout sees the larger fence and ends rolled back', async () => {
    await rollouts.start({ service: 'outside', steps, gates: [wide] });
    await rollouts.gate('outside', 'wide@100%');
    const before = await rollouts.status('outside');
    const zeroed = await rollouts.sluice(['zero', 'edge/outside', '--config', configFile, '--json']);
    expect(JSON.parse(zeroed.stdout)).toMatchObject({ kind: 'zero', fromBp: 500, fence: before.fence + 1 });
    expect(await rollouts.ended('outside')).toMatchObject({
      outcome: 'rolled-back',
      reason: expect.stringContaining('taken back from outside') as string,
    });
    expect(world.weightsSeenByProxy('outside')).toEqual([500, 0]);
    expect(violations(world.proxyWrites('outside'), { stepsBp, ended: true })).toEqual([]);
  });

  it('is refused when there is no such target', async () => {
    const nowhere = await rollouts.sluice(['zero', 'edge/nowhere', '--config', configFile]);
    expect(nowhere).toMatchObject({ code: exitCodes.refused.code });
  });
});

describe.concurrent('an abort before anything has moved', () => {
  it('is confirmed, and the rollout ends aborted', async () => {
    const go = { id: 'go', at: 'start', require: [{ allOf: ['sre'] }], expires: '1h' };
    await rollouts.start({ service: 'early', steps, gates: [go] });
    await rollouts.gate('early', 'go');
    const said = await rollouts.run('abort', 'early', '--by', 'olga', '--reason', 'not today');
    expect(said).toMatchObject({ code: 0, stdout: expect.stringContaining('confirmed') as string });
    expect(await rollouts.ended('early')).toMatchObject({
      outcome: 'aborted',
      receipts: [{ message: 'abort', state: 'confirmed', detail: 'nothing had moved' }],
    });
    expect(world.proxyWrites('early')).toEqual([]);
  });
});
