/** What the kubelet tells those beside it, as files: the list of its processes, and what Prometheus is to scrape. */

import { renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PodLife } from './pod-life.ts';

/** One process of a pod. */
export interface PodProcess {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly address: string;
  readonly pid: number;
  readonly digest: string;
  readonly label: string;
}

/** Written a moment after each change, changes of that moment together. */
export function publisher(
  files: { readonly processes: string; readonly scrape: string },
  pods: () => Iterable<PodLife>,
) {
  let due = false;
  return (): void => {
    if (due) return;
    due = true;
    void sleep(20).then(() => {
      due = false;
      const all = [...pods()];
      replace(files.processes, all.flatMap(processesOf));
      replace(files.scrape, all.flatMap(scrapedOf));
    });
  };
}

function processesOf({ pod, address, containers }: PodLife): PodProcess[] {
  const { namespace, name } = pod.metadata;
  return containers.flatMap((one) => {
    const running = one.process();
    if (running === null) return [];
    const { pid, image } = running;
    const container = one.facts().spec.name;
    return [{ namespace, pod: name, container, address, pid, digest: image.digest, label: image.label }];
  });
}

/** As `file_sd_configs` reads it: a pod's own labels on what it says, as the usual scrape configuration for Kubernetes puts them there. */
function scrapedOf({ pod, address, containers }: PodLife): object[] {
  const { namespace, name, labels = {} } = pod.metadata;
  const own = Object.fromEntries(
    Object.entries(labels).map(([key, value]) => [key.replaceAll(/[^a-zA-Z0-9_]/g, '_'), value] as const),
  );
  return containers.flatMap((one) => {
    const port = one.facts().spec.ports?.[0]?.containerPort;
    if (port === undefined || one.process() === null) return [];
    return [{ targets: [`${address}:${port}`], labels: { ...own, namespace, pod: name } }];
  });
}

function replace(file: string, content: unknown): void {
  writeFileSync(`${file}.tmp`, JSON.stringify(content));
  renameSync(`${file}.tmp`, file);
}
