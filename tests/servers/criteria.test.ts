import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../judge/verdict.ts';
import type { Status } from '../../plan/status.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { canaryRequestsAfterZero, splitNow } from './at-proxy.ts';
import { Rollouts } from './rollouts.ts';

const services = ['alerted', 'spared', 'together', 'either', 'asleep', 'latched'];
let world: World;
let rollouts: Rollouts;

const errorRate = (service: string, selected: string): string => {
  const rate = (more: string) => `sum(rate(http_requests_total{app="${service}",${selected}${more}}[5s]))`;
  return `(${rate(',code=~"5.."')} or vector(0)) / ${rate('')}`;
};
const slowness = (service: string): string => {
  const of = (part: string) => `sum(rate(http_request_duration_seconds_${part}{app="${service}",{{track}}}[5s]))`;
  return `${of('sum')} / ${of('count')}`;
};
const failing = (service: string) =>
  `sum by (app, release) (rate(http_requests_total{app="${service}",code=~"5.."}[5s])) > 1`;

beforeAll(async () => {
  const rules = ['alerted', 'spared'].map((service) => ({
    ...{ alert: 'ErrorsOfAService', expr: failing(service), labels: { severity: 'critical' } },
  }));
  world = await startWorld({ folder: temporaryFolder('criteria'), services, rules });
  rollouts = await Rollouts.of(world);
  await world.startWorker();
  for (const name of services) world.load(name, { ratePerSecond: 30, maxSeconds: 600 });
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

const steps = (bake: string) => [
  { weight: '50%', bake },
  { weight: '100%', bake: '2s..10m' },
];
const stepsBp = [5_000, 10_000];

type Criterion = Readonly<Record<string, unknown>> & { readonly id: string };
const startJudged = (service: string, criteria: readonly Criterion[], bake = '10m..1h') =>
  rollouts.start({ service, steps: steps(bake), parts: { criteria } });

const whole = (service: string): Criterion => ({
  ...{ id: 'wrong', kind: 'limit', query: errorRate(service, '{{track}}'), breach: '> 10%' },
});
const slow = (service: string): Criterion => ({
  id: 'slow',
  kind: 'limit',
  query: slowness(service),
  breach: '> 300ms',
});

const findingOf = ({ findings }: Status, id: string): Finding | undefined =>
  findings.find(({ criterion }) => criterion === id);
/** The status when a criterion is as wished. */
const finding = (service: string, id: string, wish: string, isSo: (one: Finding) => boolean) =>
  rollouts.until(service, `criterion ${id} ${wish}`, (status) => {
    const found = findingOf(status, id);
    return found !== undefined && isSo(found);
  });

/** It went back by this criterion alone, and Caddy has zero. */
async function expectBack(service: string, reason: RegExp): Promise<void> {
  const end = await rollouts.ended(service);
  expect([service, end.outcome]).toEqual([service, 'rolled-back']);
  expect(end.reason).toMatch(reason);
  expect(world.weightsSeenByProxy(service)).toEqual([5_000, 0]);
  expect((await splitNow(world, service)).bySlot).toEqual({ a: 10_000, b: 0 });
  expect(violations(world.proxyWrites(service), { stepsBp, ended: true })).toEqual([]);
  expect(await canaryRequestsAfterZero(world, service)).toBe(0);
}

describe.concurrent('a criterion on a real Prometheus', () => {
  it('that looks at alerts goes back when one about the release fires', async () => {
    const service = 'alerted';
    const matchers = ['alertname="ErrorsOfAService"', `app="${service}"`, '{{track}}'];
    await startJudged(service, [{ id: 'alarms', kind: 'alert', matchers, do: 'rollback', severity: 'P0' }]);
    await rollouts.baking(service, 5_000);
    await finding(service, 'alarms', 'to be good', ({ verdict }) => verdict === 'pass');
    await world.setFaults(service, 'v2', { errorRate: 0.5 });
    await expectBack(service, /^criterion alarms failed: .*ErrorsOfAService/);
  });

  it('that looks at alerts of the release leaves it in peace when the old one raises them', async () => {
    const service = 'spared';
    const matchers = ['alertname="ErrorsOfAService"', `app="${service}"`, '{{track}}'];
    await world.setFaults(service, 'v1', { errorRate: 0.5 });
    await startJudged(service, [{ id: 'alarms', kind: 'alert', matchers, do: 'rollback', severity: 'P0' }], '8s..10m');
    const fires = async () => (await alertsNow()).includes(`ErrorsOfAService of ${service} v1`);
    await waitFor(fires, { for: 'the alert about stable', withinMs: 60_000, everyMs: 200 });
    expect(await rollouts.ended(service)).toMatchObject({ outcome: 'completed', reason: null });
    expect(world.weightsSeenByProxy(service)).toEqual(stepsBp);
  });

  it('of several that must be bad together waits for the last of them', async () => {
    const service = 'together';
    const both = { id: 'both', kind: 'all-of', criteria: [whole(service), slow(service)], do: 'rollback' };
    await startJudged(service, [both]);
    await rollouts.baking(service, 5_000);
    await finding(service, 'both', 'to be good', ({ verdict }) => verdict === 'pass');
    await world.setFaults(service, 'v2', { errorRate: 0.5 });
    const half = await finding(service, 'both', 'to see one part bad', ({ sentence }) => /wrong.*> 10%/.test(sentence));
    expect(findingOf(half, 'both')).toMatchObject({ verdict: 'pass', breached: false });
    await world.setFaults(service, 'v2', { errorRate: 0.5, latencyMs: 600 });
    await expectBack(service, /^criterion both failed: .*wrong.*slow/);
  });

  it('of several of which one suffices fails with it', async () => {
    const service = 'either';
    const one = { id: 'one', kind: 'any-of', criteria: [slow(service), whole(service)], do: 'rollback' };
    await startJudged(service, [one]);
    await rollouts.baking(service, 5_000);
    await finding(service, 'one', 'to be good', ({ verdict }) => verdict === 'pass');
    await world.setFaults(service, 'v2', { errorRate: 0.5 });
    await expectBack(service, /^criterion one failed: .*wrong/);
  });

  it('outside of its hours is in nobody’s way, however bad its numbers are', async () => {
    const service = 'asleep';
    // Neither today nor the neighbours of today, whatever the hour is: the test may run at midnight.
    const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
    const today = new Date().getUTCDay();
    const otherDays = days.filter((_, day) => ![6, 0, 1].includes((day - today + 7) % 7));
    const onlyIf = { calendar: { timezone: 'UTC', windows: [{ days: otherDays, from: '08:00', to: '18:00' }] } };
    await startJudged(service, [{ ...whole(service), onlyIf, do: 'rollback' }], '12s..10m');
    await rollouts.baking(service, 5_000);
    await world.setFaults(service, 'v2', { errorRate: 1 });
    const bad = await finding(service, 'wrong', 'to sleep', ({ idle }) => idle === true);
    expect(findingOf(bad, 'wrong')?.verdict).not.toBe('fail');
    expect(await rollouts.ended(service)).toMatchObject({ outcome: 'completed', reason: null });
    expect(world.weightsSeenByProxy(service)).toEqual(stepsBp);
    expect(world.canaryRequestsSince(service, 0)).toBeGreaterThan(50);
  });

  it('with a clear condition of its own stays breached below its limit, until it fails', async () => {
    const service = 'latched';
    const latch = { ...whole(service), breach: '> 60%', clear: '< 5%', for: '25s', do: 'rollback' };
    await startJudged(service, [latch]);
    await rollouts.baking(service, 5_000);
    await finding(service, 'wrong', 'to be good', ({ verdict }) => verdict === 'pass');
    await world.setFaults(service, 'v2', { errorRate: 1 });
    await finding(service, 'wrong', 'to be breached', ({ breached }) => breached);
    await world.setFaults(service, 'v2', { errorRate: 0.3 });
    const between = await finding(service, 'wrong', 'below its limit', ({ value }) => value !== null && value < 0.5);
    expect(findingOf(between, 'wrong')).toMatchObject({ breached: true });
    await expectBack(service, /^criterion wrong failed: /);
    // It did fail with numbers below the limit.
    const end = await rollouts.status(service);
    expect(findingOf(end, 'wrong')?.value).toBeLessThan(0.6);
  });
});

/** `NAME of APP RELEASE` of all alerts that fire now. */
async function alertsNow(): Promise<readonly string[]> {
  const answer = (await (await fetch(`${world.prometheus.url}/api/v1/alerts`)).json()) as {
    data: { alerts: { state: string; labels: Record<string, string> }[] };
  };
  const firing = answer.data.alerts.filter(({ state }) => state === 'firing');
  return firing.map(
    ({ labels }) => `${labels['alertname'] ?? ''} of ${labels['app'] ?? ''} ${labels['release'] ?? ''}`,
  );
}
