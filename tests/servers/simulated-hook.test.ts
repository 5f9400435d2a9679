/** The scripted deploy host is believed because it answers as the real one does: each exchange is made with both. */

import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hookApp } from '../../testbed/deploy-hook/app.ts';
import type { SlotState } from '../../testbed/deploy-hook/contract.ts';
import { openHost } from '../../testbed/deploy-hook/host.ts';
import { processRunner } from '../../testbed/deploy-hook/runner.ts';
import { faultsSchema } from '../../testbed/demo-service/faults.ts';
import { ask } from '../../testbed/servers/http.ts';
import { freePort } from '../../testbed/servers/ports.ts';
import { createHookHost } from '../../testbed/simulator/worlds/hook.ts';
import { createSlots } from '../../testbed/simulator/worlds/slots.ts';
import { plainRelease, plainWorld } from '../../spec/world.ts';
import { waitFor } from '../../testbed/wait.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const token = 'let-me-in';
const release = (label: string, digit: string) => ({
  digest: `sha256:${digit.repeat(64)}`,
  label,
  image: 'registry.example/web',
});
const v1 = release('v1', '1');
const v2 = release('v2', '2');
const unready = release('unready', '3');

interface Told {
  readonly status: number;
  readonly type: string;
  readonly body: unknown;
}

interface More {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

interface Hook {
  ask(method: string, path: string, more?: More): Promise<Told>;
  /** Until a slot has come to be in that state. */
  until(slot: string, state: SlotState['state'], ready: boolean): Promise<void>;
  /** Its process ends from outside. */
  kill(slot: 'a' | 'b'): Promise<void>;
}

const folder = temporaryFolder('simulated-hook');

it('admits, refuses, starts, replaces and removes like the real one', async () => {
  const scripted = await story(scriptedHook());
  const real = await realHook(folder);
  try {
    expect(scripted).toEqual(await story(real));
  } finally {
    for (const slot of ['a', 'b']) await real.ask('DELETE', `/slots/${slot}?rollout=end&fence=1000`);
  }
});

/** What every call and every state in between looks like. */
async function story(hook: Hook): Promise<readonly unknown[]> {
  const heard: unknown[] = [];
  const hear = async (method: string, path: string, more: More = {}) => {
    const { status, type, body } = await hook.ask(method, path, more);
    heard.push([method, path, status, type, vague(body)]);
  };
  const put = (slot: string, what: unknown, fence: unknown, more = {}) =>
    hear('PUT', `/slots/${slot}`, { body: { release: what, rollout: 'r', run: 'run', fence, ...more } });

  for (const path of ['/healthz', '/slots', '/slots/', '/slots/a', '/nothing', '/slots/a/b']) await hear('GET', path);
  await hear('GET', '/slots', { headers: { authorization: 'Bearer wrong' } });
  await hear('GET', '/slots', { headers: { authorization: '' } });
  await hear('POST', '/slots/a', { body: {} });
  await put('c', v1, 1);
  await put('a', v1, 5);
  await hook.until('a', 'running', true);
  await hear('GET', '/slots');
  await put('a', v1, 5);
  await put('b', v2, 4);
  for (const fence of [-1, 1.5, '6', null]) await put('b', v2, fence);
  await put('b', { ...v2, digest: 'latest' }, 6);
  await put('b', { ...v2, label: '--force' }, 6);
  await put('b', v2, 6, { more: 1 });
  await hear('PUT', '/slots/b', { body: 'text' });
  await put('b', unready, 6);
  await hook.until('b', 'starting', false);
  await put('b', v2, 7);
  await hook.until('b', 'running', true);
  await hook.kill('b');
  await hook.until('b', 'failed', false);
  await put('b', v2, 7);
  await hook.until('b', 'running', true);
  await hear('DELETE', '/slots/b?rollout=r&fence=6');
  await hear('DELETE', '/slots/b?rollout=r');
  await hear('DELETE', '/slots/b?fence=9');
  await hear('DELETE', '/slots/b?rollout=r&fence=x');
  await hear('DELETE', '/slots/b?rollout=r&fence=9');
  await hear('DELETE', '/slots/b?rollout=other&fence=9');
  await hear('GET', '/slots');
  return heard;
}

/** How a release says that it is not ready is its own affair. */
function vague(body: unknown): unknown {
  return JSON.parse(
    JSON.stringify(body, (key, value: unknown) => {
      if (key === 'detail' && value !== '') return '…';
      return value;
    }),
  ) as unknown;
}

async function realHook(folder: string): Promise<Hook> {
  const slots = { a: await freePort(), b: await freePort() };
  const releases = { unready: { ...faultsSchema.parse({}), ready: false } };
  const runner = processRunner({ app: 'web', listen: 1, slots, releases, folder });
  const app = hookApp({ host: await openHost(['a', 'b'], join(folder, 'state.json'), runner), token });
  const send: Send = async (method, path, headers, body) => {
    const answer = await app.request(path, { method, headers, ...(body !== undefined && { body }) });
    return { status: answer.status, type: answer.headers.get('content-type') ?? '', text: await answer.text() };
  };
  return {
    ask: (method, path, more = {}) => asked(send, method, path, more),
    until: async (slot, state, ready) => {
      const isSo = async () => {
        const { body } = await asked(send, 'GET', '/slots', {});
        const found = (body as { slots: Record<string, SlotState> }).slots[slot];
        return found?.state === state && found.ready === ready;
      };
      await waitFor(isSo, { for: `slot ${slot} to be ${state}` });
    },
    kill: async (slot) => {
      const identity = await ask(`http://127.0.0.1:${slots[slot]}/_control/identity`);
      process.kill((JSON.parse(identity.body) as { pid: number }).pid, 'SIGKILL');
    },
  };
}

function scriptedHook(): Hook {
  const began = 1_000_000;
  const diesAtMs = 3_600_000;
  let now = began;
  const slots = createSlots({
    dials: { a: '127.0.0.1:8001', b: '127.0.0.1:8002' },
    script: plainWorld,
    behaviour: ({ label }) => ({
      ...plainRelease,
      unready: { first: label === 'unready', points: [] },
      dies: label === 'v2' ? [{ kind: 'at', ms: diesAtMs }] : [],
    }),
    suites: () => [],
    history: { began, reached: () => null },
    changed: () => undefined,
  });
  const host = createHookHost({ names: ['a', 'b'], runner: slots, token });
  const send: Send = async (method, path, headers, body) => {
    const url = `http://127.0.0.1:9000${path}`;
    const answer = host.answer({ method, url, headers, timeoutMs: 1, ...(body !== undefined && { body }) }, now);
    return { status: answer.status, type: answer.headers['content-type'] ?? '', text: answer.body };
  };
  return {
    ask: (method, path, more = {}) => asked(send, method, path, more),
    until: async (slot, state, ready) => {
      now += 2_000;
      expect(host.slots(now)[slot]).toMatchObject({ state, ready });
    },
    kill: async () => void (now = began + diesAtMs),
  };
}

type Send = (
  method: string,
  path: string,
  headers: Record<string, string>,
  body: string | undefined,
) => Promise<{ readonly status: number; readonly type: string; readonly text: string }>;

async function asked(send: Send, method: string, path: string, more: More): Promise<Told> {
  const headers = { authorization: `Bearer ${token}`, ...more.headers };
  const body = more.body === undefined ? undefined : JSON.stringify(more.body);
  const { status, type, text } = await send(method, path, headers, body);
  return { status, type, body: type.startsWith('application/json') ? (JSON.parse(text) as unknown) : text };
}
