/** What pods answered, by their own request logs: the target-side truth. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readRequestLog, type ServedRequest } from '../demo-service/request-log.ts';

export interface PodRequest extends ServedRequest {
  readonly pod: string;
}

/** User requests to all pods of a namespace, those that are gone included, by time. */
export function requestsIn(folder: string, namespace: string): readonly PodRequest[] {
  const logs = join(folder, namespace);
  if (!existsSync(logs)) return [];
  const all = readdirSync(logs).flatMap((name) => {
    const [pod = ''] = name.split('.');
    return readRequestLog(join(logs, name)).map((request) => ({ ...request, pod }));
  });
  return all.sort((one, other) => one.at - other.at);
}
