import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { decide } from '../../client/index.ts';
import type { Status } from '../../plan/status.ts';
import type { Notice } from '../../providers/ports.ts';
import { type Recorder, startRecorder } from '../../testbed/recorder.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import type { Worker } from '../../testbed/world/commands.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { listen, type Loopback } from '../providers/loopback.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { canaryRequestsAfterZero } from './at-proxy.ts';
import { impatientBuild } from './builds.ts';
import { idOf, patienceMs, Rollouts } from './rollouts.ts';
import type { Shape } from './short-spec.ts';

const judged = ['empty', 'nan', 'away', 'back', 'doubtful', 'errors', 'p95', 'inside'];
const unready = { name: 'cold', releases: { v2: { ready: false } } };
const services = [...judged, unready, 'five', 'alone', 'pair', 'nobody', 'late', 'asleep'];

const folder = temporaryFolder('scenarios');
let people: Loopback;
let world: World;
/** In front of Prometheus, for who asks it under the name `lossy`. */
let lossy: Recorder;
let rollouts: Rollouts;
let worker: Worker;
/** Starts a worker that does not wait for minutes. */
let launcher: string;

/** Who may do what here: who leads development is two people, one of whom is on duty for operations too. */
const directory = {
  rita: ['release-manager'],
  tess: ['tech-lead'],
  cleo: ['ceo'],
  paul: ['product-owner'],
  sid: ['security'],
  quinn: ['qa'],
  bea: ['backend-lead'],
  ben: ['backend-lead'],
  dora: ['backend-lead', 'sre'],
  sam: ['sre'],
  olga: ['on-call'],
};
const roles = [...new Set(Object.values(directory).flat())];

beforeAll(async () => {
  people = await listen(() => ({ status: 204 }));
  world = await startWorld({ folder, services, notify: people.url });
  const known = Object.entries(directory).map(([person, held]) => [person, { name: person, roles: held }] as const);
  writeFileSync(
    world.directoryFile,
    stringify({ apiVersion: 'sluice/v1', kind: 'Directory', identity: 'trust', people: Object.fromEntries(known) }),
  );
  lossy = await startRecorder({ upstream: world.prometheus.url, logFile: join(folder, 'metrics-calls.jsonl') });
  rollouts = await Rollouts.of(world, (shape) => ({ ...shape, parts: { people: { roles }, ...shape.parts } }));
  launcher = impatientBuild(folder);
  worker = await startWorker();
  for (const name of judged) world.load(name, { ratePerSecond: 20, maxSeconds: 600 });
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
  await lossy.stop();
  await people.stop();
});

const startWorker = () =>
  world.startWorker({ launcher, connections: { lossy: { kind: 'prometheus', url: lossy.url } } });

const told = (service: string): readonly Notice[] =>
  people.asked.map(({ body }) => JSON.parse(body) as Notice).filter(({ rollout }) => rollout === idOf(service));

const stepsBp = [2_500, 10_000];
const steps = [
  { weight: '25%', bake: '1s..10m' },
  { weight: '100%', bake: '1s..10m' },
];
const gate = (
  id: string,
  require: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
) => ({
  ...{ id, at: 'start', require: [require], expires: '1h' },
  ...more,
});
const wide = { at: 'before-step', steps: ['100%'] };

async function expectEnd(service: string, outcome: Status['outcome'], weights: readonly number[]): Promise<Status> {
  const end = await rollouts.ended(service);
  expect([service, end.outcome, world.weightsSeenByProxy(service)]).toEqual([service, outcome, weights]);
  if (weights.length > 0) expect(violations(world.proxyWrites(service), { stepsBp, ended: true })).toEqual([]);
  return end;
}

// ── Numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Of the tracked release; with more matchers of v2 alone. */
const counted = (service: string, more = '') => `http_requests_total{app="${service}",{{track}}${more}}`;
/** 1 for the release under test as soon as it has a series, 0 for the stable one. */
const isCanary = (service: string) => `(count(count by (release) (${counted(service, ',release="v2"')})) or vector(0))`;

const limit = (id: string, query: string, breach: string) => ({
  ...{ id, kind: 'limit', query, breach, for: '2s', do: 'rollback', severity: 'P1' },
});

/** Where the number of the release under test is lost, that of the stable one stays. */
const lostBy: Readonly<Record<string, (service: string) => string>> = {
  empty: (service) => `sum(${counted(service, ',release="v1"')}) * 0`,
  nan: (service) => `sum(${counted(service)}) * 0 / (1 - ${isCanary(service)})`,
  away: (service) => `sum(${counted(service)}) * 0`,
};

/** Prometheus is away for `service` from its first gate on; the returned function brings it back. */
async function startWithoutMetrics(service: string, shape: Partial<Shape>): Promise<() => void> {
  const criteria = [limit('errors', `sum(${counted(service)}) * 0`, '> 1%')];
  const gates = [gate('go', { allOf: ['sre'] })];
  await rollouts.start({ service, steps, gates, metrics: 'lossy', parts: { criteria }, ...shape });
  await rollouts.gate(service, 'go');
  const mend = lossy.fault({ body: new RegExp(`%22${service}%22`), fault: { kind: 'refuse', status: 503 } });
  await rollouts.answer(service, 'go', 'sam');
  return mend;
}

describe.concurrent('metrics of a real Prometheus', () => {
  it.each(['empty', 'nan', 'away'])(
    'that are %s for a whole step are neither good nor bad: people are told, asked, and nobody deciding takes it back (T-26)',
    async (service) => {
      const held = [{ weight: '25%', bake: '1s..2s', onHold: 'rollback', holdFor: '3s' } as const, ...steps.slice(1)];
      const criteria = [limit('errors', lostBy[service]?.(service) ?? '', '> 1%')];
      if (service === 'away') await startWithoutMetrics(service, { steps: held });
      else await rollouts.start({ service, steps: held, parts: { criteria } });
      const { findings, bake } = await rollouts.held(service, /^no valid data for .* of this bake: errors/);
      expect(findings).toMatchObject([{ criterion: 'errors', verdict: 'no-data' }]);
      expect(bake?.validMs).toBe(0);
      const end = await expectEnd(service, 'rolled-back', [2_500, 0]);
      expect(end.reason).toMatch(/nobody decided in time about: no valid data/);
      const writes = world.proxyWrites(service);
      const raised = writes.find(({ canaryBp }) => canaryBp === 2_500)?.at;
      const zero = writes.find(({ claim }) => claim?.stage.kind === 'back')?.at;
      expect((zero ?? NaN) - (raised ?? NaN)).toBeGreaterThanOrEqual(8_000);
      const isPage = ({ severity, text }: Notice) => severity === 'P0' && /^nothing could be judged/.test(text);
      await waitFor(() => told(service).some(isPage), { for: 'a page', withinMs: patienceMs });
      expect(await canaryRequestsAfterZero(world, service)).toBe(0);
    },
  );

  it('that only people can weigh hold the step for as long as it takes, where it says so', async () => {
    const service = 'doubtful';
    const odd = { ...limit('odd', isCanary(service), '> 0.5'), do: 'hold' };
    const held = [{ weight: '25%', bake: '10m..1h', onHold: 'hold', holdFor: '1s' } as const, ...steps.slice(1)];
    await rollouts.start({ service, steps: held, parts: { criteria: [odd] } });
    const { held: stop } = await rollouts.held(service, /^criterion odd failed: canary 1 > 0.5/);
    const isOver = () => Date.now() - (stop?.since ?? NaN) > 5_000;
    await waitFor(isOver, { for: 'more than the time for an answer', withinMs: patienceMs });
    expect(await rollouts.status(service)).toMatchObject({ phase: 'held', outcome: null });
    expect(world.weightsSeenByProxy(service)).toEqual([2_500]);
    await rollouts.order(service, 'abort');
    await expectEnd(service, 'rolled-back', [2_500, 0]);
  });

  it('that are back before the end of the bake let it go on by itself, and not before (T-26)', async () => {
    const service = 'back';
    const mend = await startWithoutMetrics(service, {});
    const isBlind = ({ findings }: Status) => findings.some(({ verdict }) => verdict === 'no-data');
    await rollouts.until(service, 'no data', (status) => status.weights.acceptedBp === 2_500 && isBlind(status));
    const mendedAt = Date.now();
    mend();
    await expectEnd(service, 'completed', stepsBp);
    expect(world.proxyWrites(service).find(({ canaryBp }) => canaryBp === 10_000)?.at).toBeGreaterThan(mendedAt);
  });

  it.each([
    ['errors', 0.01, '>= 1%', 'canary 1% ≥ 1%'],
    ['p95', 2, '>= 2s', 'canary 2s ≥ 2s'],
  ])(
    'that stand exactly at a limit of which “at” is too much go back: %s (T-21)',
    async (service, value, breach, said) => {
      const criteria = [limit('at', `${String(value)} * ${isCanary(service)}`, breach)];
      await rollouts.start({
        service,
        steps: [{ weight: '25%', bake: '10m..1h' }, ...steps.slice(1)],
        parts: { criteria },
      });
      const end = await expectEnd(service, 'rolled-back', [2_500, 0]);
      expect(end.reason).toContain(`criterion at failed: ${said}`);
      expect(await canaryRequestsAfterZero(world, service)).toBe(0);
    },
  );

  it('that stand exactly at a limit which only “above” breaks are good (T-21)', async () => {
    const service = 'inside';
    const criteria = [
      limit('errors', `0.01 * ${isCanary(service)}`, '> 1%'),
      limit('p95', `2 * ${isCanary(service)}`, '> 2s'),
    ];
    await rollouts.start({
      service,
      steps: [{ weight: '25%', bake: '6s..10m' }, ...steps.slice(1)],
      parts: { criteria },
    });
    const { findings } = await expectEnd(service, 'completed', stepsBp);
    expect(findings.map(({ criterion, verdict, value }) => [criterion, verdict, value])).toEqual([
      ['errors', 'pass', 0.01],
      ['p95', 'pass', 2],
    ]);
  });
});

describe.concurrent('a release that never becomes ready', () => {
  it('is given up without anybody’s help, and no user ever meets it', async () => {
    const service = 'cold';
    world.load(service, { ratePerSecond: 10, maxSeconds: 600 });
    await rollouts.start({ service, steps });
    const end = await expectEnd(service, 'aborted', []);
    expect(end.reason).toMatch(/^deploying failed: .*slot b is starting/);
    expect(world.proxyWrites(service).filter(({ canaryBp }) => canaryBp !== 0)).toEqual([]);
    expect(await world.service(service).slotStates()).toMatchObject({
      a: { ready: true, release: { label: 'v1' } },
      b: { state: 'stopped', release: null },
    });
    expect(world.canaryRequestsSince(service, 0)).toBe(0);
    expect(world.canaryRequestsSince(service, 0, 'v1')).toBeGreaterThan(0);
  });
});

// ── People ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const isUntouched = (service: string) => {
  const calls = world.service(service).recorder.entries();
  return world.proxyWrites(service).length === 0 && calls.every(({ method }) => method === 'GET');
};

describe.concurrent('a gate', () => {
  it('of five roles waits for the fifth, says who that is, and touches nothing meanwhile (T-30)', async () => {
    const service = 'five';
    const five = ['tech-lead', 'qa', 'security', 'product-owner', 'sre'];
    await rollouts.start({ service, steps, gates: [gate('go', { allOf: five })] });
    for (const by of ['tess', 'quinn', 'sid']) {
      expect(await rollouts.answer(service, 'go', by)).toMatchObject({ outcome: 'recorded', state: 'open' });
    }
    expect(await rollouts.answer(service, 'go', 'paul')).toMatchObject({ state: 'open', missing: '1 of sre' });
    expect(await rollouts.gate(service, 'go')).toMatchObject({ missing: '1 of sre', missingRoles: ['sre'] });
    const { stdout } = await rollouts.run('explain', service);
    expect(stdout).toMatch(/sre/);
    expect(isUntouched(service)).toBe(true);
    expect(await rollouts.answer(service, 'go', 'sam')).toMatchObject({ state: 'approved', missing: '' });
    await expectEnd(service, 'completed', stepsBp);
  });

  it('that one of several may pass goes on with the first of them (T-30)', async () => {
    const service = 'alone';
    await rollouts.start({ service, steps, gates: [gate('green-light', { anyOf: ['tech-lead', 'ceo'] })] });
    await rollouts.gate(service, 'green-light');
    expect(isUntouched(service)).toBe(true);
    expect(await rollouts.answer(service, 'green-light', 'cleo')).toMatchObject({ state: 'approved', missing: '' });
    const { requests } = await expectEnd(service, 'completed', stepsBp);
    expect(requests).toMatchObject([{ state: 'closed', decisions: [{ person: 'cleo', kind: 'approve' }] }]);
  });

  it('that wants one of each is not passed by two of one, nor by one person twice (T-30, T-34)', async () => {
    const service = 'pair';
    const each = { onePer: ['backend-lead', 'sre'] };
    await rollouts.start({ service, steps, gates: [gate('reviewers', each), gate('wide', each, wide)] });
    for (const by of ['bea', 'ben']) {
      expect(await rollouts.answer(service, 'reviewers', by)).toMatchObject({ state: 'open', missing: '1 of sre' });
    }
    expect(isUntouched(service)).toBe(true);
    expect(await rollouts.answer(service, 'reviewers', 'sam')).toMatchObject({ state: 'approved' });

    expect(await rollouts.answer(service, 'wide@100%', 'dora')).toMatchObject({ outcome: 'recorded', state: 'open' });
    expect(await rollouts.answer(service, 'wide@100%', 'dora')).toMatchObject({
      ...{ outcome: 'duplicate', state: 'open' },
      missing: expect.stringContaining('distinct people required: dora is counted once') as string,
    });
    const asked = await rollouts.run('approve', service, 'wide@100%', '--by', 'dora');
    expect(`${asked.stdout}${asked.stderr}`).toContain('distinct people required');
    expect(world.weightsSeenByProxy(service)).toEqual([2_500]);
    expect(await rollouts.answer(service, 'wide@100%', 'bea')).toMatchObject({ state: 'approved' });
    await expectEnd(service, 'completed', stepsBp);
  });

  it('reminds of the role that is missing, twice, and ends the rollout without a touch when it does not come (T-32)', async () => {
    const service = 'nobody';
    const both = { allOf: ['tech-lead', 'sre'] };
    await rollouts.start({ service, steps, gates: [gate('go', both, { expires: '12s' })] });
    const { openedAt } = await rollouts.gate(service, 'go');
    await rollouts.answer(service, 'go', 'sam');
    const end = await expectEnd(service, 'aborted', []);
    expect(end.reason).toBe('nobody completed gate go within 12s');
    expect(isUntouched(service)).toBe(true);
    const reminders = () => told(service).filter(({ key }) => key.includes('remind-'));
    await waitFor(() => reminders().length >= 2, { for: 'both reminders', withinMs: patienceMs });
    expect(reminders().map(({ severity, title, text }) => [severity, title, text])).toEqual([
      ['P1', 'nobody awaits tech-lead', '1 of tech-lead'],
      ['P1', 'nobody awaits tech-lead', '1 of tech-lead'],
    ]);
    const reminded = (await rollouts.timeline(service)).filter(({ code }) => code === 'gate-reminded');
    const [half = NaN, last = NaN] = reminded.map(({ at }) => at - openedAt);
    expect(half).toBeGreaterThanOrEqual(6_000);
    expect(last).toBeGreaterThanOrEqual(10_800);
  });

  it('that is over counts nobody any more, and says so (T-32)', async () => {
    const service = 'late';
    const gates = [gate('wide', { allOf: ['sre'] }, { ...wide, expires: '2s', onExpiry: 'hold' })];
    await rollouts.start({ service, steps, gates });
    await rollouts.held(service, /^nobody completed gate wide@100% within 2s/);
    const reason = 'gate wide@100% is closed: it expired';
    expect(await decideLate(service)).toEqual({ outcome: 'ignored', reason });
    expect((await rollouts.status(service)).ignored).toMatchObject([{ message: 'decide', by: 'sam', reason }]);
    expect(world.weightsSeenByProxy(service)).toEqual([2_500]);
    await rollouts.order(service, 'abort');
    await expectEnd(service, 'rolled-back', [2_500, 0]);
  });
});

/** What somebody says about the evidence they had seen, whatever became of the gate. */
async function lateDecision(service: string) {
  const { planDigest, requests } = await rollouts.status(service);
  const { gate: name = '', evidenceDigest = '' } = requests.at(-1) ?? {};
  const nothing = { reason: null, soakMs: null, signature: null };
  return { decision: 'approve' as const, gate: name, by: 'sam', planDigest, evidenceDigest, ...nothing };
}

const decideLate = async (service: string) => decide(rollouts.session, idOf(service), await lateDecision(service));

describe('an approval that comes a second after the end of its gate, while no worker is there', () => {
  it('is not counted: the rollout goes back as its gate says (T-32)', async () => {
    const service = 'asleep';
    await rollouts.start({
      service,
      steps,
      gates: [gate('wide', { allOf: ['sre'] }, { ...wide, expires: '20s', onExpiry: 'rollback' })],
    });
    const { expiresAt } = await rollouts.gate(service, 'wide@100%');
    const decision = await lateDecision(service);
    await worker.kill();
    await waitFor(() => Date.now() > expiresAt + 1_000, { for: 'a second after its end', withinMs: 60_000 });
    await rollouts.session.client.workflow.getHandle(idOf(service)).signal('decide', decision);
    worker = await startWorker();
    const end = await expectEnd(service, 'rolled-back', [2_500, 0]);
    expect(end.reason).toBe('nobody completed gate wide@100% within 20s');
    expect(end.ignored).toMatchObject([
      { message: 'decide', by: 'sam', reason: expect.stringMatching(/is closed: it expired|is going back/) as string },
    ]);
  });
});
