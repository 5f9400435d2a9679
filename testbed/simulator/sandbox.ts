/** The SDK's own workflow sandbox and activity runner, in this process: the only file that uses the SDK's insides. */

import Long from 'long';
import { Activity } from '@temporalio/worker/lib/activity.js';
import { parseWorkflowCode } from '@temporalio/worker/lib/worker.js';
import { ReusableVMWorkflowCreator } from '@temporalio/worker/lib/workflow/reusable-vm.js';
import { globalHandlers } from '@temporalio/worker/lib/workflow/vm-shared.js';
import type { Workflow } from '@temporalio/worker/lib/workflow/interface.js';
import type { ActivityFunction } from '@temporalio/common';
import { ActivityCancellationDetails, TypedSearchAttributes, noopMetricMeter } from '@temporalio/common';
import { loadDataConverter } from '@temporalio/common/lib/internal-non-workflow/data-converter-helpers.js';
import { msToTs } from '@temporalio/common/lib/time.js';
import type { Info } from '@temporalio/activity';
import type { coresdk, temporal } from '@temporalio/proto';
import { WorkflowActivation, WorkflowActivationJob } from './proto.ts';

export type Job = coresdk.workflow_activation.IWorkflowActivationJob;
export type Command = coresdk.workflow_commands.IWorkflowCommand;
export type Failure = temporal.api.failure.v1.IFailure;
export type Payload = temporal.api.common.v1.IPayload;
export type ActivityResult = coresdk.activity_result.IActivityExecutionResult;

/** Without these a replay takes the SDK's old way of two batches. */
const internalFlags = [1, 2, 3, 4, 5, 6];

export interface Identity {
  readonly workflowId: string;
  readonly runId: string;
  readonly firstRunId: string;
  readonly workflowType: string;
  readonly taskQueue: string;
  readonly namespace: string;
  readonly taskTimeoutMs: number;
  /** Draws of the workflow's own random numbers begin here. */
  readonly seed: number;
  /** Epoch ms. */
  readonly startedAt: number;
}

export interface Moment {
  readonly at: number;
  readonly historyLength: number;
  /** Length of the history that the last start of a task was told; the size in bytes goes with it. */
  readonly toldLength: number;
  readonly isFull: boolean;
  readonly isReplaying: boolean;
}

/** Commands of one activation, or why the workflow task failed. */
export type Activated =
  | { readonly kind: 'commands'; readonly commands: readonly Command[] }
  | { readonly kind: 'failed'; readonly why: string };

export interface SandboxRun {
  activate(jobs: readonly Job[], moment: Moment): Promise<Activated>;
  /** The answer's payload, or an error with the handler's words. */
  query(name: string, args: readonly Payload[], moment: Moment): Promise<Payload | null>;
  dispose(): Promise<void>;
}

export interface Sandbox {
  create(identity: Identity, moment: Moment): Promise<SandboxRun>;
}

/** `code`: text of the workflow bundle. Without promise hook and watchdog, which together cost a factor of five. */
export async function openSandbox(code: string, activityNames: readonly string[]): Promise<Sandbox> {
  globalHandlers.installed = true;
  const bundle = parseWorkflowCode(code);
  const noWatchdog = undefined as unknown as number;
  const creator = await ReusableVMWorkflowCreator.create(bundle, noWatchdog, new Set(activityNames));
  return {
    async create(identity, moment) {
      const workflow = await creator.createWorkflow({
        info: infoOf(identity, moment),
        randomnessSeed: seedOf(identity).toBytes(),
        now: moment.at,
        showStackTraceSources: false,
      });
      return runOf(workflow, identity);
    },
  };
}

/** The job that every run begins with. */
export function beginning(identity: Identity, args: readonly Payload[], taskTimeoutMs: number): Job {
  return WorkflowActivationJob.fromObject({
    initializeWorkflow: {
      workflowType: identity.workflowType,
      workflowId: identity.workflowId,
      arguments: [...args],
      randomnessSeed: seedOf(identity),
      firstExecutionRunId: identity.firstRunId,
      attempt: 1,
      startTime: msToTs(identity.startedAt),
      workflowTaskTimeout: msToTs(taskTimeoutMs),
      headers: {},
    },
  });
}

function seedOf({ seed }: Identity): Long {
  return Long.fromNumber(seed, true);
}

function runOf(workflow: Workflow, { runId }: Identity): SandboxRun {
  const frame = ({ at, historyLength, toldLength, isFull, isReplaying }: Moment) => ({
    runId,
    timestamp: msToTs(at),
    isReplaying,
    historyLength,
    historySizeBytes: Long.fromNumber(toldLength * 400),
    continueAsNewSuggested: isFull,
    availableInternalFlags: internalFlags,
  });
  return {
    async activate(jobs, moment) {
      const completion = await workflow.activate({ ...frame(moment), jobs: [...jobs] });
      await workflow.getAndResetSinkCalls();
      if (completion.successful) return { kind: 'commands', commands: completion.successful.commands ?? [] };
      return { kind: 'failed', why: completion.failed?.failure?.message ?? 'no reason given' };
    },
    async query(name, args, moment) {
      const queryWorkflow = { queryId: 'q', queryType: name, arguments: [...args], headers: {} };
      const activation = WorkflowActivation.fromObject({
        ...frame(moment),
        jobs: [{ queryWorkflow }],
      });
      const completion = await workflow.activate(activation);
      const answer = completion.successful?.commands?.[0]?.respondToQuery;
      if (answer?.succeeded) return answer.succeeded.response ?? null;
      throw new Error(
        `query ${name}: ${answer?.failed?.message ?? completion.failed?.failure?.message ?? 'no answer'}`,
      );
    },
    dispose: () => workflow.dispose(),
  };
}

function infoOf(
  identity: Identity,
  moment: Moment,
): Parameters<ReusableVMWorkflowCreator['createWorkflow']>[0]['info'] {
  const { workflowId, runId, firstRunId, workflowType, taskQueue, namespace, taskTimeoutMs, startedAt } = identity;
  return {
    workflowId,
    runId,
    workflowType,
    searchAttributes: {},
    typedSearchAttributes: new TypedSearchAttributes(),
    taskQueue,
    namespace,
    firstExecutionRunId: firstRunId,
    originalExecutionRunId: runId,
    startTime: new Date(startedAt),
    runStartTime: new Date(startedAt),
    taskTimeoutMs,
    attempt: 1,
    historyLength: moment.historyLength,
    historySize: moment.toldLength * 400,
    continueAsNewSuggested: moment.isFull,
    targetWorkerDeploymentVersionChanged: false,
    suggestedContinueAsNewReasons: [],
    currentBuildId: '',
    unsafe: {
      now: () => moment.at,
      isReplaying: moment.isReplaying,
      isReplayingHistoryEvents: moment.isReplaying,
      random: { random: () => 0 },
    },
  } as never;
}

// ── Activities ───────────────────────────────────────────────────────────────────────────────────────────────────────

const converter = loadDataConverter();

type Logger = ConstructorParameters<typeof Activity>[7];
const quiet = (): void => undefined;
const silent: Logger = { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet };

export interface RunningActivity {
  /** Never rejects. */
  readonly ended: Promise<ActivityResult>;
  /** The workflow asked for it. */
  cancel(): void;
  /** The server no longer knows this attempt. */
  forget(): void;
}

/** Runs one attempt in the SDK's own activity context. */
export function runActivity(
  info: Info,
  act: ActivityFunction,
  args: readonly unknown[],
  onHeartbeat: (details: unknown) => void,
): RunningActivity {
  const context = { type: 'activity', namespace: info.namespace, activityId: info.activityId, isLocal: false } as const;
  const activity = new Activity(
    info,
    act,
    converter,
    context,
    undefined,
    onHeartbeat,
    undefined,
    silent,
    noopMetricMeter,
    [],
  );
  return {
    ended: activity.run({ args: [...args], headers: {} }),
    cancel: () => activity.cancel('CANCELLED', new ActivityCancellationDetails({ cancelRequested: true })),
    forget: () => activity.cancel('NOT_FOUND', new ActivityCancellationDetails({ notFound: true })),
  };
}
