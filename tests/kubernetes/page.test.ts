import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kubeconfigOf } from '../../testbed/kubernetes/control-plane.ts';
import { naming } from '../../testbed/kubernetes/identity.ts';
import { deployment, imageFor, referenceTo, rolledOut, service } from '../../testbed/kubernetes/workload.ts';
import { type Load, startLoad } from '../../testbed/load.ts';
import { pageOf } from '../../testbed/pages.ts';
import { inProject } from '../../testbed/root.ts';
import { isUp } from '../../testbed/servers/http.ts';
import { freePort } from '../../testbed/servers/ports.ts';
import { type RealProcess, startProcess } from '../../testbed/servers/process.ts';
import { awaitSamples } from '../../testbed/servers/prometheus.ts';
import { startTemporal, type Temporal } from '../../testbed/servers/temporal.ts';
import { waitFor } from '../../testbed/wait.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { sharedPlane } from './cluster.ts';
import { imageAt } from './on-cluster.ts';

/** Who the page is about. */
const web = { namespace: 'shop', name: 'web' };
const host = 'shop.example';

const plane = sharedPlane();
const { api, images } = plane;
const { files, commands } = pageOf('kubernetes.md');
const folder = temporaryFolder('page');
const [v1, v2] = [imageFor(web, 'v1'), imageFor(web, 'v2')];
let temporal: Temporal;
let worker: RealProcess;
let users: Load;

/** What a reader has before he begins: a clone, kubectl, a Temporal, and his Deployment with its Service. */
beforeAll(async () => {
  images.push(v1);
  images.push(v2);
  await api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: web.namespace } });
  await api.apply(deployment({ ...web, image: referenceTo(v1) }));
  await api.apply(service(web.namespace, web.name));
  mkdirSync(join(folder, 'bin'));
  symlinkSync(inProject('bin', 'sluice'), join(folder, 'bin', 'sluice'));
  cpSync(inProject('k8s'), join(folder, 'k8s'), { recursive: true });
  const admission = join(folder, 'k8s', 'rbac', 'admission.yaml');
  writeFileSync(admission, naming(readFileSync(admission, 'utf8'))); // for the tests that share the plane
  const kubectl = join(folder, 'bin', 'kubectl');
  const program = inProject('dist', 'testbed', 'kubernetes', 'kubectl', 'main.js');
  writeFileSync(kubectl, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
  chmodSync(kubectl, 0o755);
  writeFileSync(join(folder, 'admin.json'), kubeconfigOf(plane.access), { mode: 0o600 });
  [temporal] = await Promise.all([
    startTemporal({ folder: join(folder, 'temporal') }),
    rolledOut(api, web.namespace, web.name, 90_000),
  ]);
});

afterAll(async () => {
  await Promise.all([users.stop(), worker.end()]);
  await Promise.all([temporal.stop(), api.remove(`/api/v1/namespaces/${web.namespace}`)]);
});

const environment = () => ({
  PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}`,
  KUBECONFIG: join(folder, 'admin.json'),
  TEMPORAL_ADDRESS: temporal.address,
  NO_COLOR: '1',
});

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

async function sh(block: string): Promise<Ended> {
  const line = block.replaceAll('sha256:…', v2.digest);
  const env = { ...process.env, ...environment() };
  const child = spawn('bash', ['-euo', 'pipefail', '-c', line], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const [code, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, said: `${out}${err}` };
}

/** The commands of the page from one that has these words up to the one with those, without the latter. */
async function follow(from: string, to: string): Promise<string> {
  const at = (words: string) => commands.findIndex((block) => block.includes(words));
  const wanted = commands.slice(at(from), at(to));
  expect(wanted.length).toBeGreaterThan(0);
  let said = '';
  for (const block of wanted) {
    const end = await sh(block);
    said += end.said;
    if (end.code !== 0) throw new Error(`${block} ended with ${String(end.code)}:\n${end.said}`);
  }
  return said;
}

/** The page's files with the addresses that are its reader's own. */
function writeFiles(listen: string): void {
  const own = {
    '127.0.0.1:7233': temporal.address,
    '127.0.0.1:9464': listen,
    'https://shop.example': plane.gatewayUrl,
    'http://prometheus.example:9090': plane.prometheusUrl,
  };
  for (const [name, written] of Object.entries(files)) {
    const whole = Object.entries(own).reduce((body, [theirs, ours]) => body.replaceAll(theirs, ours), written);
    writeFileSync(join(folder, name), whole);
  }
}

/** Users' answers so far of a release. */
const answersOf = (label: string) =>
  Object.values(users.counts().byRelease[label] ?? {}).reduce((all, n) => all + n, 0);

it('docs/kubernetes.md, done as it says, leads from a Deployment and a Service to a rollout and back', async () => {
  const listen = `127.0.0.1:${await freePort()}`;
  writeFiles(listen);
  await follow('identity.yaml', 'sluice setup'); // rights, kubeconfig, route, label
  users = startLoad({ url: plane.gatewayUrl, headers: { host }, ratePerSecond: 50, maxSeconds: 600 });
  await waitFor(() => answersOf('v1') > 0, { for: 'users of stable', withinMs: 60_000 });
  await follow('sluice setup', 'sluice worker');

  const [command, ...args] = (commands.find((block) => block.includes('sluice worker')) ?? '').trim().split(' ');
  worker = await startProcess({
    ...{ name: 'worker', command: join(folder, command ?? ''), args, folder, env: environment() },
    ready: () => isUp(`http://${listen}/readyz`),
    readyWithinMs: 60_000,
  });
  await awaitSamples(
    plane.prometheusUrl,
    'sum(rate(http_requests_total{app="web",release="v1"}[1m] offset 1m)) > 0',
    120_000,
  );
  await follow('sluice doctor', 'sluice watch');
  await waitFor(() => answersOf('v2') > 0, { for: 'users of the release', withinMs: 90_000 });

  const watching = sh(commands.find((block) => block.includes('sluice watch')) ?? '');
  const aborting = await sh(commands.find((block) => block.includes('sluice abort')) ?? '');
  expect(aborting).toEqual({ code: 0, said: expect.stringContaining('confirmed') as string });
  expect((await watching).said).toContain('rolled-back');
  expect(await imageAt(plane, web.namespace, web.name)).toBe(referenceTo(v1));
  const [stable, canary] = [answersOf('v1'), answersOf('v2')];
  await waitFor(() => answersOf('v1') >= stable + 100, { for: 'users of stable afterwards', withinMs: 60_000 });
  expect([answersOf('v2'), users.counts().failed]).toEqual([canary, 0]);
}, 300_000);
