/** `node dist/testbed/kubernetes/main.js [FOLDER]`: a plane until Ctrl-C, for looking around; prints what it is reached by. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kubeconfigOf } from './control-plane.ts';
import { startPlane } from './plane.ts';

const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), 'sluice-kubernetes-'));
const began = Date.now();
try {
  const plane = await startPlane({ folder });
  const { facts } = plane;
  const kubeconfig = join(folder, 'kubeconfig-outside.json');
  writeFileSync(kubeconfig, kubeconfigOf(facts.access), { mode: 0o600 });
  const worker = join(folder, 'kubeconfig-worker.json');
  writeFileSync(worker, kubeconfigOf(facts.worker), { mode: 0o600 });
  writeFileSync(join(folder, 'facts.json'), JSON.stringify(facts, null, 2), { mode: 0o600 });
  process.stdout.write(
    [
      `up in ${((Date.now() - began) / 1000).toFixed(1)} s; Ctrl-C ends it`,
      `kubeconfig  ${kubeconfig}`,
      `worker's    ${worker}   (k8s/rbac has been applied)`,
      `gateway     ${facts.gatewayUrl}`,
      `prometheus  ${facts.prometheusUrl}`,
      `all facts   ${join(folder, 'facts.json')}`,
      '',
    ].join('\n'),
  );
  const alive = setInterval(() => undefined, 60_000);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      clearInterval(alive);
      plane.stop().then(
        () => process.exit(0),
        (error: unknown) => {
          process.stderr.write(`${String(error)}\n`);
          process.exit(1);
        },
      );
    });
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
