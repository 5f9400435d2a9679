import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SlotState } from '../../testbed/deploy-hook/contract.ts';
import { inProject } from '../../testbed/root.ts';
import { ask, isUp } from '../../testbed/servers/http.ts';
import { freePort } from '../../testbed/servers/ports.ts';
import { type RealProcess, startProcess } from '../../testbed/servers/process.ts';
import { waitFor } from '../../testbed/wait.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const digestOf = (digit: string) => `sha256:${digit.repeat(64)}`;
const v1 = { digest: digestOf('1'), label: 'v1', image: 'registry.example/web' };
const v2 = { digest: digestOf('2'), label: 'v2', image: 'registry.example/web' };

const folders = temporaryFolder('deploy-hook');
let folder: string;
let url: string;
let slots: { a: number; b: number };
let hook: RealProcess;

beforeEach(async () => {
  folder = mkdtempSync(join(folders, 'hook-'));
  slots = { a: await freePort(), b: await freePort() };
  const listen = await freePort();
  url = `http://127.0.0.1:${listen}`;
  const releases = { v2: { errorRate: 1 }, broken: { ready: false } };
  writeFileSync(join(folder, 'hook.yaml'), JSON.stringify({ app: 'web', listen, slots, releases, folder: './data' }));
  hook = await startHook();
});

afterEach(() => hook.end());

function startHook(): Promise<RealProcess> {
  const args = [inProject('dist', 'testbed', 'deploy-hook', 'main.js'), join(folder, 'hook.yaml')];
  return startProcess({ name: 'hook', command: process.execPath, args, folder, ready: () => isUp(`${url}/healthz`) });
}

async function put(slot: string, release: object, fence: unknown): Promise<{ status: number; body: unknown }> {
  const answer = await ask(`${url}/slots/${slot}`, {
    method: 'PUT',
    json: { release, rollout: 'r', run: 'run', fence },
  });
  return { status: answer.status, body: JSON.parse(answer.body) as unknown };
}

async function remove(slot: string, fence: number): Promise<number> {
  return (await ask(`${url}/slots/${slot}?rollout=r&fence=${fence}`, { method: 'DELETE', timeoutMs: 15_000 })).status;
}

async function slot(name: string): Promise<SlotState | undefined> {
  return (JSON.parse((await ask(`${url}/slots`)).body) as { slots: Record<string, SlotState> }).slots[name];
}

const running = (name: string) =>
  waitFor(async () => (await slot(name))?.state === 'running', { for: `slot ${name} to run` });

const pidIn = async (name: 'a' | 'b') =>
  (JSON.parse((await ask(`http://127.0.0.1:${slots[name]}/_control/identity`)).body) as { pid: number }).pid;

describe('the example deploy hook', () => {
  it('starts a release as a real process and says how it is', async () => {
    expect(await slot('a')).toEqual({
      release: null,
      state: 'stopped',
      ready: false,
      detail: '',
      fence: 0,
      rollout: null,
    });

    expect(await put('a', v1, 3)).toMatchObject({ status: 200, body: { release: v1, fence: 3, rollout: 'r' } });
    await running('a');

    expect(await slot('a')).toEqual({ release: v1, state: 'running', ready: true, detail: '', fence: 3, rollout: 'r' });
    expect((await ask(`http://127.0.0.1:${slots.a}/`)).headers['x-release']).toBe('v1');
  });

  it('changes nothing when the same digest is put again', async () => {
    await put('a', v1, 3);
    await running('a');
    const pid = await pidIn('a');
    expect((await put('a', v1, 3)).status).toBe(200);
    expect((await put('a', v1, 4)).status).toBe(200);
    expect(await pidIn('a')).toBe(pid);
  });

  it('replaces the release in a slot, with the behaviour its label is configured for', async () => {
    await put('a', v1, 3);
    await running('a');
    await put('a', v2, 4);
    await running('a');
    expect(await ask(`http://127.0.0.1:${slots.a}/`)).toMatchObject({ status: 500, headers: { 'x-release': 'v2' } });
  });

  it('refuses every fence below the largest on the host, whatever the slot', async () => {
    await put('a', v1, 7);
    expect(await put('b', v2, 6)).toEqual({ status: 409, body: { code: 'fenced', fence: 7 } });
    expect(await remove('a', 6)).toBe(409);
    expect((await slot('b'))?.release).toBeNull();
    expect((await slot('a'))?.release).toEqual(v1);
  });

  it('removes a release, again and again', async () => {
    await put('a', v1, 3);
    await running('a');
    expect(await remove('a', 4)).toBe(200);
    expect(await remove('a', 4)).toBe(200);
    expect(await slot('a')).toMatchObject({ release: null, state: 'stopped', fence: 4 });
    expect(await isUp(`http://127.0.0.1:${slots.a}/healthz`)).toBe(false);
  });

  it.each([
    ['a digest that is none', { ...v1, digest: 'latest' }, 1],
    ['a label that would be a flag', { ...v1, label: '--port' }, 1],
    ['no fence', v1, undefined],
    ['a negative fence', v1, -1],
  ])('refuses a body with %s', async (_, release, fence) => {
    expect(await put('a', release, fence)).toMatchObject({ status: 422, body: { code: 'invalid' } });
    expect((await slot('a'))?.release).toBeNull();
  });

  it('knows only its own slots', async () => {
    expect(await put('c', v1, 1)).toMatchObject({ status: 404, body: { code: 'missing' } });
  });

  it('says that a release is not ready, and that one has died', async () => {
    await put('a', { ...v1, label: 'broken' }, 1);
    await waitFor(async () => (await slot('a'))?.detail === 'its health check answers 503', {
      for: 'the health check',
    });
    expect(await slot('a')).toMatchObject({ state: 'starting', ready: false });

    process.kill(await pidIn('a'), 'SIGKILL');
    // The kernel may say that it is gone a moment before Node says how it ended.
    await waitFor(async () => (await slot('a'))?.detail === 'ended by SIGKILL', { for: 'the death to be seen' });
    expect(await slot('a')).toMatchObject({ state: 'failed', ready: false });
  });

  it('starts a dead release again when it is put again', async () => {
    await put('a', v1, 1);
    await running('a');
    process.kill(await pidIn('a'), 'SIGKILL');
    await waitFor(async () => (await slot('a'))?.state === 'failed', { for: 'the death to be seen' });
    await put('a', v1, 1);
    await running('a');
  });
});

describe('the example deploy hook, killed and started again', () => {
  it('keeps its fence, and takes over the release that went on without it', async () => {
    await put('a', v1, 9);
    await running('a');
    const pid = await pidIn('a');
    const killed = hook;

    await killed.kill();
    expect(await pidIn('a')).toBe(pid);
    hook = await startHook();

    expect(await slot('a')).toMatchObject({ release: v1, state: 'running', fence: 9 });
    expect(await put('a', v2, 8)).toMatchObject({ status: 409, body: { fence: 9 } });
    expect(await pidIn('a')).toBe(pid);
    expect(await remove('a', 9)).toBe(200);
    expect(await isUp(`http://127.0.0.1:${slots.a}/healthz`)).toBe(false);
  });

  it('starts what should run and does not', async () => {
    await put('a', v1, 9);
    await running('a');
    const pid = await pidIn('a');
    await hook.kill();
    process.kill(pid, 'SIGKILL');
    hook = await startHook();
    await running('a');
    expect(await pidIn('a')).not.toBe(pid);
  });

  it('has its state in a file that is whole at any time', async () => {
    await put('a', v1, 9);
    const state = JSON.parse(readFileSync(join(folder, 'data', 'hook-state.json'), 'utf8')) as unknown;
    expect(state).toMatchObject({ fence: 9, slots: { a: { release: v1, fence: 9, rollout: 'r' } } });
  });
});
