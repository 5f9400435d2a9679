import { describe, expect, test } from 'vitest';
import {
  canary,
  createApi,
  json,
  lost,
  orderOf,
  patientClock,
  sharesOf,
  stable,
  targetOf,
  type Declared,
} from './given.ts';

const step = { kind: 'step', index: 0 } as const;
const back = { kind: 'back' } as const;
const kinds: readonly (readonly [string, Declared])[] = [
  ['without a claim', { claims: false }],
  ['with a claim', {}],
  ['with a claim and conditional writes', { versions: true }],
];

async function deployed(declared: Declared) {
  const api = createApi();
  const target = targetOf(api, declared);
  await target.deploy(orderOf(1));
  return { api, target };
}

const percents = ({ members }: ReturnType<typeof createApi>) => members.map(({ percent }) => percent);

describe.each(kinds)('an API %s', (_, declared) => {
  test('gets absolute shares of both digests, and what it says afterwards is the answer', async () => {
    const { api, target } = await deployed(declared);
    const reading = await target.setWeights(orderOf(2), sharesOf(2500), step);
    expect(percents(api)).toEqual([75, 25]);
    expect(reading.shares).toEqual(sharesOf(2500));
    expect(await target.confirm(orderOf(2), 2500)).toEqual({ kind: 'live' });
    expect(api.calls.at(-3)?.url).toBe('http://127.0.0.1:9/pools/web-prod/weights');
  });

  test('whose answer was lost is read before anything is written again', async () => {
    const { api, target } = await deployed(declared);
    api.next['PUT'] = [(act) => (act(), lost())];
    await target.setWeights(orderOf(2), sharesOf(2500), step);
    expect(percents(api)).toEqual([75, 25]);
  });

  test('that says yes and does nothing is asked again, and called a liar in the end', async () => {
    const { api, target } = await deployed(declared);
    api.next['PUT'] = [() => json(200, {})];
    await target.setWeights(orderOf(2), sharesOf(2500), step);
    expect(percents(api)).toEqual([75, 25]);

    api.next['PUT'] = Array.from({ length: 9 }, () => () => json(200, {}));
    const raising = target.setWeights(orderOf(3), sharesOf(5000), { kind: 'step', index: 1 });
    await expect(raising).rejects.toThrow(/the write of 50% was accepted, and 25% is read back/);
  });

  test.each([
    [401, 'denied'],
    [404, 'missing'],
    [422, 'invalid'],
    [500, 'unreachable'],
    [429, 'throttled'],
  ])('that answers %i is an error of code %s, in its own words', async (status, code) => {
    const { api, target } = await deployed(declared);
    api.next['PUT'] = Array.from({ length: 10 }, () => () => json(status, { error: 'no\nway' }));
    const raising = target.setWeights(orderOf(2), sharesOf(2500), step);
    await expect(raising).rejects.toMatchObject({ code, message: expect.stringContaining(String(status)) as string });
    await expect(target.setWeights(orderOf(3), sharesOf(0), back)).rejects.toMatchObject({ code });
    expect(percents(api)).toEqual([100, 0]);
  });

  test('a late raise of the same process is refused after zero, and never sent', async () => {
    const { api, target } = await deployed(declared);
    await target.setWeights(orderOf(2), sharesOf(2500), step);
    await target.setWeights(orderOf(4), sharesOf(0), back);
    const writes = api.calls.filter(({ method }) => method === 'PUT').length;
    await expect(target.setWeights(orderOf(3), sharesOf(5000), step)).rejects.toMatchObject({
      code: 'fenced',
      fence: 4,
    });
    await expect(target.setWeights(orderOf(5), sharesOf(5000), step)).rejects.toMatchObject({ code: 'fenced' });
    expect(api.calls.filter(({ method }) => method === 'PUT')).toHaveLength(writes);
  });

  test('an effect that a later one of the same rollout has overtaken raises nothing', async () => {
    const { api, target } = await deployed(declared);
    await target.setWeights(orderOf(4), sharesOf(2500), step);
    const late = target.setWeights(orderOf(3), sharesOf(5000), { kind: 'step', index: 1 });
    await expect(late).rejects.toMatchObject({ code: 'fenced', fence: 4 });
    expect(percents(api)).toEqual([75, 25]);
  });

  test('nothing rises onto a release that is not ready', async () => {
    const { api, target } = await deployed(declared);
    Object.assign(api.members[1] ?? {}, { healthy: false });
    await expect(target.setWeights(orderOf(2), sharesOf(2500), step)).rejects.toThrow(/v2 is not ready/);
    await target.setWeights(orderOf(3), sharesOf(0), back);
  });

  test('a process that stood still between reading and writing reads again before it raises', async () => {
    const clock = patientClock();
    const api = createApi();
    const target = targetOf(api, { ...declared, clock });
    await target.deploy(orderOf(1));
    api.next['GET'] = [(act) => (clock.skip(60_000), act())];
    const reads = api.calls.filter(({ method }) => method === 'GET').length;
    await target.setWeights(orderOf(2), sharesOf(2500), step);
    expect(api.calls.filter(({ method }) => method === 'GET').length).toBeGreaterThanOrEqual(reads + 3);
  });

  test('a share between its steps is refused, never rounded', async () => {
    const { api, target } = await deployed(declared);
    await expect(target.setWeights(orderOf(2), sharesOf(50), step)).rejects.toMatchObject({ code: 'invalid' });
    const findings = await target.preflight([50, 10_000], canary);
    expect(findings).toContainEqual(expect.objectContaining({ level: 'problem', code: 'http.granularity' }));
    expect(percents(api)).toEqual([100, 0]);
  });

  test('a weight of somebody else is drift', async () => {
    const { api, target } = await deployed(declared);
    await target.setWeights(orderOf(2), sharesOf(2500), step);
    api.members.forEach((member, index) => (member.percent = [40, 60][index] ?? 0));
    expect(await target.confirm(orderOf(2), 2500)).toMatchObject({ kind: 'drifted', acceptedBp: 6000 });
  });

  test('the claim, if there is one, is given back at the end, and what has traffic is not retired', async () => {
    const { target } = await deployed({
      ...declared,
      calls: ['retire: { method: DELETE, url: "http://127.0.0.1:9/{{loser.label}}" }'],
    });
    await target.setWeights(orderOf(2), sharesOf(2500), step);
    await expect(target.retire(orderOf(3), canary)).rejects.toMatchObject({ code: 'conflict' });
    await target.setWeights(orderOf(4), sharesOf(0), back);
    await target.retire(orderOf(5), canary);
    const { claim } = await target.read();
    expect(claim === null || claim.released).toBe(true);
    expect(claim === null).toBe(declared.claims === false);
  });
});

describe('what it can do follows from what is declared', () => {
  const able = async (declared: Declared) => targetOf(createApi(), declared).capabilities();

  test('a claim and a version make a fence; without a version late calls are waited for', async () => {
    expect(await able({ versions: true })).toEqual({
      ...{ granularityBp: 100, fenced: true, preview: false, affinity: false, scales: false, instantRevert: true },
      stableAim: false,
    });
    expect(await able({})).toMatchObject({ fenced: false, settlesMs: 30_000 });
    expect(await able({})).not.toHaveProperty('unclaimed');
    expect(await able({ claims: false })).toMatchObject({ fenced: false, unclaimed: true });
  });

  test('granularity, preview, affinity and capacity are declared', async () => {
    const more = `{ public: "http://u.example", granularity: 5%, affinity: true, preview: { header: "x-p: 1" }, settles: 1m }`;
    const lines = more.slice(2, -2).replaceAll(/, (?=\w+:)/g, '\n    ');
    const calls = ['ensureCapacity: { url: "http://127.0.0.1:9/scale/{{canaryPercent}}" }'];
    expect(await able({ more: lines, calls })).toMatchObject({
      ...{ granularityBp: 500, preview: true, affinity: true, scales: true, settlesMs: 60_000 },
    });
  });
});

describe('conditional writes', () => {
  test('a write on what somebody has changed is refused by the API and decided anew', async () => {
    const { api, target } = await deployed({ versions: true });
    api.next['PUT'] = [(act) => ((api.version += 1), act())];
    await target.setWeights(orderOf(2), sharesOf(2500), step);
    expect(percents(api)).toEqual([75, 25]);
    expect(api.calls.filter(({ method }) => method === 'PUT').at(-1)?.headers['if-match']).toMatch(/^"\d"$/);
  });

  test('a raise that was held up on its way is refused by the API itself once zero stands there', async () => {
    const { api, target } = await deployed({ versions: true });
    const late: (() => unknown)[] = [];
    api.next['PUT'] = [(act) => (late.push(act), lost())];
    const stop = new AbortController();
    const raising = target.setWeights(orderOf(2), sharesOf(2500), step, stop.signal);
    stop.abort(new Error('aborted'));
    await expect(raising).rejects.toThrow();
    await target.setWeights(orderOf(3), sharesOf(0), back);
    for (const act of late) expect(act()).toMatchObject({ status: 412 });
    expect(percents(api)).toEqual([100, 0]);
  });
});

describe('a stored claim', () => {
  test('of another rollout keeps this one out', async () => {
    const { api, target } = await deployed({});
    const other = targetOf(api, {});
    const theirs = { rollout: 'rollout/production/other', run: 'run-9' };
    await expect(other.setWeights(orderOf(9, theirs), sharesOf(2500), step)).rejects.toMatchObject({ code: 'fenced' });
    expect((await target.read()).claim).toMatchObject({ rollout: 'rollout/production/web', fence: 1 });
  });

  test('that was lost admits only what lowers', async () => {
    const { api, target } = await deployed({});
    await target.setWeights(orderOf(2), sharesOf(2500), step);
    api.note = '';
    await expect(target.setWeights(orderOf(3), sharesOf(5000), step)).rejects.toMatchObject({ code: 'fenced' });
    await target.setWeights(orderOf(4), sharesOf(0), back);
    expect(percents(api)).toEqual([100, 0]);
  });

  test('is raised without a weight, and the stage stays', async () => {
    const { target } = await deployed({});
    await target.setWeights(orderOf(2), sharesOf(2500), step);
    expect((await target.raiseFence(orderOf(3))).claim).toMatchObject({ fence: 3, stage: step, canaryBp: 2500 });
  });
});

describe('preflight', () => {
  const codes = async (api: ReturnType<typeof createApi>, declared: Declared = {}) =>
    (await targetOf(api, declared).preflight([2500, 10_000], canary)).map(({ level, code }) => `${level} ${code}`);

  test('says what is not declared and what follows', async () => {
    expect(await codes(createApi(), { claims: false })).toEqual([
      'warning http.not-fenced',
      'warning http.no-claim',
      'warning http.undeclared',
    ]);
    expect(await codes(createApi(), { versions: true })).toEqual(['warning http.undeclared']);
  });

  test('refuses a split that is there already, a foreign note, an absent release, an API that is away', async () => {
    const split = createApi();
    split.members.forEach((member) => (member.percent = 50));
    expect(await codes(split)).toContain('problem http.split-present');

    const noted = createApi();
    noted.note = 'call Bob before you touch this';
    expect(await codes(noted)).toContain('problem http.foreign-claim');

    const absent = createApi();
    absent.members.pop();
    expect(await codes(absent)).toContain('problem http.not-deployed');
    expect(await codes(absent, { calls: ['deploy: { url: "http://127.0.0.1:9/d" }'] })).not.toContain(
      'problem http.not-deployed',
    );

    const away = createApi();
    away.next['GET'] = [lost];
    expect(await codes(away)).toContain('problem http.unreadable');
  });

  test('refuses a preview that is not the declared one', async () => {
    const preview = { header: 'x-preview', value: 'yes' };
    expect(await codes(createApi(), { plan: { preview } })).toContain('problem http.preview');
    const more = 'public: http://u.example\n    preview: { header: "x-preview: yes" }';
    expect(await codes(createApi(), { plan: { preview }, more })).not.toContain('problem http.preview');
    const target = targetOf(createApi(), { plan: { preview }, more });
    expect(await target.aim('canary', orderOf(1))).toEqual({
      baseUrl: 'http://u.example',
      headers: { 'x-preview': 'yes' },
    });
    expect(await target.aim('stable', orderOf(1))).toBeNull();
  });
});

describe('the declared calls of a release’s life', () => {
  const calls = [
    'deploy: { url: "http://127.0.0.1:9/deploy", json: { image: "{{release.image}}@{{release.digest}}", fence: "{{fence}}" } }',
    'promote: { url: "http://127.0.0.1:9/promote/{{release.label}}" }',
    'restore: { url: "http://127.0.0.1:9/restore/{{stable.label}}", expect: [200] }',
    'confirm: { url: "http://127.0.0.1:9/live?percent={{canaryPercent}}", live: { path: $.synced, is: yes } }',
  ];
  const posts = (api: ReturnType<typeof createApi>) =>
    api.calls.filter(({ method }) => method === 'POST').map(({ url }) => new URL(url).pathname);

  test('are made with values for where they stand, and awaited until the release is ready', async () => {
    const api = createApi();
    Object.assign(api.members[1] ?? {}, { healthy: false });
    let asked = 0;
    api.next['GET'] = Array.from({ length: 6 }, () => (act) => {
      asked += 1;
      if (asked === 5) Object.assign(api.members[1] ?? {}, { healthy: true });
      return act();
    });
    const instance = await targetOf(api, { calls }).deploy(orderOf(1));
    expect(instance).toMatchObject({ release: canary, ready: true });
    const [deploy] = api.calls.filter(({ method }) => method === 'POST');
    const body = { image: `registry.example/web@${canary.digest}`, fence: 1 };
    expect(JSON.parse(deploy?.body ?? '')).toEqual(body);
    expect(api.calls.filter(({ method }) => method === 'GET').length).toBeGreaterThanOrEqual(5);
  });

  test('a hostile label stays one piece of the address', async () => {
    const api = createApi();
    const target = targetOf(api, { calls, claims: false });
    Object.assign(api.members[1] ?? {}, { percent: 100 });
    Object.assign(api.members[0] ?? {}, { percent: 0 });
    await target.promote(orderOf(2, { canary: { ...canary, label: '../../admin?x=1#' } }));
    expect(api.calls.at(-1)?.url).toBe('http://127.0.0.1:9/promote/..%2F..%2Fadmin%3Fx%3D1%23');
  });

  test('the data plane has a say where that is declared', async () => {
    const api = createApi();
    const target = targetOf(api, { calls });
    await target.deploy(orderOf(1));
    await target.setWeights(orderOf(2), sharesOf(2500), step);
    api.next['GET'] = [(act) => act(), () => json(200, { synced: 'no' })];
    expect(await target.confirm(orderOf(2), 2500)).toMatchObject({ kind: 'pending' });
    api.next['GET'] = [(act) => act(), () => json(200, { synced: 'yes' })];
    expect(await target.confirm(orderOf(2), 2500)).toEqual({ kind: 'live' });
  });

  test('what is not declared is not made up: stable that is gone must be started by hand', async () => {
    const api = createApi();
    Object.assign(api.members[0] ?? {}, { healthy: false });
    await expect(targetOf(api).restore(orderOf(2))).rejects.toThrow(/declares no restore call: start it by hand/);
    Object.assign(api.members[0] ?? {}, { healthy: true });
    expect(await targetOf(api).restore(orderOf(2))).toMatchObject({ release: stable, ready: true });
    await targetOf(api, { calls }).restore(orderOf(2));
    expect(posts(api)).toEqual(['/restore/v1']);
  });
});
