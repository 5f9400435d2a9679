/** Everything that activities are given; the worker wires the real ones. */

import type {
  Archive,
  Clock,
  Directory,
  MetricsSource,
  Notifier,
  Rollouts,
  Runs,
  Secrets,
  SmokeRunner,
  Target,
} from '../providers/ports.ts';
import type { ProviderErrorCode } from '../providers/errors.ts';
import type { Observed } from './contract.ts';
import type { GuardLimits } from './guard-standing.ts';
import type { Finding } from '../judge/verdict.ts';
import type { TargetPlan } from '../plan/target.ts';

export interface Ports {
  readonly clock: Clock;
  /** Throws `ProviderError` `missing` when the operator declared no such connection. */
  target(plan: TargetPlan): Target;
  /** Throws `ProviderError` `missing` when the operator declared no such connection. */
  metrics(connection: string): MetricsSource;
  readonly smoke: SmokeRunner;
  readonly directory: Directory;
  readonly secrets: Secrets;
  readonly notifier: Notifier;
  /** Where records of rollouts are kept; `null` when the operator declared nowhere. */
  readonly archive: Archive | null;
  readonly rollouts: Rollouts;
  readonly runs: Runs;
  readonly guardian: GuardLimits;
  readonly observer: Observer;
  /** Every connection by name with a call that answers or throws, for `doctor`. */
  readonly connections: readonly { readonly name: string; ping(signal?: AbortSignal): Promise<string> }[];
}

/** What activities tell the worker's own metrics; one method per event. */
export interface Observer {
  effect(
    verb: string,
    rollout: string,
    result: 'done' | ProviderErrorCode | 'failed',
    ms: number,
    attempt: number,
  ): void;
  weights(rollout: string, observed: Observed): void;
  findings(rollout: string, findings: readonly Finding[]): void;
  bake(rollout: string, validMs: number, elapsedMs: number): void;
  /** Going back: from the decision's arrival in the activity to zero read back, ms. */
  zero(rollout: string, ms: number): void;
  smoke(rollout: string, suite: string, passed: boolean): void;
  notice(channel: string, ok: boolean): void;
  /** The guardian has looked at everything once more. */
  looked(): void;
  /** The guardian has started the revert of a rollout that nobody carried on. */
  orphan(): void;
}
