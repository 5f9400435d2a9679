/** The search attributes of a rollout as typed values, in both directions, and what `start` keeps in the memo. */

import { defineSearchAttributeKey, type SearchAttributePair, type TypedSearchAttributes } from '@temporalio/common';
import type { RolloutState } from '../plan/phases.ts';
import type { Plan } from '../plan/plan.ts';
import type { Release } from '../plan/release.ts';
import type { searchAttributes } from '../workflows/messages.ts';

const keyword = (name: keyof typeof searchAttributes) => defineSearchAttributeKey(name, 'KEYWORD');

const keys = {
  service: keyword('RolloutService'),
  environment: keyword('RolloutEnv'),
  state: keyword('RolloutState'),
  release: keyword('RolloutRelease'),
  percent: defineSearchAttributeKey('RolloutPercent', 'INT'),
};

/** What a rollout starts with: a guardian looking for orphans finds it from the first moment. */
export function initialAttributes(plan: Plan, state: RolloutState): SearchAttributePair[] {
  return [
    { key: keys.service, value: plan.service },
    { key: keys.environment, value: plan.environment },
    { key: keys.state, value: state },
    { key: keys.release, value: plan.release.label },
    { key: keys.percent, value: 0 },
  ];
}

export interface Attributes {
  readonly service: string | null;
  readonly environment: string | null;
  /** Phase or outcome, last written. */
  readonly state: string | null;
  /** The release's label. */
  readonly label: string | null;
  readonly percent: number | null;
}

/** Absent ones, or ones of another type, are `null`. */
export function readAttributes(from: TypedSearchAttributes): Attributes {
  return {
    service: from.get(keys.service) ?? null,
    environment: from.get(keys.environment) ?? null,
    state: from.get(keys.state) ?? null,
    label: from.get(keys.release) ?? null,
    percent: from.get(keys.percent) ?? null,
  };
}

export interface Memo {
  readonly release: Release | null;
  readonly planDigest: string | null;
  readonly requester: string | null;
}

/** Anybody may start a workflow of our type: whatever is not as `start` writes it is `null`. */
export function readMemo(memo: Readonly<Record<string, unknown>> | undefined): Memo {
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  return {
    release: isRelease(memo?.['release']) ? memo['release'] : null,
    planDigest: text(memo?.['planDigest']),
    requester: text(memo?.['requester']),
  };
}

function isRelease(value: unknown): value is Release {
  if (typeof value !== 'object' || value === null) return false;
  const { digest, label, image } = value as Partial<Record<string, unknown>>;
  return typeof digest === 'string' && typeof label === 'string' && typeof image === 'string';
}
