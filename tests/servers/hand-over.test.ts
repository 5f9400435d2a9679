import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '../../cli/exit-codes.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { Rollouts } from './rollouts.ts';

let world: World;
const folder = temporaryFolder('hand-over');
let rollouts: Rollouts;

const steps = ['5%', '100%'].map((weight) => ({ weight, bake: '2s..60s' }));
const stepsBp = [500, 10_000];
const wide = { id: 'wide', at: 'before-step', steps: ['100%'], require: [{ allOf: ['sre'] }], expires: '1h' };

beforeAll(async () => {
  const three = { v2: {}, v3: {} };
  const services = ['iced', { name: 'room', releases: three }, 'warm', 'mine', 'stranger'];
  world = await startWorld({ folder, services });
  rollouts = await Rollouts.of(world);
  await world.startWorker();
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

  it('ends the watch of a release that is promoted already, which stays', async () => {
    await rollouts.start({ service: 'warm', steps: steps.slice(1), watch: '1h' });
    await rollouts.until('warm', 'the watch', ({ phase }) => phase === 'watching');
    expect(await rollouts.raise('warm', 'supersede')).toMatchObject({ state: 'confirmed' });
    expect(await rollouts.ended('warm')).toMatchObject({ outcome: 'superseded' });
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
  });

  it('is refused to somebody without a role, and the rollout goes on', async () => {
    await rollouts.start({ service: 'stranger', steps });
    expect(await rollouts.raise('stranger', 'detach', 'nemo')).toMatchObject({ state: 'ignored' });
    expect((await rollouts.ended('stranger')).outcome).toBe('completed');
  });
});
