import { readFileSync } from 'node:fs';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import proto from '@temporalio/proto';
import { describe, expect, it } from 'vitest';
import { toPayload } from '../../testbed/simulator/payloads.ts';
import { originOf } from '../../worker/origin.ts';

type Event = proto.temporal.api.history.v1.IHistoryEvent;

/** A history that a real server recorded, up to where an activity of this name was asked for. */
function recorded(scenario: string, until = 'nothing'): readonly Event[] {
  const text = readFileSync(`tests/workflows/histories/0.1.0/${scenario}.json`, 'utf8');
  const events = historyFromJSON(JSON.parse(text)).events ?? [];
  const end = events.findIndex((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === until);
  return end < 0 ? events : events.slice(0, end);
}

const terminated: Event = {
  workflowExecutionTerminatedEventAttributes: { reason: 'by mistake', identity: 'olga@desk' },
};

describe('what a history tells of a rollout', () => {
  it('is its plan, who asked for it, what was stable, and how far it got', () => {
    const early = originOf([...recorded('good', 'deploy'), terminated]);
    expect(early).toMatchObject({
      plan: { service: 'good' },
      claimed: false,
      exposed: false,
      end: 'was terminated by olga@desk: by mistake',
    });
    expect(early?.stable?.label).toBe('v1');
    expect(early?.chains).toHaveLength(1);
    expect(originOf(recorded('good', 'shift'))).toMatchObject({ claimed: true, exposed: false, end: null });
    expect(originOf(recorded('bad'))).toMatchObject({ claimed: true, exposed: true });
  });

  it('is also the largest fence that it has issued, which a proxy may have forgotten', () => {
    const fences = ['preflight', 'deploy', 'shift', 'confirm'].map((name) => originOf(recorded('good', name))?.fence);
    expect(fences).toEqual([0, 0, 1, 2]);
  });

  it('is also what was carried over from the run before, and what a revert took over', () => {
    const [started, ...rest] = recorded('good', 'preflight');
    const attributes = started?.workflowExecutionStartedEventAttributes;
    const input = JSON.parse(Buffer.from(attributes?.input?.payloads?.[0]?.data ?? []).toString()) as object;
    const begun = (name: string, more: object): readonly Event[] => [
      {
        workflowExecutionStartedEventAttributes: {
          ...attributes,
          workflowType: { name },
          input: { payloads: [toPayload({ ...input, ...more })] },
        },
      },
      ...rest,
    ];
    const stable = { digest: 'sha256:1', label: 'v1', image: 'i' };
    const state = { stable, fence: 7, claimed: true, exposed: true };
    expect(originOf(begun('rollout', { carried: state }))).toMatchObject(state);
    const revert = originOf(begun('revert', { ...state, chains: ['first'] }));
    expect(revert).toMatchObject({ ...state, chains: [attributes?.firstExecutionRunId, 'first'] });
  });

  it('is, after a reset, that more may stand at the target than it knows of', () => {
    const cause = proto.temporal.api.enums.v1.WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW;
    const reset: Event = { workflowTaskFailedEventAttributes: { cause } };
    expect(originOf([...recorded('good', 'preflight'), reset])).toMatchObject({ claimed: true, exposed: true });
  });

  it('is nothing when somebody else started it: such a run has touched nothing', () => {
    const [started] = recorded('good');
    const foreign = (value: unknown): readonly Event[] => [
      {
        workflowExecutionStartedEventAttributes: {
          ...started?.workflowExecutionStartedEventAttributes,
          input: { payloads: [toPayload(value)] },
        },
      },
    ];
    const plain = JSON.parse(
      Buffer.from(started?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data ?? []).toString(),
    ) as object;
    for (const value of ['text', null, {}, { plan: { version: 1 } }, { ...plain, planDigest: 'sha256:other' }])
      expect(originOf(foreign(value))).toBeNull();
    expect(originOf([])).toBeNull();
  });
});
