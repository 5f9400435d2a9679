/** A kubeconfig for a plane, as an operator's file would be. */

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterAccess } from '../../testbed/kubernetes/api.ts';
import type { Plane } from '../../testbed/kubernetes/plane.ts';

/** Path of the file. */
export function kubeconfigOf(plane: Plane, access: ClusterAccess): string {
  const { server, ca, token } = access;
  const name = createHash('sha256').update(JSON.stringify(access)).digest('hex').slice(0, 12);
  const file = join(plane.folder, `kubeconfig-${name}.json`);
  const cluster = { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'plane', cluster }],
    users: [{ name: 'worker', user: { token } }],
    contexts: [{ name: 'plane', context: { cluster: 'plane', user: 'worker' } }],
    'current-context': 'plane',
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}
