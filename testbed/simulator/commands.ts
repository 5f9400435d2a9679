/** Commands of a workflow task as the server takes them: in a form that compares, with what cancels itself left out. */

import { WorkflowCommand } from './proto.ts';
import type { Command, Job } from './sandbox.ts';

/** Bytes that are equal when the commands are; stack traces and markers say nothing. */
export function bytesOf(command: Command): string {
  const { buffer, byteOffset, byteLength } = WorkflowCommand.encode({ ...command, eventGroupMarkers: [] }).finish();
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}

/** The command's name: `startTimer`, `scheduleActivity`, … */
export function kindOf(command: Command): string {
  return (
    Object.keys(command).find(
      (key) => key !== 'userMetadata' && key !== 'eventGroupMarkers' && command[key as keyof Command] != null,
    ) ?? 'nothing'
  );
}

/** One line for the trace. */
export function lineOf(command: Command): string {
  const { scheduleActivity, startTimer } = command;
  if (scheduleActivity) return `${scheduleActivity.activityType ?? ''}#${String(scheduleActivity.seq)}`;
  if (startTimer) return `timer#${String(startTimer.seq)}`;
  return kindOf(command);
}

/** A timer that was started and cancelled in one task is never sent. */
function withoutVanishedTimers(commands: readonly Command[]): Command[] {
  const started = new Set(commands.flatMap(({ startTimer }) => startTimer?.seq ?? []));
  const stopped = new Set(commands.flatMap(({ cancelTimer }) => cancelTimer?.seq ?? []));
  return commands.filter(({ startTimer, cancelTimer }) => {
    const seq = startTimer?.seq ?? cancelTimer?.seq;
    return seq === undefined || seq === null || !started.has(seq) || !stopped.has(seq);
  });
}

/** What was begun and given up in one task is never sent. */
export function withoutVanished(commands: readonly Command[]): Command[] {
  return withoutVanishedTimers(withoutUnsentActivities(commands));
}

/** An activity that was scheduled and cancelled in one task is never sent. */
function withoutUnsentActivities(commands: readonly Command[]): Command[] {
  const scheduled = new Set(commands.flatMap(({ scheduleActivity }) => scheduleActivity?.seq ?? []));
  const dropped = new Set(
    commands.flatMap(({ requestCancelActivity }) => {
      const seq = requestCancelActivity?.seq;
      return typeof seq === 'number' && scheduled.has(seq) ? [seq] : [];
    }),
  );
  return commands.filter(({ scheduleActivity, requestCancelActivity }) => {
    const seq = scheduleActivity?.seq ?? requestCancelActivity?.seq;
    return typeof seq !== 'number' || !dropped.has(seq);
  });
}

/** Updates that were refused before they began: one that was accepted and then rejected has failed, which is an answer like any. */
export function refusedIn(jobs: readonly Job[], commands: readonly Command[]): Set<string> {
  const accepted = new Set(
    commands.flatMap(({ updateResponse }) =>
      updateResponse?.accepted ? (updateResponse.protocolInstanceId ?? []) : [],
    ),
  );
  const came = jobs.flatMap(({ doUpdate }) => doUpdate?.protocolInstanceId ?? []);
  const rejected = new Set(
    commands.filter(isRejection).map(({ updateResponse }) => updateResponse?.protocolInstanceId),
  );
  return new Set(came.filter((id) => rejected.has(id) && !accepted.has(id)));
}

export function isRejection({ updateResponse }: Command): boolean {
  return updateResponse?.rejected != null;
}

export function isClosing(command: Command): boolean {
  return (
    command.completeWorkflowExecution != null ||
    command.failWorkflowExecution != null ||
    command.cancelWorkflowExecution != null ||
    command.continueAsNewWorkflowExecution != null
  );
}
