/** Short words for tests on the shared plane. */

import { randomBytes } from 'node:crypto';
import { afterAll, inject } from 'vitest';
import type { RouteCondition } from '../../testbed/kubernetes/workload.ts';
import { connectPlane, type Plane } from '../../testbed/kubernetes/plane.ts';
import { collectionPath } from '../../testbed/kubernetes/objects.ts';
import { ask } from '../../testbed/servers/http.ts';

/** The plane that the global set-up has started. */
export function sharedPlane(): Plane {
  const plane = connectPlane(inject('plane'));
  afterAll(() => plane.api.close());
  return plane;
}

/** A namespace that no other test has; it goes after the file's last test. */
export function ownNamespace(plane: Plane, what: string): string {
  const namespace = `${what}-${randomBytes(3).toString('hex')}`;
  afterAll(() => plane.api.remove(`/api/v1/namespaces/${namespace}`));
  return namespace;
}

/** Requests through the Gateway, counted by the release that answered; answers without one by their status. */
export async function answers(plane: Plane, host: string, requests: number): Promise<Record<string, number>> {
  const counted: Record<string, number> = {};
  for (let sent = 0; sent < requests; sent += 20) {
    const batch = Array.from({ length: Math.min(20, requests - sent) }, () =>
      ask(plane.gatewayUrl, { headers: { host } }),
    );
    for (const { status, headers } of await Promise.all(batch)) {
      const who = headers['x-release'] ?? String(status);
      counted[who] = (counted[who] ?? 0) + 1;
    }
  }
  return counted;
}

export function condition(conditions: readonly RouteCondition[], type: string): string | undefined {
  return conditions.find((one) => one.type === type)?.status;
}

export interface PodView {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly status: {
    readonly phase: string;
    readonly podIP?: string;
    readonly containerStatuses?: readonly {
      readonly ready: boolean;
      readonly restartCount: number;
      readonly imageID: string;
      readonly state: {
        readonly waiting?: { readonly reason: string; readonly message: string };
        readonly running?: { readonly startedAt: string };
        readonly terminated?: { readonly exitCode: number; readonly reason: string };
      };
      readonly lastState: { readonly terminated?: { readonly exitCode: number; readonly reason: string } };
    }[];
  };
}

export async function podsOf(plane: Plane, namespace: string, app: string): Promise<readonly PodView[]> {
  const path = `${collectionPath('v1', 'Pod', namespace)}?labelSelector=app%3D${app}`;
  return (await plane.api.read<{ items: readonly PodView[] }>(path)).items;
}
