import { inspect } from 'node:util';
import { DefaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SmokeInput, SmokeReport } from '../../activities/contract.ts';
import type { Ports } from '../../activities/ports.ts';
import { createSmoke } from '../../activities/smoke.ts';
import type { SmokeSuite } from '../../plan/plan.ts';
import { createClock } from '../../providers/clock.ts';
import { createHttp } from '../../providers/http.ts';
import type { Http } from '../../providers/ports.ts';
import { createSecrets } from '../../providers/secrets/secrets.ts';
import { createSmokeFiles } from '../../providers/smoke/files.ts';
import { createSmokeRunner } from '../../providers/smoke/runner.ts';
import { createSockets } from '../../providers/sockets.ts';
import { type Asked, listen, type Loopback } from '../providers/loopback.ts';
import { expecting, request, suite } from '../providers/smoke-given.ts';
import { order } from './scripted.ts';

const value = 'tok/en "1"+sixteen';
const env = { SLUICE_SECRET_TOKEN: value };
const token = '{{secret:TOKEN}}';

/** Tells back all it was told, in every writing that it can think of. */
function echo({ path, headers, body, bytes }: Asked) {
  const all = [path, decodeURIComponent(path), JSON.stringify(headers), body, bytes.toString('base64')];
  const { authorization = '' } = headers;
  const said = [...all, Buffer.from(authorization).toString('base64'), encodeURIComponent(authorization)];
  return { status: 409, headers: { 'x-said': encodeURIComponent(value) }, body: said.join('\n') };
}

let server: Loopback;
beforeEach(async () => void (server = await listen(echo)));
afterEach(() => server.stop());

interface Left {
  readonly report: SmokeReport | null;
  /** Everything that leaves the activity: what Temporal writes into the history. */
  readonly told: string;
}

async function run(tried: SmokeSuite, http: Http = createHttp()): Promise<Left> {
  const secrets = await createSecrets({ from: 'env', prefix: 'SLUICE_SECRET_', env });
  const doors = { http, sockets: createSockets(), clock: createClock(), random: () => 'r' };
  const smoke = createSmokeRunner({ ...doors, secrets, files: createSmokeFiles(null), allow: [] });
  const seen: unknown[] = [];
  const observer = { smoke: (...said: unknown[]) => seen.push(said), effect: (...said: unknown[]) => seen.push(said) };
  const target = () => ({ aim: async () => ({ baseUrl: server.url, headers: {} }) });
  const ports = { clock: doors.clock, target, smoke, observer } as unknown as Ports;
  const temporal = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  temporal.on('heartbeat', (details: unknown) => seen.push(details));
  const input = { target: {}, order, suiteName: 'full', suite: tried, aim: 'canary' } as unknown as SmokeInput;
  seen.push(input);
  try {
    const report = await temporal.run<[SmokeInput], SmokeReport, (input: SmokeInput) => Promise<SmokeReport>>(
      createSmoke(ports),
      input,
    );
    return { report, told: JSON.stringify([seen, report]) };
  } catch (error) {
    const failure = new DefaultFailureConverter().errorToFailure(error, defaultPayloadConverter);
    return {
      report: null,
      told: JSON.stringify(seen) + inspect(failure, { depth: 20 }) + inspect(error, { depth: 20 }),
    };
  }
}

/** No piece of the value, however it is written. */
const anyForm = /tok(?:\/|%2F|\\\/)en|sixteen|c2l4dGVlb|NpeHRlZW|zaXh0ZWVu/i;

describe('a secret', () => {
  const places: [string, Parameters<typeof request>[1]][] = [
    ['the path', { path: `/x?token=${token}` }],
    ['a header', { headers: { authorization: `Bearer ${token}` } }],
    ['JSON', { method: 'POST', body: { kind: 'json', value: { deep: [{ token }] } } }],
    ['a text', { method: 'POST', body: { kind: 'text', value: `a ${token} b` } }],
    ['a form', { method: 'POST', body: { kind: 'multipart', parts: [{ kind: 'field', name: 'a', value: token }] } }],
    [
      'an expected header that differs',
      { path: `/${token}`, expect: expecting({ status: '409', headers: { 'x-said': 'a' } }) },
    ],
    ['a refused handshake', { path: `/ws?token=${token}`, socket: { handshake: 'accepted', firstMessageMs: null } }],
  ];

  it.each(places)('in %s stays with the worker, whatever the service says of it', async (_, over) => {
    const { report, told } = await run(suite([request('a', over)]));
    expect(report).toMatchObject({ passed: false });
    expect(told).not.toMatch(anyForm);
    expect(told).toContain('{{secret:TOKEN}}');
  });

  it('that a clean-up sends stays with the worker too', async () => {
    const cleanup = [request('sweep', { method: 'DELETE', path: `/all?token=${token}` })];
    const { report, told } = await run(suite([request('a', { expect: expecting({ status: '409' }) })], { cleanup }));
    expect(report?.sentence).toContain('clean-up sweep: expected 2xx, got 409');
    expect(told).not.toMatch(anyForm);
  });

  it('that is captured from an answer and sent on is hidden like itself', async () => {
    const again = await listen(({ path }) =>
      path === '/first' ? { body: JSON.stringify({ mine: value }) } : { status: 404, body: decodeURIComponent(path) },
    );
    try {
      const first = request('first', { headers: { authorization: token }, capture: { mine: '$.mine' } });
      const { told } = await run(suite([{ ...first, path: '/first' }, request('next', { path: '/next/{{mine}}' })]), {
        send: (sent) => createHttp().send({ ...sent, url: sent.url.replace(server.url, again.url) }),
      });
      expect(told).toContain('/next/***');
      expect(told).not.toMatch(anyForm);
    } finally {
      await again.stop();
    }
  });

  it('is not in an error that nobody expected, which quotes the whole request', async () => {
    const http: Http = { send: async (sent) => Promise.reject(new TypeError(`cannot send ${JSON.stringify(sent)}`)) };
    const { report, told } = await run(
      suite([request('a', { path: `/x?token=${token}`, headers: { a: token } })]),
      http,
    );
    expect(report).toBeNull();
    expect(told).toContain('TypeError: cannot send');
    expect(told).not.toMatch(anyForm);
  });
});
