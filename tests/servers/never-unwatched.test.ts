import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explain, timeline } from '../../client/index.ts';
import type { Status } from '../../plan/status.ts';
import type { Notice } from '../../providers/ports.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { listen, type Loopback } from '../providers/loopback.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { setByHand, splitNow } from './at-proxy.ts';
import { idOf, patienceMs, Rollouts } from './rollouts.ts';

const folder = temporaryFolder('unwatched');
let people: Loopback;
let world: World;
let rollouts: Rollouts;

beforeAll(async () => {
  people = await listen(() => ({ status: 204 }));
  const services = ['kept', 'brief', 'removed', 'idle', 'twice', 'asked', 'clock'];
  world = await startWorld({ folder, services, notify: people.url });
  rollouts = await Rollouts.of(world);
  await world.startWorker();
  for (const name of ['kept', 'asked']) world.load(name, { ratePerSecond: 20, maxSeconds: 900 });
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
  await people.stop();
});

const quarter = (bake: string) => [
  { weight: '25%', bake },
  { weight: '100%', bake: '1s..10m' },
];
const stepsBp = [2_500, 10_000];

const told = (service: string): readonly Notice[] =>
  people.asked.map(({ body }) => JSON.parse(body) as Notice).filter(({ rollout }) => rollout === idOf(service));

const texts = async (service: string) =>
  (await timeline(rollouts.session, idOf(service))).map(({ code, text }) => `${code}: ${text}`);

/** The timeline has so many lines of this kind. */
const untilTold = (service: string, text: RegExp, times = 1) =>
  waitFor(async () => (await texts(service)).filter((line) => text.test(line)).length >= times, {
    for: `${service} to tell ${String(text)} ${String(times)} times`,
    withinMs: patienceMs,
    everyMs: 200,
  });

/** The proxy has our weight again, written by the rollout after somebody else's. */
const untilWritten = (service: string, bp: number, after: number) =>
  waitFor(() => world.proxyWrites(service).length > after && world.proxyWrites(service).at(-1)?.canaryBp === bp, {
    for: `${String(bp)} bp of ${service}`,
    withinMs: patienceMs,
  });

const stop = (service: string) => rollouts.run('abort', service, '--by', 'olga', '--reason', 'enough seen');

describe.concurrent('a release that was taken back to zero and is kept for a look', () => {
  it('has every share that somebody gives it taken back at once, announced, and serves nobody after it', async () => {
    const service = 'kept';
    await rollouts.start({ service, steps: quarter('10m..1h'), keepCanary: '10m' });
    await rollouts.baking(service, 2_500);
    await stop(service);
    await untilTold(service, /^restored: /);
    for (const [index, bp] of [3_000, 3_000, 10_000].entries()) {
      await setByHand(world, service, bp);
      await untilTold(service, /^zero: /, index + 2);
    }
    const status = await rollouts.until(service, 'zero', ({ weights }) => weights.acceptedBp === 0);
    expect(status).toMatchObject({ phase: 'rolling-back', reason: 'aborted by olga: enough seen' });
    const { bySlot, at } = await splitNow(world, service);
    expect(bySlot).toEqual({ a: 10_000, b: 0 });
    expect(world.canaryRequestsSince(service, at)).toBe(0);
    expect((await world.service(service).slotStates()).b).toMatchObject({ state: 'running' });
    expect(violations(world.proxyWrites(service), { stepsBp, ended: false })).toEqual([]);
    const again = () => told(service).filter(({ severity, title }) => severity === 'P0' && /somebody gave/.test(title));
    await waitFor(() => again().length === 3, { for: 'three announcements', withinMs: patienceMs });
  });

  it('is removed when its time is over', async () => {
    const service = 'brief';
    await rollouts.start({ service, steps: quarter('10m..1h'), keepCanary: '3s' });
    await rollouts.baking(service, 2_500);
    await stop(service);
    expect(await rollouts.ended(service)).toMatchObject({ outcome: 'rolled-back' });
    expect((await world.service(service).slotStates()).b).toMatchObject({ state: 'stopped', release: null });
    expect(violations(world.proxyWrites(service), { stepsBp, ended: true })).toEqual([]);
  });

  it('is not stopped while somebody gives it traffic in the middle of its removal', async () => {
    const service = 'removed';
    const parts = { target: { kind: 'caddy', connection: 'edge', route: service, drain: '8s' } };
    await rollouts.start({ service, steps: quarter('10m..1h'), parts });
    await rollouts.baking(service, 2_500);
    await stop(service);
    await untilTold(service, /^restored: /);
    const { length } = world.proxyWrites(service);
    await setByHand(world, service, 4_000);
    await untilWritten(service, 0, length);
    expect(await rollouts.ended(service)).toMatchObject({ outcome: 'rolled-back' });
    const zero = world.proxyWrites(service)[length];
    const removals = world
      .service(service)
      .recorder.entries()
      .filter(({ method }) => method === 'DELETE');
    expect(removals.length).toBeGreaterThan(0);
    expect(removals.every(({ at }) => at > (zero?.at ?? Infinity))).toBe(true);
    expect(violations(world.proxyWrites(service), { stepsBp, ended: true })).toEqual([]);
  });
});

describe.concurrent('a release without traffic, before its first step', () => {
  it('is watched already: what somebody gives it is put back', async () => {
    const service = 'idle';
    const gate = { id: 'wide', at: 'before-step', steps: ['25%'], require: [{ allOf: ['sre'] }], expires: '1h' };
    await rollouts.start({ service, steps: quarter('1s..10m'), gates: [gate] });
    await rollouts.gate(service, 'wide@25%');
    const { length } = world.proxyWrites(service);
    await setByHand(world, service, 2_000);
    await untilWritten(service, 0, length);
    await untilTold(service, /^drift: somebody set 20% where 0% was planned/);
    await stop(service);
    expect(await rollouts.ended(service)).toMatchObject({ outcome: 'rolled-back' });
  });
});

describe.concurrent('a weight that is being put back', () => {
  it('is watched meanwhile: a second change by hand takes the release back, whatever hangs', async () => {
    const service = 'twice';
    await rollouts.start({ service, steps: quarter('10m..1h') });
    await rollouts.baking(service, 2_500);
    const putBack = new RegExp(`^(?=.*${idOf(service)}")(?=.*"kind":"step")`, 's');
    const hang = { kind: 'delay', ms: 15_000, where: 'request' } as const;
    const clear = world.admin.fault({ method: 'PATCH', body: putBack, fault: hang });
    await setByHand(world, service, 6_000);
    await untilTold(service, /^drift: somebody set 60% where 25% was planned/);
    await setByHand(world, service, 7_000);
    const end = await rollouts.ended(service);
    clear();
    expect(end).toMatchObject({
      outcome: 'rolled-back',
      reason: 'somebody set 70% where 25% was planned, for the second time',
    });
    expect(world.proxyWrites(service).at(-1)).toMatchObject({ canaryBp: 0, bySlot: { a: 10_000, b: 0 } });
    expect(violations(world.proxyWrites(service), { stepsBp, ended: true })).toEqual([]);
  });
});

describe.concurrent('a request that is open', () => {
  it('is asked anew when the scheduled smoke fails, and its approvals do not count any more', async () => {
    const service = 'asked';
    const gate = {
      id: 'wide',
      at: 'before-step',
      steps: ['100%'],
      require: [{ allOf: ['sre', 'qa'] }],
      expires: '1h',
    };
    const health = { name: 'whoami', get: '/api/whoami', expect: { json: { release: 'v2' } } };
    const parts = {
      smoke: { suites: { basic: { forbidStatus: ['5xx'], requests: [health] } } },
      watch: { for: '1s', smoke: { suite: 'basic', aim: 'canary', every: '1s', failuresToRollback: 1_000 } },
    };
    await rollouts.start({ service, steps: quarter('2s..10m'), gates: [gate], parts });
    const first = await rollouts.gate(service, 'wide@100%');
    expect(await rollouts.answer(service, 'wide@100%', 'ana')).toMatchObject({ state: 'open', missing: '1 of qa' });

    await world.setFaults(service, 'v2', { errorRate: 1 });
    const isWorse = ({ requests }: Status) => requests.some(({ evidenceRevision }) => evidenceRevision > 1);
    const worse = await rollouts.until(service, 'worse evidence', isWorse);
    const request = worse.requests.find(({ gate: id }) => id === 'wide@100%');
    expect(request).toMatchObject({ state: 'open', evidenceRevision: 2, missingRoles: ['sre', 'qa'] });
    expect(request?.evidenceDigest).not.toBe(first.evidenceDigest);
    expect(request?.decisions).toMatchObject([
      {
        person: 'ana',
        void: expect.stringMatching(/^evidence 1 was replaced: smoke basic on canary failed: /) as string,
      },
    ]);
    expect(worse.smoke).toMatchObject([{ suite: 'basic', aim: 'canary', passed: false }]);
    expect(worse.weights.acceptedBp).toBe(2_500);
    await waitFor(() => told(service).some(({ text }) => text.startsWith('the approvals of ana at gate wide@100%')), {
      for: 'ana to be told',
      withinMs: patienceMs,
    });

    expect(await rollouts.answer(service, 'wide@100%', 'sam')).toMatchObject({ outcome: 'recorded' });
    expect(await rollouts.answer(service, 'wide@100%', 'quinn')).toMatchObject({ state: 'approved' });
    expect((await rollouts.status(service)).weights.acceptedBp).toBe(2_500);
    await world.setFaults(service, 'v2', { errorRate: 0 });
    expect(await rollouts.ended(service)).toMatchObject({ outcome: 'completed' });
    expect(world.weightsSeenByProxy(service)).toEqual(stepsBp);
  });
});

describe.concurrent('what a rollout says of itself', () => {
  it('is as of its last event, and its earliest finish does not move while the bake goes on as it should', async () => {
    const service = 'clock';
    await rollouts.start({ service, steps: quarter('10m..1h'), watch: '20m' });
    await rollouts.baking(service, 2_500);
    const shifted = (await timeline(rollouts.session, idOf(service))).find(({ code }) => code === 'shifted');
    const first = await explain(rollouts.session, idOf(service));
    expect(first.earliestFinish).toBe((shifted?.at ?? 0) + 10 * 60_000 + 1_000 + 20 * 60_000);
    await rollouts.session.client.workflow.getHandle(idOf(service)).signal('anything at all');
    const later = await waitFor(
      async () => {
        const said = await explain(rollouts.session, idOf(service));
        return said.at > first.at ? said : null;
      },
      { for: 'a later answer', withinMs: patienceMs },
    );
    expect(later.earliestFinish).toBe(first.earliestFinish);
    const handle = rollouts.session.client.workflow.getHandle(idOf(service));
    const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
    const [, asOf = ''] = /^As of (\S+Z) \(the rollout's last event\):\n/.exec(currentDetails) ?? [];
    expect(Date.parse(asOf)).toBeGreaterThanOrEqual(Math.floor((shifted?.at ?? Infinity) / 1_000) * 1_000);
    await rollouts.run('pause', service, '--by', 'olga', '--reason', 'lunch');
    expect((await explain(rollouts.session, idOf(service))).earliestFinish).toBeNull();
    await stop(service);
  });
});
