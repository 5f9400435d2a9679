import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holds } from '../../../../judge/comparison.ts';
import { renderQuery } from '../../../../plan/promql.ts';
import type { Comparison } from '../../../../plan/criteria.ts';
import type { Release } from '../../../../plan/release.ts';
import { ProviderError } from '../../../../providers/errors.ts';
import type { Measure } from '../../../../spec/world.ts';
import { measureOf } from '../../../../testbed/simulator/worlds/measures.ts';
import { plainRelease, plainWorld } from '../../../../testbed/simulator/worlds/script.ts';
import { steady } from '../../../../testbed/simulator/worlds/timeline.ts';
import { began, canary, type Given, given, hours, minutes, seconds } from './given.ts';

/** Ready as soon as it starts. */
const quick = { ...plainRelease, readyAfterMs: 0 };
const at = (ms: number, value: Measure) => ({ when: { kind: 'at', ms } as const, value });

/** What the real provider makes of a criterion's query about a release. */
function sample({ plan, metrics }: Given, id: string, release: Release, moment: number) {
  return metrics.instant(renderQuery(queryOf(plan, id), { trackLabel: 'release', release }), moment);
}

function queryOf({ criteria }: Given['plan'], id: string): string {
  const criterion = criteria.find((one) => one.id === id);
  return criterion !== undefined && 'query' in criterion ? criterion.query : '';
}

describe('the scripted Prometheus', () => {
  it('answers for each release what is written at that time, also about the past', async () => {
    const points = [at(minutes(1), 0.04), at(minutes(2), 'NaN'), at(minutes(3), '+Inf'), at(minutes(4), 'empty')];
    points.push(at(minutes(5), 'unavailable'), at(minutes(6), 0.5));
    const world = given({ criteria: { errors: { canary: { first: 0, points }, v1: steady(0.001) } } });
    world.clock.pass(hours(1));
    const seen = [];
    for (let minute = 0; minute <= 6; minute += 1)
      seen.push(await sample(world, 'errors', canary, began + minutes(minute)));
    expect(seen.map((one) => (one.kind === 'value' ? one.value : one.reason))).toEqual([
      0,
      0.04,
      'the value is NaN',
      'the value is +Inf',
      'the result is empty',
      expect.stringContaining('503') as string,
      0.5,
    ]);
    expect(await sample(world, 'errors', world.world.stable, began)).toMatchObject({ value: 0.001 });
  });

  it('shows a stale value with its old time, and none where there was none', async () => {
    const stale = { first: 0.25, points: [at(minutes(1), 'stale')] };
    const { http, plan } = given({ criteria: { errors: { canary: stale, stable: steady('stale') } } });
    const ask = async (release: Release) => {
      const query = renderQuery(queryOf(plan, 'errors'), { trackLabel: 'release', release });
      const body = new URLSearchParams({ query, time: String((began + hours(1)) / 1_000) }).toString();
      const answer = await http.send({ method: 'POST', url: 'http://127.0.0.1:9090/api/v1/query', body, timeoutMs: 1 });
      return (JSON.parse(answer.body) as { data: { result: unknown } }).data.result;
    };
    expect(await ask(canary)).toEqual([{ metric: {}, value: [(began + minutes(1)) / 1_000, '0.25'] }]);
    expect(await ask({ ...canary, digest: `sha256:${'c'.repeat(64)}`, label: 'v1' })).toEqual([]);
  });

  it('refuses a query that no plan of its world asks, and an unknown counter', async () => {
    const { metrics, world, plan } = given();
    expect(await metrics.instant('up', began)).toMatchObject({
      kind: 'no-data',
      reason: expect.stringContaining('422') as string,
    });
    await expect(metrics.counters('other_total', 'release', began)).rejects.toBeInstanceOf(ProviderError);
    const more = { ...plan, criteria: plan.criteria.map((criterion) => ({ ...criterion, query: 'up{{{track}}}' })) };
    world.know({ ...more, release: { ...canary, label: 'v3' } });
    expect(await metrics.instant('up{release="v3"}', began)).toMatchObject({ kind: 'value' });
  });

  it('good is good and bad is bad for whatever condition', () => {
    const op = fc.constantFrom<Comparison>('>', '>=', '<', '<=', '==', '!=');
    const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    const base = given().plan.criteria[0];
    if (base?.kind !== 'limit') throw new Error('the first criterion is a limit');
    fc.assert(
      fc.property(op, number, (sign, value) => {
        const criterion = { ...base, breach: { op: sign, value } };
        const said = (word: 'good' | 'bad') => {
          const script = { ...plainWorld, criteria: { errors: { canary: steady<Measure>(word) } } };
          const history = { began, reached: () => null };
          return Number(measureOf({ criterion, release: canary }, script, () => 'canary', began, history).measure);
        };
        expect([holds(sign, said('good'), value), holds(sign, said('bad'), value)]).toEqual([false, true]);
      }),
    );
  });

  it('good and bad of a comparison are so against the stable release', async () => {
    const bad = given({ criteria: { latency: { canary: steady('bad') } } });
    const good = given();
    const ratio = async (world: Given) => {
      const [ours, theirs] = [
        await sample(world, 'latency', canary, began),
        await sample(world, 'latency', world.world.stable, began),
      ];
      return ours.kind === 'value' && theirs.kind === 'value' ? ours.value / theirs.value : null;
    };
    expect(await ratio(bad)).toBeGreaterThan(2);
    expect(await ratio(good)).toBeLessThanOrEqual(2);
  });
});

describe('request counters', () => {
  const counters = async ({ metrics, clock }: Given, moment = clock.now()) =>
    (await metrics.counters('http_requests_total{app="web"}', 'release', moment)).map(
      ({ track, value, at: when, series }) => ({
        track,
        value,
        age: moment - when,
        code: /\["code","(\d+)"\]/.exec(series)?.[1],
      }),
    );

  it('follow rates, shares, errors and readiness to the request', async () => {
    const errorsPpm = {
      first: 0,
      points: [{ when: { kind: 'from', weightBp: 100, afterMs: minutes(1) } as const, value: 100_000 }],
    };
    const world = given({
      milliRequests: { first: 100_000, points: [{ when: { kind: 'at', ms: minutes(10) }, value: 10_000 }] },
      releases: { canary: { ...quick, errorsPpm } },
    });
    const { target, clock, order, shares } = world;
    await target.deploy(order(1));
    clock.pass(minutes(5) - (clock.now() - began));
    await target.setWeights(order(2), shares(100), { kind: 'step', index: 0 });
    clock.pass(minutes(15));
    // 5 minutes at 1 a second, then 10 at 0.1; one in ten fails after the first of them.
    const [good, bad] = (await counters(world)).filter(({ track }) => track === 'v2');
    const hits = 2; // the target looked whether its address answers: when it started, and before its weight rose
    expect([good?.value, bad?.value]).toEqual([60 + 216 + 54 + hits, 24 + 6]);
  });

  it('stand still while a release is not ready, or nobody gets through the proxy', async () => {
    const unready = (ms: number, value: boolean) => ({ when: { kind: 'at', ms } as const, value });
    const points = [unready(minutes(10), true), unready(minutes(11), false)];
    const restart = { do: 'restart', when: { kind: 'at', ms: minutes(20) }, resume: true, downMs: minutes(1) } as const;
    const world = given({ proxy: [restart], releases: { stable: { ...quick, unready: { first: false, points } } } });
    const { clock } = world;
    const value = async () => (await counters(world))[0]?.value ?? 0;
    clock.pass(minutes(9));
    const before = await value();
    clock.pass(minutes(3));
    expect((await value()) - before).toBe(2 * 6_000);
    clock.pass(minutes(10));
    expect((await value()) - before).toBe(11 * 6_000);
  });

  it('show what was scraped last, and nothing of a process that has been gone for long', async () => {
    const world = given({ scrapeMs: seconds(15) });
    const { target, clock, order } = world;
    await target.deploy(order(1));
    clock.pass(seconds(21));
    expect((await counters(world)).map(({ track, age }) => [track, age % seconds(15)])).toContainEqual([
      'v2',
      seconds(8),
    ]);
    await target.retire(order(2), canary);
    const tracks = async () => new Set((await counters(world)).map(({ track }) => track));
    clock.pass(seconds(90));
    expect(await tracks()).toEqual(new Set(['v1', 'v2']));
    clock.pass(seconds(60));
    expect(await tracks()).toEqual(new Set(['v1']));
  });

  it('begin anew with a new process', async () => {
    const world = given({ releases: { stable: { ...quick, dies: [{ kind: 'at', ms: minutes(10) }] } } });
    const { target, clock, order } = world;
    const value = async () =>
      (await counters(world)).find(({ track, code }) => track === 'v1' && code === '200')?.value ?? 0;
    await target.deploy(order(1));
    clock.pass(minutes(11));
    const before = await value();
    expect(before).toBeGreaterThan(50_000);
    await target.restore(order(2));
    clock.pass(minutes(1));
    expect(await value()).toBeLessThan(before);
  });
});
