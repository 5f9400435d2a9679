/** What the history of a run tells of it: what it was started with, how far it got, and how it ended. */

import proto from '@temporalio/proto';
import type { Effect, PreflightReport } from '../activities/contract.ts';
import { planDigest } from '../plan/digest.ts';
import type { Origin, RevertInput } from '../plan/orphan.ts';
import type { Release } from '../plan/release.ts';
import { revertWorkflow, type RolloutInput } from '../workflows/messages.ts';
import { payloadConverter } from '../workflows/payload-converter.ts';
import type { RunState } from '../workflows/state.ts';

type Event = proto.temporal.api.history.v1.IHistoryEvent;
type Payloads = proto.temporal.api.common.v1.IPayloads;

const { WorkflowTaskFailedCause } = proto.temporal.api.enums.v1;

/** `null` when the run was not started by Sluice with a sound plan: such a one ends before it touches anything. */
export function originOf(events: readonly Event[]): Origin | null {
  const started = events[0]?.workflowExecutionStartedEventAttributes;
  const input = firstOf(started?.input);
  if (!isSound(input)) return null;
  const isRevert = started?.workflowType?.name === revertWorkflow;
  const before = isRevert ? (input as RevertInput) : carriedBy(input);
  const scheduled = events.flatMap(({ activityTaskScheduledEventAttributes: activity }) => activity ?? []);
  const asked = scheduled.flatMap(({ activityType }) => activityType?.name ?? []);
  // What came after the point that a run was reset to is no longer in its history, but it is at the target.
  const wasReset = events.some(isReset);
  return {
    plan: input.plan,
    planDigest: input.planDigest,
    requester: input.requester,
    chains: [started?.firstExecutionRunId ?? '', ...before.chains],
    stable: before.stable ?? stableFound(events),
    fence: Math.max(before.fence ?? 0, ...scheduled.map(({ input: given }) => fenceIn(firstOf(given)))),
    claimed: before.claimed || asked.includes('deploy') || wasReset,
    exposed: before.exposed || asked.includes('shift') || wasReset,
    end: endOf(events.at(-1)),
  };
}

function isSound(input: unknown): input is RolloutInput | RevertInput {
  if (typeof input !== 'object' || input === null) return false;
  const { plan, planDigest: digest, requester } = input as Partial<RolloutInput>;
  if (plan?.version !== 1 || typeof digest !== 'string' || typeof requester !== 'string') return false;
  return planDigest(plan) === digest;
}

type Before = Pick<RevertInput, 'chains' | 'stable' | 'fence' | 'claimed' | 'exposed'>;

/** What the run before it handed on; the chain's first run is its own too. */
function carriedBy({ carried }: RolloutInput): Before {
  const state = carried as Partial<RunState> | null | undefined;
  return {
    chains: [],
    stable: state?.stable ?? null,
    fence: state?.fence ?? 0,
    claimed: state?.claimed === true,
    exposed: state?.exposed === true,
  };
}

/** Of an effect's order; 0 when it carries none. */
function fenceIn(input: unknown): number {
  return (input as Partial<Effect> | null | undefined)?.order?.fence ?? 0;
}

function stableFound(events: readonly Event[]): Release | null {
  const checks = events.filter(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'preflight',
  );
  const done = events.findLast(({ activityTaskCompletedEventAttributes: completed }) =>
    checks.some(({ eventId }) => eventId != null && completed?.scheduledEventId?.equals(eventId)),
  );
  const report = firstOf(done?.activityTaskCompletedEventAttributes?.result) as Partial<PreflightReport> | undefined;
  return report?.stable ?? null;
}

function isReset({ workflowTaskFailedEventAttributes: failed }: Event): boolean {
  return failed?.cause === WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW;
}

/** Completes "its workflow …"; `null` while it is open. */
function endOf(last: Event | undefined): string | null {
  const terminated = last?.workflowExecutionTerminatedEventAttributes;
  if (terminated) {
    const by = terminated.identity ? ` by ${terminated.identity}` : '';
    return `was terminated${by}${terminated.reason ? `: ${terminated.reason.slice(0, 300)}` : ''}`;
  }
  const failure = last?.workflowExecutionFailedEventAttributes?.failure;
  if (failure) return `failed: ${(failure.message ?? 'no reason given').slice(0, 300)}`;
  if (last?.workflowExecutionTimedOutEventAttributes) return 'timed out';
  if (last?.workflowExecutionCanceledEventAttributes) return 'was cancelled';
  return last?.workflowExecutionCompletedEventAttributes ? 'completed without saying its outcome' : null;
}

function firstOf(payloads: Payloads | null | undefined): unknown {
  const [payload] = payloads?.payloads ?? [];
  return payload === undefined ? undefined : payloadConverter.fromPayload<unknown>(payload);
}
