/** What a workflow asked its server for, line by line: the same for a simulator's commands and for a server's history. */

import type { temporal } from '@temporalio/proto';
import { fromPayload } from '../payloads.ts';
import { WorkflowCommand } from '../proto.ts';
import { kindOf, withoutVanished } from '../commands.ts';
import type { Command, Payload } from '../sandbox.ts';
import { masked } from './masked.ts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;
type Payloads = readonly Payload[] | null | undefined;

/** Names that activities and timers were started under, to say what was cancelled. */
type Names = Map<string, string>;

/** The commands of one run after the other, as the simulator committed them. */
export class CommandLog {
  readonly lines: string[] = [];
  private names: Names = new Map();

  /** All commands of one workflow task, in bytes. */
  take(commands: readonly string[]): void {
    const decoded = commands.map((bytes) => WorkflowCommand.decode(Buffer.from(bytes, 'latin1')) as Command);
    for (const command of withoutVanished(decoded)) {
      this.lines.push(this.lineOf(command));
      if (command.continueAsNewWorkflowExecution) this.names = new Map();
    }
  }

  private lineOf(command: Command): string {
    const { userMetadata, scheduleActivity, startTimer, cancelTimer, requestCancelActivity } = command;
    if (scheduleActivity) {
      const { activityType, arguments: args } = scheduleActivity;
      const name = this.named(`activity ${String(scheduleActivity.seq)}`, activityType, userMetadata?.summary);
      return said(name, args);
    }
    if (startTimer) return this.named(`timer ${String(startTimer.seq)}`, 'timer', userMetadata?.summary);
    if (cancelTimer) return `cancel ${this.names.get(`timer ${String(cancelTimer.seq)}`) ?? '?'}`;
    if (requestCancelActivity)
      return `cancel ${this.names.get(`activity ${String(requestCancelActivity.seq)}`) ?? '?'}`;
    return otherCommand(command);
  }

  private named(key: string, what: string | null | undefined, summary: Payload | null | undefined): string {
    const name = nameOf(what, summary);
    this.names.set(key, name);
    return name;
  }
}

function otherCommand(command: Command): string {
  const {
    upsertWorkflowSearchAttributes: upsert,
    modifyWorkflowProperties: properties,
    updateResponse,
    setPatchMarker,
  } = command;
  if (upsert) return attributes(upsert.searchAttributes);
  if (properties) return memo(properties.upsertedMemo);
  if (updateResponse?.accepted) return 'update accepted';
  if (updateResponse?.completed) return said('update completed', [updateResponse.completed]);
  if (updateResponse?.rejected) return `update failed: ${updateResponse.rejected.message ?? ''}`;
  if (setPatchMarker) return `patch ${setPatchMarker.patchId ?? ''}`;
  if (command.completeWorkflowExecution) return said('completed', [command.completeWorkflowExecution.result ?? {}]);
  if (command.continueAsNewWorkflowExecution) {
    return said('continued', command.continueAsNewWorkflowExecution.arguments);
  }
  throw new Error(`no scenario was meant to ask for ${kindOf(command)}`);
}

/** The same lines from the history of one run. */
export function linesOf(events: readonly HistoryEvent[]): string[] {
  const names: Names = new Map();
  return events.flatMap((event) => lineOf(event, names) ?? []);
}

function lineOf(event: HistoryEvent, names: Names): string | null {
  const {
    activityTaskScheduledEventAttributes: activity,
    activityTaskCancelRequestedEventAttributes: cancelled,
    timerStartedEventAttributes: timer,
    timerCanceledEventAttributes: stopped,
    upsertWorkflowSearchAttributesEventAttributes: upsert,
    workflowPropertiesModifiedEventAttributes: properties,
    markerRecordedEventAttributes: marker,
    workflowExecutionUpdateCompletedEventAttributes: updated,
    workflowExecutionCompletedEventAttributes: completed,
    workflowExecutionContinuedAsNewEventAttributes: continued,
  } = event;
  const named = (key: string, what: string | null | undefined): string => {
    const name = nameOf(what, event.userMetadata?.summary);
    names.set(key, name);
    return name;
  };
  if (activity)
    return said(named(`activity ${String(event.eventId)}`, activity.activityType?.name), payloads(activity));
  if (timer) return named(`timer ${timer.timerId ?? ''}`, 'timer');
  if (cancelled) return `cancel ${names.get(`activity ${String(cancelled.scheduledEventId)}`) ?? '?'}`;
  if (stopped) return `cancel ${names.get(`timer ${stopped.timerId ?? ''}`) ?? '?'}`;
  if (upsert) return isOfPatches(upsert.searchAttributes) ? null : attributes(upsert.searchAttributes);
  if (properties) return memo(properties.upsertedMemo);
  if (marker) return `patch ${patchOf(marker)}`;
  if (event.workflowExecutionUpdateAcceptedEventAttributes) return 'update accepted';
  if (updated?.outcome?.failure) return `update failed: ${updated.outcome.failure.message ?? ''}`;
  if (updated) return said('update completed', updated.outcome?.success?.payloads);
  if (completed) return said('completed', completed.result?.payloads);
  if (continued) return said('continued', payloads(continued));
  if (event.workflowExecutionFailedEventAttributes) return 'failed';
  return event.workflowExecutionCanceledEventAttributes ? 'cancelled' : null;
}

/** Core writes it beside the marker of a patch; no workflow asks for it. */
function isOfPatches(given: temporal.api.common.v1.ISearchAttributes | null | undefined): boolean {
  return Object.keys(given?.indexedFields ?? {}).join() === 'TemporalChangeVersion';
}

function patchOf({ details }: temporal.api.history.v1.IMarkerRecordedEventAttributes): string {
  const [data] = details?.['patch-data']?.payloads ?? [];
  const said: unknown = data == null ? null : fromPayload(data);
  return typeof said === 'object' && said !== null && 'id' in said ? String(said.id) : '?';
}

function payloads({ input }: { readonly input?: temporal.api.common.v1.IPayloads | null }): Payloads {
  return input?.payloads;
}

function nameOf(what: string | null | undefined, summary: Payload | null | undefined): string {
  const words = summary == null ? '' : ` "${String(masked(fromPayload(summary)))}"`;
  return `${what ?? '?'}${words}`;
}

function said(what: string, values: Payloads): string {
  return `${what} ${JSON.stringify((values ?? []).map((value) => masked(fromPayload(value))))}`;
}

function attributes(given: temporal.api.common.v1.ISearchAttributes | null | undefined): string {
  const fields = Object.entries(given?.indexedFields ?? {}).map(([name, value]) => [name, fromPayload(value)] as const);
  // The server keeps them in no order.
  return `attributes ${JSON.stringify(fields.toSorted(([a], [b]) => (a < b ? -1 : 1)))}`;
}

function memo(given: temporal.api.common.v1.IMemo | null | undefined): string {
  const fields = Object.entries(given?.fields ?? {}).map(
    ([name, value]) => [name, masked(fromPayload(value))] as const,
  );
  return `memo ${JSON.stringify(fields.toSorted(([a], [b]) => (a < b ? -1 : 1)))}`;
}
