import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inProject } from '../../testbed/root.ts';
import { waitFor } from '../../testbed/wait.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const folders = temporaryFolder('kubernetes-left');

/** A plane of its own in a process of its own, whose children can be told from others. */
function start(name: string): { readonly folder: string; readonly child: ChildProcess; readonly said: () => string } {
  const folder = join(folders, name);
  mkdirSync(folder);
  let said = '';
  const child = spawn(process.execPath, [inProject('dist', 'testbed', 'kubernetes', 'main.js'), folder], {
    env: { ...process.env, PLANE_OF_TEST: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  return { folder, child, said: () => said };
}

function processesOf(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(folder);
      } catch {
        return false; // it has ended meanwhile
      }
    });
}

describe('nothing of a plane is left', () => {
  it('when it is told to end, in the midst of its start', async () => {
    const { folder, child } = start('early');
    await waitFor(() => existsSync(join(folder, 'etcd', 'etcd.log')), { for: 'etcd to start', withinMs: 30_000 });
    expect(processesOf(folder).length).toBeGreaterThan(2);
    child.kill('SIGTERM');
    await waitFor(() => processesOf(folder).length === 0, { for: 'all to be gone' });
  });

  it('when whoever started it is killed', async () => {
    const { folder, child, said } = start('killed');
    await waitFor(() => said().includes('up in'), { for: 'the plane', withinMs: 60_000 });
    expect(processesOf(folder).length).toBeGreaterThan(7);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await waitFor(() => processesOf(folder).length === 0, { for: 'all to be gone' });
  });
});
