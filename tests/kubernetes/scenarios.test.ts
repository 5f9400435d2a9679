import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../judge/verdict.ts';
import type { Notice } from '../../providers/ports.ts';
import { rolledOut } from '../../testbed/kubernetes/workload.ts';
import { routePathOf } from '../../testbed/kubernetes/route-record.ts';
import { type ClusterWorld, startClusterWorld } from '../../testbed/kubernetes/world.ts';
import { ask } from '../../testbed/servers/http.ts';
import { waitFor } from '../../testbed/wait.ts';
import type { Worker } from '../../testbed/world/commands.ts';
import { listen, type Loopback } from '../providers/loopback.ts';
import { idOf, type Rollouts } from '../servers/rollouts.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { sharedPlane } from './cluster.ts';
import { deploymentPath } from './on-cluster.ts';
import { canaryAnswersAfterZero, expectInOrder, rolloutsOn } from './rollouts.ts';

const plane = sharedPlane();
const services = ['ladder', 'flapping', 'level', 'sustained', 'disk-early', 'disk-late', 'bounded', 'overdue'];
let people: Loopback;
let world: ClusterWorld;
let rollouts: Rollouts;
let worker: Worker;

beforeAll(async () => {
  people = await listen(() => ({ status: 204 }));
  const disks = ['early', 'late'].map((which) => ({ name: `pool-${which}`, replicas: 9, releases: {} }));
  world = await startClusterWorld({
    folder: temporaryFolder('scenarios'),
    plane,
    services: [...services, ...disks],
    notify: people.url,
  });
  rollouts = await rolloutsOn(world);
  worker = await world.startWorker();
  for (const name of services) world.load(name, { ratePerSecond: 20, maxSeconds: 900 });
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
  await people.stop();
});

const steps = [
  { weight: '50%', bake: '10s..10m' },
  { weight: '100%', bake: '1s..10m' },
];
const stepsBp = [5_000, 10_000];

/** The share of errors in a window of 5 s. */
const errorsOf = (service: string, selected: string) => {
  const rate = (more: string) => `sum(rate(http_requests_total{${world.selects(service)},${selected}${more}}[5s]))`;
  return `(${rate(',code=~"5.."')} or vector(0)) / ${rate('')}`;
};

const sustained = (service: string, lasting: string) => [
  { id: 'errors', kind: 'limit', query: errorsOf(service, '{{track}}'), breach: '> 10%', for: lasting, do: 'rollback' },
];

/** How full a disk is: pods of another service, in tenths. */
const fullness = (pool: string) => [
  {
    ...{ id: 'disk', kind: 'limit', do: 'rollback', when: 'always', breach: '> 90%' },
    query: `count(http_requests_in_flight{${world.selects(pool)}}) / 10`,
  },
];

async function fill(pool: string, pods: number): Promise<void> {
  const { namespace } = world.service(pool);
  await plane.api.merge(deploymentPath(namespace, pool), { spec: { replicas: pods } });
  await rolledOut(plane.api, namespace, pool, 60_000);
}

/** What users meet at the entrance must be that release. */
const entrance = (service: string, release: string) => {
  const headers = { host: world.service(service).host };
  const whoami = { name: 'whoami', get: '/api/whoami', headers, expect: { json: { release } } };
  return { suites: { entrance: { baseUrl: { public: plane.gatewayUrl }, requests: [whoami] } } };
};
const confirmed = { confirm: ['entrance@public'] };

/** Stable was asked at the entrance after it was restored, and it was stable that answered. */
async function expectStableSmoked(service: string): Promise<void> {
  const timeline = await rollouts.timeline(service);
  const [restored = NaN, smoked = NaN, retired = NaN] = ['restored', 'smoke', 'retired'].map((code) =>
    timeline.findIndex((event) => event.code === code && (code !== 'smoke' || event.text.includes('entrance'))),
  );
  expect([restored >= 0, restored < smoked, smoked < retired]).toEqual([true, true, true]);
  expect(timeline[smoked]?.text).toMatch(/^smoke entrance on public passed/);
  const at = timeline[restored]?.at ?? Infinity;
  const seen = plane.requests(world.service(service).namespace).filter((one) => one.path === '/api/whoami');
  expect(seen.map((one) => [one.release, one.at >= at])).toEqual([['v1', true]]);
}

/** How long going back took, as it is told. */
const zeroSaid = async (service: string) =>
  (await rollouts.timeline(service)).find(({ code }) => code === 'zero')?.text;

const verdict = (service: string, isSo: (finding: Finding) => boolean, wish: string) =>
  rollouts.until(service, wish, ({ findings }) => findings.some(isSo));

async function expectBack(service: string, reason: RegExp, seen: readonly number[]): Promise<void> {
  const { outcome, reason: why } = await rollouts.ended(service);
  expect([service, outcome]).toEqual([service, 'rolled-back']);
  expect(why).toMatch(reason);
  expect(world.weightsSeen(service)).toEqual(seen);
  expect(await canaryAnswersAfterZero(world, rollouts, service)).toBe(0);
}

const told = (service: string): readonly Notice[] =>
  people.asked.map(({ body }) => JSON.parse(body) as Notice).filter(({ rollout }) => rollout === idOf(service));

describe.concurrent('on Kubernetes', () => {
  it('a full ladder waits for every signature, tests the canary at each step, and smokes on while it watches (T-01)', async () => {
    const service = 'ladder';
    const gates = [
      { id: 'go', at: 'start', require: [{ allOf: ['sre', 'qa'] }], expires: '1h' },
      { id: 'wide', at: 'before-step', steps: ['25%'], require: [{ atLeast: 1, of: 'sre' }], expires: '1h' },
      { id: 'whole', at: 'promote', require: [{ atLeast: 1, of: 'qa' }], expires: '1h' },
    ];
    const whoami = { name: 'whoami', get: '/api/whoami', expect: { json: { release: 'v2' } } };
    const smoke = { suites: { basic: { baseUrl: { canary: 'preview' }, forbidStatus: ['5xx'], requests: [whoami] } } };
    await rollouts.start({
      service,
      gates,
      judged: true,
      steps: ['1%', '5%', '25%', '100%'].map((weight) => ({ weight, bake: '2s..10m', smoke: ['basic'] })),
      parts: { smoke, watch: { for: '6s', smoke: { suite: 'basic', aim: 'canary', every: '1s' } } },
    });
    const calls = () => world.routeWrites(service).length;
    await rollouts.answer(service, 'go', 'ana');
    await rollouts.gate(service, 'go');
    expect(calls()).toBe(0);
    await rollouts.answer(service, 'go', 'quinn');
    await rollouts.answer(service, 'wide@25%', 'sam');
    await rollouts.answer(service, 'whole', 'quinn');
    expect(await rollouts.ended(service)).toMatchObject({ outcome: 'completed', reason: null });
    expect(world.weightsSeen(service)).toEqual([100, 500, 2_500, 10_000]);
    await expectInOrder(world, service, [100, 500, 2_500, 10_000], 'v2');
    const smokes = plane.requests(world.service(service).namespace).filter((one) => one.path === '/api/whoami');
    expect(new Set(smokes.map(({ release }) => release))).toEqual(new Set(['v2']));
    const promotedAt = (await rollouts.timeline(service)).find(({ code }) => code === 'promoted')?.at ?? NaN;
    expect(smokes.filter(({ at }) => at < promotedAt).length).toBeGreaterThanOrEqual(4);
    expect(smokes.filter(({ at }) => at >= promotedAt).length).toBeGreaterThanOrEqual(2); // a busy machine skips some
  });

  it('a breach that does not last rolls nothing back, and does not let the bake end while it lasts (T-17 a, d)', async () => {
    const service = 'flapping';
    const long = steps.map((step, index) => (index === 0 ? { ...step, bake: '40s..10m' } : step));
    await rollouts.start({ service, steps: long, parts: { criteria: sustained(service, '10m') } });
    await rollouts.baking(service, 5_000);
    const turn = async (errorRate: number, wish: string, breached: boolean) => {
      world.setFaults(service, 'v2', { errorRate });
      await verdict(service, (finding) => finding.breached === breached, wish);
    };
    await turn(0.5, 'the first breach', true);
    await turn(0, 'the end of the first breach', false);
    await turn(0.5, 'the second breach', true);
    await rollouts.until(service, 'all the time that it needs', ({ bake }) => (bake?.validMs ?? 0) >= 45_000);
    expect(world.weightsSeen(service)).toEqual([5_000]);
    world.setFaults(service, 'v2', { errorRate: 0 });
    expect(await rollouts.ended(service)).toMatchObject({ outcome: 'completed', reason: null });
    await expectInOrder(world, service, stepsBp, 'v2');
  });

  it('exactly the limit is no breach, however long it lasts (T-17 b)', async () => {
    const service = 'level';
    const rate = (more: string) =>
      `sum(rate(http_requests_total{${world.selects(service)},{{track}},path!="/healthz"${more}}[5s]))`;
    const query = `(${rate(',code=~"5.."')} or vector(0)) / ${rate('')}`;
    const criteria = [{ id: 'errors', kind: 'limit', query, breach: '> 100%', for: '2s', do: 'rollback' }];
    world.setFaults(service, 'v2', { errorRate: 1 });
    await rollouts.start({ service, steps, parts: { criteria } });
    await verdict(
      service,
      (one) => one.verdict === 'pass' && one.sentence.includes('100% ≤ 100%'),
      'exactly the limit',
    );
    expect(await rollouts.ended(service)).toMatchObject({ outcome: 'completed', reason: null });
    expect(world.weightsSeen(service)).toEqual(stepsBp);
  });

  it('a breach that lasts rolls back, not before its time, saying value and limit (T-17 c)', async () => {
    const service = 'sustained';
    await rollouts.start({ service, steps, parts: { criteria: sustained(service, '5s') } });
    await rollouts.baking(service, 5_000);
    const bad = Date.now();
    world.setFaults(service, 'v2', { errorRate: 0.5 });
    await expectBack(service, /^criterion errors failed: .*% > 10% for (?:[5-9]|\d\d)(?:\.\d)?s of 5s$/, [5_000, 0]);
    const decided = (await rollouts.timeline(service)).find(({ code }) => code === 'turned-back')?.at ?? NaN;
    expect(decided - bad).toBeGreaterThanOrEqual(5_000);
    await expectInOrder(world, service, stepsBp, 'v1');
  });

  it('a disk that gets too full in the first step takes the release back, at the limit itself it does not (T-20)', async () => {
    const service = 'disk-early';
    await rollouts.start({
      service,
      steps: [{ weight: '1%', bake: '10m..1h' }, ...steps],
      parts: { criteria: fullness('pool-early'), smoke: entrance(service, 'v0'), rollback: confirmed },
    });
    await verdict(service, ({ verdict: is }) => is === 'pass', 'exactly 90 % to be good');
    await rollouts.baking(service, 100);
    await fill('pool-early', 10);
    await expectBack(service, /^criterion disk failed: .*100% > 90% \(a non-traffic cause: /, [100, 0]);
    // Nobody has v0: the smoke of stable fails, which is told and changes nothing.
    const { warnings } = await rollouts.status(service);
    expect(warnings).toEqual([expect.stringMatching(/^smoke entrance fails on stable: /)]);
    expect(told(service).filter(({ key }) => key.endsWith('/stable-entrance'))).toMatchObject([{ severity: 'P0' }]);
    await expectInOrder(world, service, [100, ...stepsBp], 'v1');
  });

  it('and so it does after 100 %, while the old release is warm (T-20)', async () => {
    const service = 'disk-late';
    const criteria = fullness('pool-late');
    await rollouts.start({ service, steps: steps.slice(1), parts: { criteria }, watch: '10m' });
    await rollouts.until(service, 'its watch', ({ phase }) => phase === 'watching');
    await fill('pool-late', 10);
    await expectBack(service, /^criterion disk failed: .*100% > 90% \(a non-traffic cause: /, [10_000, 0]);
    await expectInOrder(world, service, [10_000], 'v1');
  });

  it('an API server that fails for a while delays going back, which writes the weight before anything else (T-22 a)', async () => {
    const service = 'bounded';
    const parts = { smoke: entrance(service, 'v1'), rollback: confirmed };
    await rollouts.start({ service, steps, judged: true, parts });
    await rollouts.baking(service, 5_000);
    const { namespace } = world.service(service);
    const path = new RegExp(`/namespaces/${namespace}/`);
    world.api.fault({ method: 'PATCH', path, times: 6, fault: { kind: 'refuse', status: 500, body: '{}' } });
    const before = world.api.entries().length;
    world.setFaults(service, 'v2', { errorRate: 1 });
    await expectBack(service, /^criterion errors failed/, [5_000, 0]);
    const writes = world.api
      .entries()
      .slice(before)
      .filter((entry) => entry.method === 'PATCH' && path.test(entry.path));
    expect(writes.filter(({ status }) => status === null)).toHaveLength(6);
    const route = routePathOf(world.service(service));
    const first = writes.filter(({ path: to }) => !to.startsWith(route))[0];
    const zero = world
      .routeWrites(service)
      .find(({ canaryBp, claim }) => claim?.stage.kind === 'back' && canaryBp === 0);
    expect(zero?.at ?? Infinity).toBeLessThanOrEqual(first?.at ?? Infinity);
    expect(told(service).filter(({ key }) => key.endsWith('/late'))).toEqual([]);
    expect(await zeroSaid(service)).toMatch(/\(had 50%\), [\d.]+m?s after the decision$/);
    expect((await rollouts.status(service)).warnings).toEqual([]);
    await expectStableSmoked(service);
    await expectInOrder(world, service, stepsBp, 'v1');
    const metrics = (await ask(`${worker.url}/metrics`)).body;
    expect(metrics).toMatch(/^sluice_seconds_to_zero_count(\{[^}]*\})? [1-9]/m);
  });

  it('one that fails for longer than going back may take is paged, and going back goes on without end (T-22 b)', async () => {
    const service = 'overdue';
    const parts = { smoke: entrance(service, 'v1'), rollback: { ...confirmed, within: '3s' } };
    await rollouts.start({ service, steps, judged: true, parts });
    await rollouts.baking(service, 5_000);
    const path = new RegExp(`/namespaces/${world.service(service).namespace}/`);
    const well = world.api.fault({ method: 'PATCH', path, fault: { kind: 'refuse', status: 500, body: '{}' } });
    world.setFaults(service, 'v2', { errorRate: 1 });
    const isPaged = () => told(service).some(({ key, severity }) => key.endsWith('/late') && severity === 'P0');
    await waitFor(isPaged, { for: 'people to be paged', withinMs: 120_000 });
    expect(world.weightsSeen(service)).toEqual([5_000]);
    well();
    await expectBack(service, /^criterion errors failed/, [5_000, 0]);
    const late = /^zero came late: going back took [\d.ms]+, longer than the 3s of rollback\.within$/;
    expect((await rollouts.status(service)).warnings).toEqual([expect.stringMatching(late)]);
    await expectStableSmoked(service);
    await expectInOrder(world, service, stepsBp, 'v1');
  });
});
