import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deskSecrets } from '../../testbed/demo-service/desk.ts';
import { readRequestLog, type ServedRequest } from '../../testbed/demo-service/request-log.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { canaryRequestsAfterZero } from './at-proxy.ts';
import { patienceMs, Rollouts } from './rollouts.ts';
import { everythingIn } from './told.ts';

const services = [
  'whole',
  { name: 'chatless', releases: { v2: { errorRate: 1, only: '/api/chat' } } },
  'sessionless',
  'leaky',
  { name: 'slow', releases: { v2: { latencyMs: 1_500, only: '/api/chat' } } },
  'ticketless',
  'open',
  'welcoming',
];
const folder = temporaryFolder('smoke');
const archive = join(folder, 'archive');
let world: World;
let rollouts: Rollouts;
let workerLog: string;

beforeAll(async () => {
  world = await startWorld({ folder, services });
  rollouts = await Rollouts.of(world);
  const files = join(folder, 'smoke-files');
  mkdirSync(files);
  mkdirSync(archive);
  writeFileSync(join(files, 'photo.jpg'), 'what a camera saw');
  const worker = await world.startWorker({
    env: {
      SLUICE_SECRET_DESK_PASSWORD: deskSecrets.password,
      SLUICE_SECRET_DESK_SIGNING: deskSecrets.signing,
      SLUICE_SECRET_DESK_TOKEN: deskSecrets.token,
    },
    parts: { smoke: { allow: [world.publicUrl], files }, archive: { kind: 'folder', path: archive } },
  });
  workerLog = worker.logFile;
  for (const { name } of world.services) world.load(name, { ratePerSecond: 10, maxSeconds: 600 });
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

type Request = Readonly<Record<string, unknown>> & { readonly name: string };

/** From the greeting on they hang together by its session. */
const chain: readonly Request[] = [
  { name: 'greeting', post: '/api/greeting', capture: { sid: '$.sessionId' } },
  { name: 'validate', post: '/api/validate', json: { sessionId: '{{sid}}' }, expect: { json: { ok: true } } },
  { name: 'chat', post: '/api/chat', json: { sessionId: '{{sid}}', text: 'smoke {{unique}}' } },
  {
    name: 'ticket',
    post: '/api/tickets',
    json: { sessionId: '{{sid}}', subject: 'smoke {{unique}}' },
    expect: { status: 201, exists: ['$.ticketId'] },
    capture: { ticket: '$.ticketId' },
  },
  {
    name: 'photo',
    post: '/api/photos',
    headers: { 'x-session-id': '{{sid}}' },
    multipart: { image: { file: 'photo.jpg' }, title: 'smoke {{unique}}' },
    expect: { json: { ok: true } },
  },
];
const doors: readonly Request[] = [
  { name: 'login', post: '/login', json: { user: 'smoke', password: '{{secret:DESK_PASSWORD}}' } },
  { name: 'account', get: '/account', expect: { json: { user: 'smoke' } } },
  { name: 'stranger', get: '/account', cookies: 'none', expect: { status: 401 } },
  {
    name: 'signed',
    post: '/webhooks/desk',
    json: { id: '{{unique}}' },
    sign: { secret: 'DESK_SIGNING', header: 'x-hub-signature-256', format: 'sha256={{signature}}' },
    expect: { status: 202 },
  },
  { name: 'unsigned', post: '/webhooks/desk', json: { id: '{{unique}}' }, expect: { status: 401 } },
  { name: 'ws-stranger', ws: '/ws', cookies: 'none', expect: { handshake: 'refused', status: 403 } },
  {
    name: 'ws-token',
    ws: '/ws?token={{secret:DESK_TOKEN}}',
    cookies: 'none',
    json: { type: 'ping' },
    expect: { firstMessageWithin: '5s', json: { type: 'pong', release: 'v2' } },
  },
  {
    name: 'ws-visitor',
    ws: '/ws',
    json: { type: 'ping' },
    expect: { json: { type: 'pong' }, firstMessageWithin: '5s' },
  },
];
const ready: Request = {
  ...{ name: 'ready', get: '/api/whoami', times: 3, every: '300ms' },
  expect: { json: { release: 'v2' } },
};
/** At 1 % it would be a wonder if chance brought all of them to the release under test. */
const twenty = Array.from({ length: 20 }, (_, at) => ({ ...ready, name: `look-${String(at)}`, times: 1 }));
const cleanup: readonly Request[] = [{ name: 'close', delete: '/api/tickets/{{ticket}}', expect: { status: 204 } }];

function startSmoked(service: string, requests: readonly Request[], left = cleanup): Promise<void> {
  const desk = { baseUrl: { canary: 'preview' }, forbidStatus: ['5xx'], requests, cleanup: left };
  const steps = ['1%', '100%'].map((weight) => ({ weight, bake: '1s..10m', smoke: ['desk'] }));
  return rollouts.start({ service, steps, parts: { smoke: { suites: { desk } } } });
}

/** What a slot's own log has of smoke. */
const smokeIn = (service: string, slot: 'a' | 'b'): readonly ServedRequest[] =>
  readRequestLog(world.service(service).slots[slot].requestLog).filter(
    ({ smoke, preview }) => smoke !== null || preview,
  );
const nameIn = ({ smoke }: ServedRequest): string => smoke?.split('/')[1] ?? '';
const runIn = ({ smoke }: ServedRequest): string => smoke?.split('/')[0] ?? '';
const namesOf = (requests: readonly Request[]): readonly string[] =>
  requests.flatMap(({ name, times = 1 }) => Array.from({ length: Number(times) }, () => name));

/** Stable has a log, and not one line of it is smoke's. */
function expectOnlyUsersAtStable(service: string): void {
  const log = readRequestLog(world.service(service).slots.a.requestLog);
  expect(log.length).toBeGreaterThan(0);
  expect(log.filter(({ smoke, preview }) => smoke !== null || preview)).toEqual([]);
  // What did not come through the proxy was Sluice itself, which looks at stable before it begins.
  const others = log.filter(({ load, proxied }) => load === null && proxied);
  expect(others).toEqual([]);
}

describe.concurrent('a smoke suite in a rollout', () => {
  it('with everything there is reaches the release under test alone, in order, each run with its own session and data (T-13)', async () => {
    const service = 'whole';
    const requests = [ready, ...doors, ...chain];
    await startSmoked(service, requests);
    expect(await rollouts.ended(service)).toMatchObject({ outcome: 'completed', reason: null });

    const seen = smokeIn(service, 'b');
    const runs = [...new Set(seen.map(runIn))];
    expect(runs).toHaveLength(2);
    const [first = [], second = []] = runs.map((run) => seen.filter((one) => runIn(one) === run));
    for (const run of [first, second]) {
      expect(run.map(nameIn)).toEqual([...namesOf(requests), 'close']);
      expect(new Set(run.map(({ preview, proxied }) => preview && proxied))).toEqual(new Set([true]));
      const of = (name: string) => run.find((one) => nameIn(one) === name);
      const statuses = ['stranger', 'signed', 'unsigned', 'ws-stranger', 'ws-token', 'ws-visitor', 'ticket', 'close'];
      expect(statuses.map((name) => of(name)?.status)).toEqual([401, 202, 401, 403, 101, 101, 201, 204]);
      const session = of('greeting')?.saw['sessionId'];
      expect(session).toMatch(/^[0-9a-f-]{36}$/);
      const chained = ['validate', 'chat', 'ticket', 'photo'].map((name) => of(name)?.saw['sessionId']);
      expect(chained).toEqual([session, session, session, session]);
      const unique = runIn(run[0] as ServedRequest);
      expect(of('photo')?.saw).toMatchObject({ title: `smoke ${unique}`, image: 'photo.jpg image/jpeg 17' });
      expect(of('ticket')?.saw['subject']).toBe(`smoke ${unique}`);
    }
    const sessionOf = (run: readonly ServedRequest[]) =>
      run.find((one) => nameIn(one) === 'greeting')?.saw['sessionId'];
    expect(sessionOf(first)).not.toBe(sessionOf(second));
    expectOnlyUsersAtStable(service);
  });

  it('goes back at 1 % when only the chat of the release under test is broken, after the clean-up, past stable (T-14, T-15)', async () => {
    const service = 'chatless';
    const late = chain.toSorted((one, other) => Number(one.name === 'chat') - Number(other.name === 'chat'));
    await startSmoked(service, [...twenty, ...late]);
    const end = await rollouts.ended(service);
    expect(end.outcome).toBe('rolled-back');
    expect(end.reason).toMatch(/^smoke suite desk failed: chat: .*500/);
    expect(world.weightsSeenByProxy(service)).toEqual([100, 0]);
    const names = smokeIn(service, 'b').map((one) => nameIn(one));
    expect(names).toEqual([
      ...twenty.map(({ name }) => name),
      'greeting',
      'validate',
      'ticket',
      'photo',
      'chat',
      'close',
    ]);
    expectOnlyUsersAtStable(service);
    expect(violations(world.proxyWrites(service), { stepsBp: [100, 10_000], ended: true })).toEqual([]);
    expect(await canaryRequestsAfterZero(world, service)).toBe(0);
  });

  it('ends at the answer that lacks what later requests need, and sends none of them (T-13)', async () => {
    const service = 'sessionless';
    const [greeting, ...rest] = chain;
    const capture = { sid: '$.session.id' };
    await startSmoked(service, [{ ...greeting, name: 'greeting', capture }, ...rest]);
    const end = await rollouts.ended(service);
    expect(end).toMatchObject({ outcome: 'rolled-back', weights: { acceptedBp: 0 } });
    expect(end.reason).toMatch(/^smoke suite desk failed: greeting: .*capture sid/);
    expect(smokeIn(service, 'b').map(nameIn)).toEqual(['greeting']);
    expectOnlyUsersAtStable(service);
  });

  /** The service is in the wrong each time, or the suite asks for what it does not do, which looks the same. */
  const wrong: readonly (readonly [string, Request, RegExp])[] = [
    ['slow', { ...chain[2], name: 'chat', expect: { within: '1s' } }, /chat: .*took \d+ ms, at most 1000 ms allowed/],
    ['ticketless', { ...chain[1], name: 'ticket', capture: { ticket: '$.ticketId' } }, /ticket: .*capture ticket/],
    ['open', { name: 'tasks', get: '/api/whoami', expect: { status: 401 } }, /tasks: .*expected 401, got 200/],
    [
      'welcoming',
      { name: 'ws', ws: '/ws?token={{secret:DESK_TOKEN}}', expect: { handshake: 'refused', status: 403 } },
      /ws: .*the handshake was accepted/,
    ],
  ];
  it.each(wrong)('whose service is %s fails, asks nothing after that, and goes back at 1 % (T-14)', async (...one) => {
    const [service, request, reason] = one;
    const [greeting, , , , photo] = chain;
    if (greeting === undefined || photo === undefined) throw new Error('the chain is shorter');
    await startSmoked(service, [greeting, request, photo], []);
    const end = await rollouts.ended(service);
    expect([service, end.outcome]).toEqual([service, 'rolled-back']);
    expect(end.reason).toMatch(new RegExp(`^smoke suite desk failed: ${reason.source}`));
    expect(smokeIn(service, 'b').map(nameIn)).toEqual(['greeting', request.name]);
    expect(world.weightsSeenByProxy(service)).toEqual([100, 0]);
    expectOnlyUsersAtStable(service);
    expect(violations(world.proxyWrites(service), { stepsBp: [100, 10_000], ended: true })).toEqual([]);
    expect(await canaryRequestsAfterZero(world, service)).toBe(0);
  });

  it('keeps its secrets to itself, also when the service tells them to everybody (T-16)', async () => {
    const service = 'leaky';
    const logs = { name: 'logs', get: '/api/logs?token={{secret:DESK_TOKEN}}', expect: { exists: ['$.nothing'] } };
    await startSmoked(service, [...doors, logs], []);
    const end = await rollouts.ended(service);
    expect(end.reason).toMatch(/^smoke suite desk failed: logs: /);
    const inArchive = () => readdirSync(join(archive, 'demo', service)).filter((name) => name.endsWith('.json'));
    await waitFor(() => inArchive().length > 0, { for: 'the record', withinMs: patienceMs });
  });
});

describe('afterwards', () => {
  it('no secret of smoke is in a history, an answer, the archive, the log of the worker or the record of the proxy (T-16)', async () => {
    const told = new Map<string, string>();
    for (const { name } of world.services) {
      told.set(`history of ${name}`, await everythingIn(rollouts, name));
      for (const command of ['status', 'timeline', 'record', 'explain']) {
        const { stdout, stderr } = await rollouts.run(command, name, '--json');
        told.set(`${command} of ${name}`, `${stdout}${stderr}`);
      }
      const below = join(archive, 'demo', name);
      told.set(
        `archive of ${name}`,
        readdirSync(below)
          .map((file) => readFileSync(join(below, file), 'utf8'))
          .join('\n'),
      );
    }
    told.set('log', readFileSync(workerLog, 'utf8'));
    told.set('proxy', JSON.stringify(world.admin.entries()));

    const forms = Object.values(deskSecrets).flatMap((secret) => {
      const bytes = Buffer.from(secret);
      return [secret, encodeURIComponent(secret), bytes.toString('base64'), bytes.toString('hex')];
    });
    const found = [...told].flatMap(([where, text]) =>
      forms.filter((form) => text.includes(form)).map((form) => [where, form]),
    );
    expect(found).toEqual([]);
    // What was looked through is really there: the answer that gave the token away, without it and cut.
    const leaked = told.get('history of leaky') ?? '';
    expect(leaked.includes('asked with token ***')).toBe(true);
    expect(leaked.includes('.'.repeat(100))).toBe(true);
    expect(leaked.includes('.'.repeat(301))).toBe(false);
    for (const [where, text] of told) expect([where, text.length > 100]).toEqual([where, true]);
  });
});
