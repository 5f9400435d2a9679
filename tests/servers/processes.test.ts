import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inProject } from '../../testbed/root.ts';
import { startCaddy } from '../../testbed/servers/caddy.ts';
import { ask, isUp } from '../../testbed/servers/http.ts';
import { freePort } from '../../testbed/servers/ports.ts';
import { startProcess } from '../../testbed/servers/process.ts';
import { awaitSamples, startPrometheus } from '../../testbed/servers/prometheus.ts';
import { startTemporal } from '../../testbed/servers/temporal.ts';
import { waitFor } from '../../testbed/wait.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const folder = temporaryFolder('processes');
const newFolder = () => mkdtempSync(join(folder, 'process-'));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** A process of ours that starts two long sleeps, prints their ids, and ends in the way it is told. */
function parentThat(ending: string): { pids: Promise<number[]>; signal: (name: NodeJS.Signals) => void } {
  const file = join(newFolder(), 'parent.mjs');
  writeFileSync(
    file,
    `import { startProcess } from ${JSON.stringify(inProject('dist', 'testbed', 'servers', 'process.js'))};
     const ready = async () => true;
     const start = (name) => startProcess({ name, command: '/bin/sleep', args: ['600'], folder: ${JSON.stringify(newFolder())}, ready });
     const [one, two] = [await start('one'), await start('two')];
     console.log(JSON.stringify([one.pid, two.pid]));
     ${ending}`,
  );
  const parent = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'ignore'] });
  const pids = new Promise<number[]>((resolve, reject) => {
    parent.stdout.once('data', (line: Buffer) => resolve(JSON.parse(line.toString()) as number[]));
    parent.once('error', reject);
  });
  return { pids, signal: (name) => void parent.kill(name) };
}

describe('what the testbed started', () => {
  it.each(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP'] as const)('dies when its parent dies of %s', async (name) => {
    const parent = parentThat('setInterval(() => {}, 1000);');
    const pids = await parent.pids;
    expect(pids.map(isAlive)).toEqual([true, true]);
    parent.signal(name);
    await waitFor(() => !pids.some(isAlive), { for: 'both children to be gone' });
  });

  it.each(['throw new Error("oops");', 'process.exit(0);'])('dies when its parent ends with %s', async (ending) => {
    const pids = await parentThat(ending).pids;
    await waitFor(() => !pids.some(isAlive), { for: 'both children to be gone' });
  });

  it('is shown with the end of its log when it does not start', async () => {
    const args = ['-e', 'console.log("I cannot go on"); process.exit(3)'];
    const options = { name: 'sick', command: process.execPath, args, folder: newFolder(), ready: async () => false };
    await expect(startProcess(options)).rejects.toThrow(/sick did not start: it ended with code 3\nI cannot go on/);
  });

  it('can be frozen and go on', async () => {
    const port = await freePort();
    const apps = { http: { servers: { srv0: { listen: [`127.0.0.1:${port}`], routes: [] } } } };
    const caddy = await startCaddy({ folder: newFolder(), apps });
    caddy.process().pause();
    await expect(ask(`${caddy.adminUrl}/config/`, { timeoutMs: 300 })).rejects.toThrow(
      /^no answer of .* within 300 ms$/,
    );
    caddy.process().resume();
    expect(await isUp(`${caddy.adminUrl}/config/`)).toBe(true);
    await caddy.stop();
    expect(await isUp(`${caddy.adminUrl}/config/`)).toBe(false);
  });
});

describe('a release of the demo service', () => {
  it('answers what is in flight before it ends, and waits for no connection that a proxy keeps in stock', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const facts = ['--port', String(port), '--app', 'web', '--release', 'v1', '--digest', 'sha256:1'];
    const args = [inProject('dist', 'testbed', 'demo-service', 'main.js'), ...facts, '--faults', '{"latencyMs":500}'];
    const ready = () => isUp(`${url}/healthz`);
    const release = await startProcess({ name: 'v1', command: process.execPath, args, folder: newFolder(), ready });
    const unused = connect(port, '127.0.0.1');
    await once(unused, 'connect');
    const answer = ask(`${url}/api/whoami`);
    await ask(`${url}/healthz`); // by now the slow request has begun
    const closed = once(unused, 'close');
    await release.stop();
    await closed;
    expect(release.ended()).toBe('code 0');
    expect((await answer).status).toBe(200);
  });
});

describe('the servers', () => {
  it('Caddy keeps what was set through its admin API over a restart, unless told to forget it', async () => {
    const apps = { http: { servers: { srv0: { listen: [`127.0.0.1:${await freePort()}`], routes: [] } } } };
    const caddy = await startCaddy({ folder: newFolder(), apps });
    const routes = `${caddy.adminUrl}/config/apps/http/servers/srv0/routes`;
    await ask(routes, { method: 'PATCH', json: [{ '@id': 'mine', handle: [] }] });

    await caddy.kill();
    await caddy.restart();
    expect((await ask(routes)).body).toContain('mine');
    await caddy.restart({ resume: false });
    expect((await ask(routes)).body).not.toContain('mine');
    await caddy.stop();
  });

  it('Temporal comes back on its own ports with its namespace and search attributes', async () => {
    const temporal = await startTemporal({ folder: newFolder(), persistent: true, ui: true });
    expect(await isUp(temporal.uiUrl ?? '')).toBe(true);
    await temporal.kill();
    await temporal.restart();
    const answer = await ask(`${temporal.httpUrl}/api/v1/namespaces/default/search-attributes`);
    expect(Object.keys((JSON.parse(answer.body) as { customAttributes: object }).customAttributes).sort()).toEqual([
      'RolloutEnv',
      'RolloutPercent',
      'RolloutRelease',
      'RolloutService',
      'RolloutState',
    ]);
    await temporal.stop();
  });

  it('Prometheus has samples soon, and keeps them over a restart', async () => {
    const first = await startPrometheus({ folder: newFolder(), targets: [] });
    const address = new URL(first.url).host;
    const targets = [{ job: 'other', address, labels: { slot: 'a' } }];
    const second = await startPrometheus({ folder: newFolder(), targets, scrapeEveryMs: 200 });

    await awaitSamples(second.url, 'up{job="other",slot="a"} == 1', 5_000);
    await first.stop();
    await awaitSamples(second.url, 'up{job="other"} == 0', 5_000);
    await second.restart();
    await awaitSamples(second.url, 'max_over_time(up{job="other"}[1m]) == 1', 5_000);
    await expect(awaitSamples(second.url, 'up{', 5_000)).rejects.toThrow(/up\{: .*parse error/);
    await second.stop();
  });
});
