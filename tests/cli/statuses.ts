/** A rollout in several states, as `status` would tell it; tests change what they are about. */

import type { Finding } from '../../judge/verdict.ts';
import type { Release } from '../../plan/release.ts';
import type { Explanation, RequestStatus, Status, StepStatus, Weights } from '../../plan/status.ts';

/** 2026-11-22T12:00:00Z */
export const noon = 1_795_348_800_000;
const minute = 60_000;

const release = (label: string, digit: string): Release => ({
  digest: `sha256:${digit.repeat(64)}`,
  label,
  image: 'registry.example/web',
});

const ladder = [100, 500, 2_500, 10_000];

export function steps(current: number): readonly StepStatus[] {
  return ladder.map((weightBp, index) => ({
    weightBp,
    state: index < current ? 'done' : index === current ? 'current' : 'ahead',
    weights: null,
    bakeMinMs: 30 * minute,
    bakeMaxMs: 60 * minute,
  }));
}

export function weights(bp: number, share: number | null, requests: number | null): Weights {
  return { requestedBp: bp, acceptedBp: bp, observedShare: share, observedRequests: requests };
}

export function finding(change: Partial<Finding> = {}): Finding {
  return {
    criterion: 'errors',
    verdict: 'pass',
    breached: false,
    breachedMs: 0,
    value: 0.001,
    baseline: null,
    limit: '> 1%',
    at: noon,
    do: 'rollback',
    severity: 'P0',
    sentence: '0.1% ≤ 1%',
    ...change,
  };
}

export function request(change: Partial<RequestStatus> = {}): RequestStatus {
  return {
    gate: 'wide@25%',
    point: { kind: 'step', index: 2 },
    state: 'open',
    openedAt: noon - 8 * minute,
    expiresAt: noon + 232 * minute,
    onExpiry: 'rollback',
    evidenceRevision: 1,
    evidenceDigest: `sha256:${'e'.repeat(64)}`,
    decisions: [],
    missing: '1 of sre',
    missingRoles: ['sre'],
    ...change,
  };
}

/** Baking at 5 %, all well. */
export function status(change: Partial<Status> = {}): Status {
  return {
    rollout: 'rollout/production/web',
    run: 'run-1',
    service: 'web',
    environment: 'production',
    title: 'Web shop',
    release: release('v2', '2'),
    stable: release('v1', '1'),
    planDigest: `sha256:${'d'.repeat(64)}`,
    requester: 'ana',
    identity: 'trust',
    startedAt: noon - 43 * minute,
    at: noon,
    phase: 'baking',
    phaseSince: noon - 12 * minute - 10_000,
    outcome: null,
    reason: null,
    problems: [],
    warnings: [],
    fence: 7,
    steps: steps(1),
    step: 1,
    weights: weights(500, 0.0497, 3_012),
    bake: {
      state: 'baking',
      validMs: 12 * minute + 10_000,
      elapsedMs: 12 * minute + 10_000,
      minMs: 30 * minute,
      maxMs: 60 * minute,
      summary: 'clean so far',
      at: noon,
    },
    findings: [finding()],
    requests: [],
    paused: null,
    held: null,
    frozen: null,
    smoke: [],
    receipts: [],
    ignored: [],
    ...change,
  };
}

export const explanation: Explanation = {
  waitingFor: 'a clean bake at 5%',
  since: noon - 12 * minute - 10_000,
  unblock: [],
  otherwise: 'it goes on when clean after 30m, and holds after 1h',
  earliestFinish: noon + 78 * minute,
  restMs: 60 * minute,
  at: noon - 2 * minute,
};
