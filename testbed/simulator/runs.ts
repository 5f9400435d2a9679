/** What the worker asks of Temporal about runs, answered by the simulated server. */

import Long from 'long';
import { isOutcome } from '../../plan/phases.ts';
import { ProviderError } from '../../providers/errors.ts';
import type { Rollouts, RunFacts, RunRef, Runs } from '../../providers/ports.ts';
import { originOf } from '../../worker/origin.ts';
import { revertWorkflow, rolloutWorkflow } from '../../workflows/messages.ts';
import type { Execution } from './execution.ts';
import type { SimulatedServer } from './server.ts';

/** For `equipment`. */
export function simulatedTemporal(server: SimulatedServer): { readonly rollouts: Rollouts; readonly runs: Runs } {
  return { rollouts: rolloutsOf(server), runs: runsOf(server) };
}

function meet(server: SimulatedServer): void {
  if (!server.isAway()) return;
  throw new ProviderError({ code: 'unreachable', doing: 'ask Temporal', detail: 'connection refused' });
}

function rolloutsOf(server: SimulatedServer): Rollouts {
  return {
    isRunning: async ({ rollout, run }) => {
      meet(server);
      const found = server.newest(rollout);
      if (found === undefined || found.closing !== null) return false;
      return found.identity.workflowType === revertWorkflow || found.identity.firstRunId === run;
    },
  };
}

/** No run stands still here: a workflow task that fails ends the simulation, and every worker takes every task. */
function runsOf(server: SimulatedServer): Runs {
  const ours = (): readonly Execution[] => {
    meet(server);
    return server.all().filter(({ identity }) => [rolloutWorkflow, revertWorkflow].includes(identity.workflowType));
  };
  const find = ({ rollout, run }: RunRef) => {
    meet(server);
    return server.chain(rollout).find(({ identity }) => identity.runId === run);
  };
  return {
    orphaned: async () =>
      ours()
        .filter((run) => run.closing !== null && !isOutcome(stateOf(run)))
        .map(refOf),
    troubled: async () => [],
    open: async () =>
      ours()
        .filter((run) => run.closing === null)
        .map(refOf),
    latest: async (rollout) => {
      meet(server);
      const found = server.newest(rollout);
      return found === undefined ? null : factsOf(found);
    },
    origin: async (run) => {
      const found = find(run);
      return found === undefined ? null : originOf(historyOf(found));
    },
    terminate: async (run, reason) => find(run)?.terminate(reason),
    revert: async (rollout, input) => {
      meet(server);
      return server.start(rollout, revertWorkflow, [input]);
    },
  };
}

function refOf({ identity }: Execution): RunRef {
  return { rollout: identity.workflowId, run: identity.runId };
}

function factsOf(run: Execution): RunFacts {
  return { ...refOf(run), ended: run.closing !== null, state: stateOf(run), standstill: null };
}

function stateOf({ attributes }: Execution): string | null {
  const state = attributes['RolloutState'];
  return typeof state === 'string' ? state : null;
}

/** As much of a history as tells what a run was and how far it got. */
function historyOf(run: Execution): Parameters<typeof originOf>[0] {
  const { workflowType, firstRunId } = run.identity;
  const started = {
    workflowType: { name: workflowType },
    firstExecutionRunId: firstRunId,
    input: { payloads: [...run.args] },
  };
  const events = run.asked.flatMap(({ seq, type, args, answer }) => {
    const scheduledEventId = Long.fromNumber(seq + 2);
    const scheduled = {
      eventId: scheduledEventId,
      activityTaskScheduledEventAttributes: { activityType: { name: type }, input: { payloads: [...args] } },
    };
    const result = answer === null ? [] : [answer];
    return [scheduled, { activityTaskCompletedEventAttributes: { scheduledEventId, result: { payloads: result } } }];
  });
  return [{ workflowExecutionStartedEventAttributes: started }, ...events, ...endOf(run)];
}

function endOf({ closing }: Execution): Parameters<typeof originOf>[0] {
  switch (closing?.kind) {
    case 'terminated':
      return [{ workflowExecutionTerminatedEventAttributes: { reason: closing.why } }];
    case 'failed':
      return [{ workflowExecutionFailedEventAttributes: { failure: { message: closing.why } } }];
    case 'cancelled':
      return [{ workflowExecutionCanceledEventAttributes: {} }];
    case 'completed':
      return [{ workflowExecutionCompletedEventAttributes: {} }];
    case 'continued':
    case undefined:
      return [];
  }
}
