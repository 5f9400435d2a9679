/** One engine as a place to work at: what the operator allows there, and how long its answers may take. */

import type { EngineCall, Http } from '../../../ports.ts';
import type { BySlot, DockerDeploy } from '../connection.ts';

export interface DockerHost extends DockerDeploy {
  /** Name of the route; its containers carry it as a label. */
  readonly route: string;
  /** `host:port` of each slot. */
  readonly addresses: BySlot<string>;
  readonly http: Http;
}

export function asking(signal?: AbortSignal, timeoutMs = 3_000): EngineCall {
  return { timeoutMs, signal };
}

export function acting(signal?: AbortSignal): EngineCall {
  return { timeoutMs: 60_000, signal };
}

export function pulling(signal?: AbortSignal): EngineCall {
  return { timeoutMs: 10 * 60_000, signal };
}
