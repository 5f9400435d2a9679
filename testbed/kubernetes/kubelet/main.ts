/** The small kubelet as a process inside the network: `main.js CONFIG.json`. */

import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createApi, type ClusterAccess } from '../api.ts';
import { imagesIn } from '../images.ts';
import type { BackOff } from './container.ts';
import { createNode } from './node.ts';
import type { ContainerSpec, Pod } from './pod.ts';
import { publisher } from './published.ts';

export interface KubeletConfig {
  readonly access: ClusterAccess;
  readonly app: string;
  readonly images: string;
  /** One folder for each namespace, in it one file for each container. */
  readonly logs: string;
  readonly requests: string;
  readonly processes: string;
  readonly scrape: string;
  readonly backOff: BackOff;
}

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: main.js CONFIG.json');
const config = JSON.parse(readFileSync(file, 'utf8')) as KubeletConfig;

const place = (folder: string, extension: string) => (pod: Pod, container: ContainerSpec) => {
  const { namespace, name } = pod.metadata;
  mkdirSync(join(folder, namespace), { recursive: true });
  return join(folder, namespace, `${name}.${container.name}.${extension}`);
};
const over = new AbortController();
const publish = publisher({ processes: config.processes, scrape: config.scrape }, () => node.pods());
const node = createNode({
  api: createApi(config.access),
  images: imagesIn(config.images),
  present: new Set(),
  app: config.app,
  backOff: config.backOff,
  logFile: place(config.logs, 'log'),
  requestLog: place(config.requests, 'jsonl'),
  changed: publish,
});
publish();
await node.run(over.signal);
