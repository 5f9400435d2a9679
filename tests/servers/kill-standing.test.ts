import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RolloutRecord } from '../../plan/record.ts';
import type { Status } from '../../plan/status.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import type { Worker } from '../../testbed/world/commands.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { userRequests } from '../../testbed/world/observe.ts';
import { readRequestLog } from '../../testbed/demo-service/request-log.ts';
import { listen, type Loopback } from '../providers/loopback.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { writing } from './at-proxy.ts';
import { anotherBuild } from './builds.ts';
import { historiesThatDoNotReplay } from './replays.ts';
import { idOf, patienceMs, Rollouts } from './rollouts.ts';

const names = ['declined', 'gated', 'middle', 'paced', 'blind', 'smoked', 'rising', 'watched', 'leaving'];
const completed = names.filter((name) => name !== 'declined');
const bakeMs = 20_000;

const folder = temporaryFolder('kill-standing');
let world: World;
let rollouts: Rollouts;
let records: Loopback;
let workers: readonly Worker[] = [];
let build = '';

const go = { id: 'go', at: 'start', require: [{ allOf: ['sre'] }], expires: '1h' };
const wide = { id: 'wide', at: 'before-step', steps: ['100%'], require: [{ onePer: ['sre', 'qa'] }], expires: '1h' };
const stepsBp = [500, 10_000];
const steps = (first: object = {}) => [
  { weight: '5%', bake: '1s..10m', ...first },
  { weight: '100%', bake: '1s..10m' },
];

beforeAll(async () => {
  records = await listen(() => ({ status: 204 }));
  world = await startWorld({ folder, services: names });
  rollouts = await Rollouts.of(world);
  build = anotherBuild(folder);
  workers = [await start()];
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
  await records.stop();
});

const start = (launcher?: string): Promise<Worker> =>
  world.startWorker({
    parts: { archive: { kind: 'webhook', url: records.url } },
    ...(launcher !== undefined && { launcher }),
  });

/** All of them die; what is done while nobody is there waits for those that come: one of this build, one of another. */
async function killAll(meanwhile: () => Promise<void> = async () => undefined): Promise<void> {
  for (const worker of workers) await worker.kill();
  await meanwhile();
  workers = await Promise.all([start(), start(build)]);
}

/** Decided by a Signal, which needs no worker. */
async function reject(service: string, gate: string): Promise<void> {
  const { client } = rollouts.session;
  const input = {
    decision: 'reject',
    gate,
    by: 'sam',
    reason: 'the texts are wrong',
    ...(await bindings(service, gate)),
  };
  await killAll(() => client.workflow.getHandle(idOf(service)).signal('decide', input));
}

async function bindings(service: string, gate: string): Promise<object> {
  const { evidenceDigest } = await rollouts.gate(service, gate);
  const { planDigest } = await rollouts.status(service);
  return { planDigest, evidenceDigest };
}

const smokeAsked = (service: string): number =>
  readRequestLog(world.service(service).slots.b.requestLog).filter((one) => one.smoke !== null).length;

const deletions = (service: string) =>
  world
    .service(service)
    .recorder.entries()
    .filter(({ method }) => method === 'DELETE');

/** Attempts of the activities of a kind, as the server counted them. */
async function attemptsOf(service: string, kind: string): Promise<readonly number[]> {
  const { events } = await rollouts.session.client.workflow.getHandle(idOf(service)).fetchHistory();
  const asked = (events ?? []).filter(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === kind,
  );
  return asked.flatMap(({ eventId }) => {
    const found = events?.find(({ activityTaskStartedEventAttributes: begun }) =>
      begun?.scheduledEventId?.equals(eventId ?? 0),
    );
    return found?.activityTaskStartedEventAttributes?.attempt ?? [];
  });
}

/** Who has carried out activities, by the process that said so. */
async function handsOf(service: string): Promise<readonly string[]> {
  const { events } = await rollouts.session.client.workflow.getHandle(idOf(service)).fetchHistory();
  return (events ?? []).flatMap(({ activityTaskStartedEventAttributes: begun }) => begun?.identity ?? []);
}

const writtenAt = (service: string, bp: number) =>
  world.proxyWrites(service).find(({ canaryBp }) => canaryBp === bp)?.at;

const isBlind = ({ weights, bake }: Status) => weights.acceptedBp === 500 && /no data/i.test(bake?.summary ?? '');

/** By the rollout's own clock. */
async function pausedMs(service: string): Promise<number> {
  const { receipts } = await rollouts.status(service);
  const at = (message: string) => receipts.find((receipt) => receipt.message === message)?.at ?? NaN;
  return at('resume') - at('pause');
}

async function startAll(): Promise<void> {
  const load = world.load('blind', { ratePerSecond: 20, maxSeconds: 600 });
  const whoami = { name: 'whoami', get: '/api/whoami', times: 6, every: '3s', expect: { json: { release: 'v2' } } };
  const smoke = { suites: { basic: { baseUrl: { canary: 'preview' }, requests: [whoami] } } };
  await rollouts.start({ service: 'declined', steps: steps(), gates: [go] });
  await rollouts.start({ service: 'gated', steps: steps(), gates: [go] });
  await rollouts.start({ service: 'middle', steps: steps(), gates: [wide] });
  await rollouts.start({ service: 'watched', steps: steps(), watch: '45s' });
  await rollouts.start({ service: 'paced', steps: steps({ bake: `${String(bakeMs / 1_000)}s..10m` }) });
  await rollouts.start({ service: 'smoked', steps: steps({ smoke: ['basic'] }), parts: { smoke } });
  await rollouts.start({ service: 'blind', steps: steps(), judged: true, gates: [go] });
  await rollouts.gate('blind', 'go');
  await load.stop(); // so that nothing says anything of the release
  await rollouts.answer('blind', 'go', 'sam');
}

it('rollouts that stand anywhere go on where they were after their worker was killed, also on two builds at once', async () => {
  await startAll();
  // Half of its bake is over, and the rest is still to come whatever happens.
  await rollouts.until('paced', 'half of its bake', ({ bake }) => (bake?.validMs ?? 0) >= bakeMs / 3);
  expect((await rollouts.order('paced', 'pause')).state).toBe('confirmed');
  const baked = (await rollouts.status('paced')).bake?.validMs ?? NaN;
  await rollouts.gate('gated', 'go');
  await rollouts.gate('middle', 'wide@100%');
  await rollouts.until('watched', 'the watch', ({ phase }) => phase === 'watching');
  await rollouts.until('blind', 'missing data', isBlind);
  await waitFor(() => smokeAsked('smoked') > 0, { for: 'smoke', withinMs: patienceMs });
  await reject('declined', 'go');

  const promotion = world.admin.hold({ ...writing('rising', /"kind":"promoted"/), where: 'answer' });
  await rollouts.start({ service: 'rising', steps: steps() });
  await waitFor(() => promotion.count() > 0, { for: 'the promotion', withinMs: patienceMs });
  await killAll();
  promotion.release();

  const removal = world.service('leaving').recorder.hold({ method: 'DELETE', where: 'answer' });
  await rollouts.start({ service: 'leaving', steps: steps() });
  await waitFor(() => removal.count() > 0, { for: 'the removal', withinMs: patienceMs });
  // Neither up nor back, however often it is taken up again.
  await rollouts.until('blind', 'missing data', isBlind);
  await killAll();
  removal.release();

  await rollouts.answer('gated', 'go', 'sam');
  await rollouts.answer('middle', 'wide@100%', 'sam');
  await rollouts.answer('middle', 'wide@100%', 'quinn');
  const kept = (await rollouts.status('paced')).bake?.validMs;
  expect(kept).toBeGreaterThanOrEqual(baked); // the last look before the pause counts
  expect(kept).toBeLessThan(bakeMs);
  expect(await rollouts.resume('paced')).toMatchObject({ state: 'confirmed' });
  world.load('blind', { ratePerSecond: 100, maxSeconds: 600 });

  const ends = await Promise.all(names.map(async (name) => [name, await rollouts.ended(name)] as const));
  const outcomes = Object.fromEntries(ends.map(([name, { outcome, reason }]) => [name, [outcome, reason]]));
  expect(outcomes).toEqual({
    ...Object.fromEntries(completed.map((name) => [name, ['completed', null]])),
    declined: ['aborted', 'sam rejected gate go: the texts are wrong'],
  });

  const found = completed.map((name) => [name, violations(world.proxyWrites(name), { stepsBp, ended: true })]);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(completed.map((name) => [name, []])));
  for (const name of completed) expect([name, world.weightsSeenByProxy(name)]).toEqual([name, stepsBp]);
  // Rejected before anything began: nobody was asked to do anything (T-31).
  const calls = world
    .service('declined')
    .recorder.entries()
    .filter(({ method }) => method !== 'GET');
  expect([calls, world.proxyWrites('declined'), userRequests(world.service('declined'), 'v2')]).toEqual([[], [], []]);

  // The whole bake, as much of it before the pause as there was, and none of it in the pause (T-40).
  const [first = NaN, full = NaN] = stepsBp.map((bp) => writtenAt('paced', bp));
  expect(full - first - (await pausedMs('paced'))).toBeGreaterThan(bakeMs - 2_000);
  const promoted = world.proxyWrites('watched').find(({ claim }) => claim?.stage.kind === 'promoted')?.at ?? NaN;
  expect((deletions('watched')[0]?.at ?? NaN) - promoted).toBeGreaterThanOrEqual(44_000);

  for (const [name, kind] of [
    ['smoked', 'smoke'],
    ['rising', 'promote'],
    ['leaving', 'retire'],
  ] as const) {
    expect(Math.max(...(await attemptsOf(name, kind))), `${kind} of ${name} was under way`).toBeGreaterThan(1);
  }
  const hands = new Set((await Promise.all(['gated', 'middle', 'paced', 'blind'].map(handsOf))).flat());
  for (const { pid } of workers) expect([...hands].some((hand) => hand.startsWith(`${String(pid)}@`))).toBe(true);

  const archived = () =>
    new Set(records.asked.map(({ body }) => (JSON.parse(body) as RolloutRecord).status.rollout)).size;
  await waitFor(() => archived() === names.length, { for: 'all records', withinMs: patienceMs });
  const bodies = new Map(records.asked.map(({ headers, body }) => [headers['idempotency-key'], body]));
  expect(bodies.size).toBe(names.length);
  for (const { headers, body } of records.asked) expect(bodies.get(headers['idempotency-key'])).toBe(body);
  expect(await historiesThatDoNotReplay(rollouts)).toEqual([]);
}, 600_000);
