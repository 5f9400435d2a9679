/** Starts and stops one release in one slot as a real process. On a Compose host this is the file to replace: `docker compose up -d`, `stop`, `ps`. */

import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { inProject } from '../root.ts';
import { ask } from '../servers/http.ts';
import type { HookConfig } from './config.ts';
import type { HookRelease } from './contract.ts';

export interface Runner {
  /** Process that runs this release in this slot, started by whomever; `null` when there is none. */
  find(slot: string, release: HookRelease): Promise<number | null>;
  /** Starts a release, which may take a while to become ready; returns its process id. */
  start(slot: string, release: HookRelease): number;
  check(slot: string, pid: number): Promise<{ alive: boolean; ready: boolean; detail: string }>;
  /** SIGTERM, after 10 s SIGKILL; returns when the slot is free. */
  stop(slot: string, release: HookRelease, pid: number): Promise<void>;
}

const identitySchema = z.object({ digest: z.string(), pid: z.int() });

export function processRunner(config: HookConfig): Runner {
  /** Processes that this hook started, and how they ended. */
  const children = new Map<number, string | null>();
  const urlOf = (slot: string) => `http://127.0.0.1:${config.slots[slot] ?? 0}`;

  const find: Runner['find'] = async (slot, release) => {
    const answer = await ask(`${urlOf(slot)}/_control/identity`, { timeoutMs: 1_000 }).catch(() => null);
    const who = identitySchema.safeParse(answer?.status === 200 ? JSON.parse(answer.body) : null);
    return who.success && who.data.digest === release.digest ? who.data.pid : null;
  };

  const start: Runner['start'] = (slot, release) => {
    mkdirSync(config.folder, { recursive: true });
    const log = openSync(join(config.folder, `${slot}.log`), 'a');
    const args = commandLine(config, slot, release);
    const child = spawn(process.execPath, args, { cwd: config.folder, stdio: ['ignore', log, log] });
    closeSync(log);
    const { pid } = child;
    if (pid === undefined) throw new Error(`cannot run ${process.execPath}`);
    children.set(pid, null);
    child.once('exit', (code, signal) =>
      children.set(pid, signal === null ? `ended with code ${code}` : `ended by ${signal}`),
    );
    child.unref(); // a release outlives the hook that started it
    return pid;
  };

  const check: Runner['check'] = async (slot, pid) => {
    if (!isAlive(pid)) return { alive: false, ready: false, detail: children.get(pid) ?? 'its process is gone' };
    try {
      const { status } = await ask(`${urlOf(slot)}/healthz`, { timeoutMs: 1_000 });
      return { alive: true, ready: status === 200, detail: status === 200 ? '' : `its health check answers ${status}` };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { alive: true, ready: false, detail: `its health check does not answer: ${reason}` };
    }
  };

  const stop: Runner['stop'] = async (slot, release, pid) => {
    if (!isAlive(pid)) return;
    // The number of a process that an earlier hook started may belong to a stranger by now.
    if (!children.has(pid) && (await find(slot, release)) !== pid) {
      throw new Error(`slot ${slot}: process ${pid} does not say that it runs ${release.label}; stop it by hand`);
    }
    process.kill(pid, 'SIGTERM');
    for (let waitedMs = 0; isAlive(pid); waitedMs += 20) {
      if (waitedMs >= 10_000) process.kill(pid, 'SIGKILL');
      await sleep(20);
    }
  };

  return { find, start, check, stop };
}

function commandLine(config: HookConfig, slot: string, release: HookRelease): string[] {
  return [
    inProject('dist', 'testbed', 'demo-service', 'main.js'),
    ...['--port', String(config.slots[slot]), '--app', config.app],
    ...['--release', release.label, '--digest', release.digest],
    ...['--request-log', join(config.folder, `${slot}.requests.jsonl`)],
    ...['--faults', JSON.stringify(config.releases[release.label] ?? {})],
  ];
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false; // gone, or no longer ours
  }
  // Dead but not collected by its parent: common in containers, where nobody collects orphans.
  const status = `/proc/${pid}/status`;
  return !(existsSync(status) && /^State:\s*Z/m.test(readFileSync(status, 'utf8')));
}
