/** Values that the tests of this folder share. */

import type { JsonValue } from '../../../../plan/plan.ts';
import type { StoredClaim } from '../../../../providers/targets/caddy/claim.ts';
import type { JsonObject } from '../../../../providers/targets/caddy/json.ts';

export const slots = { a: '127.0.0.1:8001', b: '127.0.0.1:8002' };
export const stable = { digest: `sha256:${'a'.repeat(64)}`, label: 'v1', image: 'registry.example/web' };
const canary = { digest: `sha256:${'b'.repeat(64)}`, label: 'v2', image: 'registry.example/web' };

export const claim: StoredClaim = {
  rollout: 'rollout/production/web',
  run: 'run-1',
  fence: 7,
  stage: { kind: 'step', index: 2 },
  canaryBp: 500,
  since: 1_700_000_000_000,
  released: false,
  stable,
  canary,
  slots: { a: stable, b: null },
};

export function proxy(dials: readonly string[], options: JsonObject = {}): JsonObject {
  return { handler: 'reverse_proxy', upstreams: dials.map((dial) => ({ dial })), ...options };
}

export function weighted(...weights: JsonValue[]): JsonObject {
  return { load_balancing: { selection_policy: { policy: 'weighted_round_robin', weights } } };
}
